#!/bin/bash
# progress.sh TITLE COMMAND...: says what is being done and for how long it took.
set -uo pipefail

title=$1
shift
echo "== $title"
started=$SECONDS
"$@"
status=$?
if [ "$status" = 0 ]; then
  echo "== done in $((SECONDS - started)) s"
else
  echo "== failed with status $status after $((SECONDS - started)) s: $*" >&2
fi
exit "$status"
