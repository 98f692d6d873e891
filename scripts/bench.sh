#!/bin/bash
# bench.sh: CPU time per packet in the media core, in an optimised build.
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/progress.sh "Building the benchmarks (release, media core only)" \
  env MARTLET_MEDIA_CORE=1 MARTLET_BENCHMARKS=1 \
  swift build -c release --product Benchmarks --scratch-path .build-benchmarks
.build-benchmarks/release/Benchmarks
