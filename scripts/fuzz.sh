#!/bin/bash
# fuzz.sh TIME [TARGET...]: fuzzes each parser of untrusted bytes for TIME (like 60s), starting from Fuzz/Corpus.
#
# A finding is left in .build-fuzz/findings; reproduce it with
#   MARTLET_FUZZ_TARGET=rtp .build-fuzz/debug/Fuzz FILE
# and add it to Fuzz/Corpus with the fix.
set -euo pipefail
cd "$(dirname "$0")/.."

seconds=${1:-60s}
seconds=${seconds%s}
shift || true
targets=("$@")
if [ ${#targets[@]} = 0 ]; then
  mapfile -t targets < <(ls Fuzz/Corpus)
fi

echo "Building the fuzzer"
# Gold, the default linker, cannot link what the sanitizers need.
MARTLET_MEDIA_CORE=1 MARTLET_FUZZ=1 swift build --product Fuzz --scratch-path .build-fuzz \
  -Xswiftc -sanitize=fuzzer,address -Xswiftc -use-ld=lld 2>&1 | grep -E 'error|warning: unre|Build complete|Compiling \[' || true
[ -x .build-fuzz/debug/Fuzz ] || {
  echo "The fuzzer could not be built." >&2
  exit 1
}

fuzz() {
  local target=$1
  mkdir -p ".build-fuzz/corpus/$target" .build-fuzz/findings
  # What is found goes to the first directory; the second one is only read.
  if MARTLET_FUZZ_TARGET=$target ASAN_OPTIONS=detect_leaks=0 .build-fuzz/debug/Fuzz \
    -max_total_time="$seconds" -max_len=4096 -timeout=5 -rss_limit_mb=2048 -verbosity=0 -print_final_stats=1 \
    -artifact_prefix=".build-fuzz/findings/$target-" \
    ".build-fuzz/corpus/$target" "Fuzz/Corpus/$target" >".build-fuzz/$target.log" 2>&1; then
    printf '%-16s %12s inputs\n' "$target" "$(sed -n 's/^stat::number_of_executed_units: *//p' ".build-fuzz/$target.log")"
  else
    echo "$target: FOUND SOMETHING, see .build-fuzz/$target.log and .build-fuzz/findings" >&2
    tail -n 40 ".build-fuzz/$target.log" >&2
    return 1
  fi
}
export -f fuzz
export seconds
printf '%s\n' "${targets[@]}" | xargs -P "$(nproc)" -I '{}' bash -c 'fuzz "$1"' _ '{}'
echo "fuzz: ${#targets[@]} targets, ${seconds} s each, nothing found"
