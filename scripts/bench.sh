#!/usr/bin/env bash
# Measures the packet path of the media core without the kernel, beside the cipher alone in the same run.
set -euo pipefail
cd "$(dirname "$0")/.."
export MARTLET_MEDIA_CORE=1 MARTLET_BENCHMARK=1
scripts/progress.sh "Building the benchmark (release, media core only)" \
  swift build -c release --product MediaCoreBenchmark --scratch-path .build-bench
.build-bench/release/MediaCoreBenchmark "${VIEWERS:-200}" "${FRAMES:-300}"
