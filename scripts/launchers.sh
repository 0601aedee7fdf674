#!/usr/bin/env bash
# Writes the launchers wharfd, dist and ctr into DIR. They carry node's absolute path, so they work under any PATH.
# usage: scripts/launchers.sh DIR HOME   (HOME: the folder that holds build/, as it will be when they run)
set -euo pipefail
dir=$1 home=$2
node=$(node -p 'process.execPath')

quoted() {
  printf "'%s'" "${1//\'/\'\\\'\'}"
}

launcher() {
  local name=$1 entry=$2 environment=${3:-} options=${4:-} temporary
  temporary=$(mktemp "$dir/.$name.XXXXXX")
  printf '#!/bin/sh\n%sexec %s %s%s "$@"\n' "$environment" "$(quoted "$node")" "$options" "$(quoted "$home/$entry")" >"$temporary"
  chmod 755 "$temporary"
  mv "$temporary" "$dir/$name"
}

mkdir -p "$dir"
# Threads for file calls: with Node's four, flushing small blobs to the disk holds up the download of large ones.
# Memory that a pull needed goes back at once: few malloc arenas, each trimmed, a mapping of its own for what the network brings, and a
# small young generation; together a third of the peak. The heap may grow to 2.4 times what was in use after the last full collection: with
# V8's own rule, which gives less to a thread that makes much, a pull takes 3 % more CPU time; from three times on it is only memory.
# V8 optimizes what has run four times as long as by its own rule: what a pull's threads do in their half second is not worth compiling
# for longer than that, and those that worked ten seconds ago have ended. A tenth of the CPU time of such a pull.
launcher wharfd build/daemon/main.js \
  'UV_THREADPOOL_SIZE=${UV_THREADPOOL_SIZE:-16} MALLOC_ARENA_MAX=${MALLOC_ARENA_MAX:-2} MALLOC_TRIM_THRESHOLD_=${MALLOC_TRIM_THRESHOLD_:-1048576} MALLOC_MMAP_THRESHOLD_=${MALLOC_MMAP_THRESHOLD_:-65536} ' \
  "$(<"$(dirname "$0")/daemon-flags") "
# The commands speak over a unix socket only: to read certificates, which Node does at its start, would take longer than all else about theirs.
# What they run gets the variable back (src/cli/shared/node-io.ts).
for name in dist ctr; do
  launcher "$name" "build/cli/$name.cjs" 'WHARFD_EXTRA_CA_CERTS=${NODE_EXTRA_CA_CERTS:-} NODE_EXTRA_CA_CERTS= '
done
