#!/usr/bin/env bash
# Runs all tests with the long ones at full size and keeps the result, with the commit it is of, in docs/test-full.md.
set -euo pipefail
cd "$(dirname "$0")/.."

log=$(mktemp)
trap 'rm -f "$log"' EXIT
commit=$(git rev-parse HEAD)
[ -z "$(git status --porcelain)" ] || commit="$commit, with uncommitted changes"
started=$(date +%s)
status=0
WHARFD_TEST_FULL=1 node --import tsx scripts/test.ts 2>&1 | tee "$log" || status=$?
{
  echo '# The last full test run'
  echo
  echo "- commit: $commit"
  echo "- date: $(date -u +%Y-%m-%d), Node $(node -v), Linux $(uname -r)"
  echo "- time: $(($(date +%s) - started)) s"
  echo
  echo '```'
  grep -E '^. (tests|suites|pass|fail|cancelled|skipped|todo|duration_ms) ' "$log" | tail -n 8
  echo '```'
} >docs/test-full.md
exit "$status"
