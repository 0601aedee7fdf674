#!/usr/bin/env bash
# Installs what is missing on this machine: Debian packages, then the pinned npm packages. Does nothing when all is there.
# usage: scripts/setup.sh packages | modules
set -euo pipefail
cd "$(dirname "$0")/.."

# One a line: what must be there (a command, or a file by its absolute path), and the Debian package that brings it.
needed() {
  cat <<'LIST'
make make
gcc gcc
g++ g++
python3 python3
/usr/include/stdlib.h libc6-dev
musl-gcc musl-tools
/usr/include/nghttp2/nghttp2.h libnghttp2-dev
/usr/include/isa-l/igzip_lib.h libisal-dev
/usr/include/openssl/sha.h libssl-dev
runc runc
crun crun
docker-registry docker-registry
skopeo skopeo
umoci umoci
redis-server redis-server
redis-cli redis-tools
/usr/share/doc/busybox-static/copyright busybox-static
igzip isal
pigz pigz
zstd zstd
bsdtar libarchive-tools
openssl openssl
containerd containerd
mkfs.ext4 e2fsprogs
mount mount
ip iproute2
iptables iptables
/usr/lib/cni/bridge containernetworking-plugins
git git
strace strace
LIST
}

has() {
  case "$1" in
    /*) [ -e "$1" ] ;;
    *) PATH="$PATH:/usr/sbin:/sbin" command -v "$1" >/dev/null ;;
  esac
}

# The folder whose include/node fits the running node: the one that node lies in, else Debian's. Nothing when neither does.
headers() {
  local prefix major
  major=$(node -p 'process.versions.node.split(".")[0]')
  for prefix in "$(node -p 'require("node:path").resolve(require("node:fs").realpathSync(process.execPath), "../..")')" /usr; do
    if grep -qE "define NODE_MAJOR_VERSION $major\$" "$prefix/include/node/node_version.h" 2>/dev/null; then
      printf '%s\n' "$prefix"
      return
    fi
  done
}

install_packages() {
  local missing=()
  while read -r what package; do
    has "$what" || missing+=("$package")
  done < <(needed)
  [ -n "$(headers)" ] || missing+=(libnode-dev)
  [ "${#missing[@]}" -gt 0 ] || return 0
  if [ "$(id -u)" != 0 ]; then
    echo "setup: ${missing[*]} are missing; run this as root, or install them with apt-get" >&2
    exit 1
  fi
  # The packages' own services (a registry, a Redis, a containerd) are not wanted: only their programs are.
  if [ ! -e /usr/sbin/policy-rc.d ]; then
    printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
    chmod 755 /usr/sbin/policy-rc.d
    trap 'rm -f /usr/sbin/policy-rc.d' EXIT
  fi
  apt-get update -q
  DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "${missing[@]}"
}

# node_modules belongs to one lock file and one Node ABI (better-sqlite3 is compiled for it).
modules_key() {
  { cat package-lock.json && node -p 'process.versions.modules + process.arch'; } | sha256sum | cut -d' ' -f1
}

install_modules() {
  local stamp=node_modules/.wharfd-key key prefix
  key=$(modules_key)
  [ "$(cat "$stamp" 2>/dev/null)" != "$key" ] || return 0
  prefix=$(headers)
  if [ -z "$prefix" ]; then
    echo "setup: no C headers of node $(node -v) here, neither beside it nor Debian's: install node with its include/node" >&2
    exit 1
  fi
  # node-gyp takes headers from nodedir and then downloads none.
  npm_config_nodedir="$prefix" npm ci
  printf '%s\n' "$key" >"$stamp"
}

case "${1:-}" in
  packages) install_packages ;;
  modules) install_modules ;;
  *) sed -n 's/^# usage: /usage: /p' "$0" >&2; exit 2 ;;
esac
