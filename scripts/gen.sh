#!/usr/bin/env bash
# Everything that is generated from proto/.
# usage: scripts/gen.sh types DIR | descriptor FILE
set -euo pipefail
cd "$(dirname "$0")/.."

case "${1:-}" in
  types) mkdir -p "$2" ;;
  descriptor) mkdir -p "$(dirname "$2")" ;;
  *) sed -n 's/^# usage: /usage: /p' "$0" >&2; exit 2 ;;
esac
