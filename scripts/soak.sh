#!/bin/bash
# soak.sh: what takes too long for every change.
set -euo pipefail
cd "$(dirname "$0")/.."

echo "== Building (release)"
swift build -c release --product martlet
echo "== Long end-to-end tests"
(cd Tests/EndToEnd && MARTLET_BINARY=../../.build/release/martlet ../../.venv/bin/pytest --soak -m soak)
echo "== Fuzzing each parser for ten minutes"
scripts/fuzz.sh 600s
