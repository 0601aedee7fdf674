#!/usr/bin/env bash
# Copies a finished build to where it is to stay: PREFIX/lib/wharfd and launchers in PREFIX/bin, all below DESTDIR.
# usage: scripts/install.sh install | uninstall   (environment: PREFIX, DESTDIR)
set -euo pipefail
cd "$(dirname "$0")/.."

prefix=${PREFIX:-/usr/local}
root=${DESTDIR:-}$prefix
home=$root/lib/wharfd
unit=$root/lib/systemd/system/wharfd.service
share=$root/share/doc/wharfd

remove() {
  rm -rf "$home" "$share"
  rm -f "$root/bin/wharfd" "$root/bin/dist" "$root/bin/ctr" "$unit"
}

# What the daemon needs at run time of node_modules: the production tree, without sources and objects of native builds.
copy_modules() {
  npm ls --omit=dev --all --parseable | sed 1d | while read -r path; do
    local name=${path#"$PWD"/}
    mkdir -p "$home/$name"
    tar -C "$name" --exclude=./node_modules --exclude=./deps --exclude=./build/Release/obj \
      --exclude=./build/Release/.deps --exclude=./build/Release/obj.target -cf - . | tar -C "$home/$name" --no-same-owner -xf -
  done
}

install_all() {
  case $prefix in /*) ;; *) echo "install: PREFIX must be absolute, got $prefix" >&2; exit 2 ;; esac
  rm -rf "$home"
  mkdir -p "$home/build" "$root/bin" "$share" "$(dirname "$unit")"
  cp -r build/js build/daemon build/cli "$home/build/"
  mkdir "$home/build/native"
  local part
  for part in wharfd.node grpc.node wharfd-monitor wharfd-init wharfd-inflate; do
    cp "build/native/$part" "$home/build/native/"
  done
  cp package.json LICENSE "$home/"
  copy_modules
  scripts/launchers.sh "$root/bin" "$prefix/lib/wharfd"
  sed "s#@BINDIR@#$prefix/bin#" etc/wharfd.service >"$unit"
  cp etc/config.toml README.md LICENSE "$share/"
}

case "${1:-}" in
  install) install_all ;;
  uninstall) remove ;;
  *) sed -n 's/^# usage: /usage: /p' "$0" >&2; exit 2 ;;
esac
