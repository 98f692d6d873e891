#!/bin/bash
# retry.sh TITLE COMMAND...: runs a command that downloads, three times at most.
set -uo pipefail

title=$1
shift
log=$(mktemp)
trap 'rm -f "$log"' EXIT

for attempt in 1 2 3; do
  if "$@" >"$log" 2>&1; then
    exit 0
  fi
  status=$?
  echo "$title: attempt $attempt of 3 failed." >&2
  [ "$attempt" = 3 ] || sleep $((attempt * 5))
done
cat "$log" >&2
exit "$status"
