#!/bin/bash
# soak.sh [PYTEST ARGUMENTS...]: what takes too long for every change, about two hours.
#
# Each part can be made smaller for a quick try; CONTRIBUTING.md lists the variables.
set -euo pipefail
cd "$(dirname "$0")/.."

log_directory=.build/test-logs
mkdir -p "$log_directory"

scripts/progress.sh "Building (release)" swift build -c release --product martlet
echo "== Ten thousand joins, crowds, load, lip sync over minutes, AV1"
# What is measured over minutes is not measured again until it fits.
(cd Tests/EndToEnd &&
  MARTLET_BINARY=../../.build/release/martlet ../../.venv/bin/pytest --soak -m soak --reruns 0 -rP "$@") 2>&1 |
  tee "$log_directory/soak.log"
echo "== Fuzzing each parser for ${SOAK_FUZZ:=600s}"
scripts/fuzz.sh "$SOAK_FUZZ"
