#!/bin/bash
# test.sh [PYTEST ARGUMENTS...]: the stages of `make test`, in order, stopping at the first that fails.
#
# One debug build of the whole tree serves the unit tests and the end-to-end tests. Sanitizers and fuzzers build
# only the media core, which depends on no package.
set -euo pipefail
cd "$(dirname "$0")/.."

started=$SECONDS
stage_title=""
stage_started=0
report=()

stage() {
  finish_stage
  stage_title=$1
  stage_started=$SECONDS
  echo
  echo "== $stage_title"
}
finish_stage() {
  if [ -n "$stage_title" ]; then
    report+=("$(printf '%5d s  %s' $((SECONDS - stage_started)) "$stage_title")")
  fi
  stage_title=""
}
on_exit() {
  status=$?
  if [ "$status" != 0 ]; then
    echo
    echo "== FAILED in: $stage_title (after $((SECONDS - started)) s in all)" >&2
  fi
}
trap on_exit EXIT

log_directory=.build/test-logs
mkdir -p "$log_directory"

stage "Format and lint"
scripts/lint.sh Sources signaling Tests web Package.swift $(ls -d Fuzz Benchmarks 2>/dev/null || true)

stage "Debug build with tests; an import that the manifest does not declare is an error"
swift build --build-tests --explicit-target-dependency-import-check error

stage "Unit, simulation and architecture tests"
# Services are tested against real sockets and the real clock, where a peer that does not get its turn is a peer
# that has gone away: one at a time. All else runs in virtual time, and at once.
services='^(Auth|Conformance|Gateway|GatewayConfiguration|HLSService|HTTPService|LoadTest|RTMPService|Recording'
services+='|NodeService|Redis|RoomService|Telemetry|TransportSecurity|Webhooks)Tests\.'
swift test --skip-build --skip "$services" 2>&1 |
  tee "$log_directory/swift-test.log" | scripts/quiet-swift-test.sh
swift test --skip-build --no-parallel --filter "$services" 2>&1 |
  tee "$log_directory/services.log" | scripts/quiet-swift-test.sh

# Only the edges of the media core have threads; the engines would only be slower under the thread sanitizer.
declare -A suites=([address]='.' [thread]='^(MediaClient|MediaIO|Transcoding)Tests\.')
for sanitizer in address thread; do
  stage "Media core under the $sanitizer sanitizer"
  # The leak checker reports the test runner itself.
  ASAN_OPTIONS=detect_leaks=0 TSAN_OPTIONS="suppressions=$PWD/scripts/thread-sanitizer.suppressions" \
    MARTLET_MEDIA_CORE=1 \
    swift test --sanitize="$sanitizer" --scratch-path ".build-$sanitizer" --filter "${suites[$sanitizer]}" 2>&1 |
    tee "$log_directory/$sanitizer.log" | scripts/quiet-swift-test.sh
done

stage "Fuzzing each parser for a moment"
scripts/fuzz.sh 6s

stage "End to end, with real encoders, players and browsers"
(cd Tests/EndToEnd && ../../.venv/bin/pytest "$@") 2>&1 | tee "$log_directory/end-to-end.log"

finish_stage
echo
printf '%s\n' "== All green in $((SECONDS - started)) s" "${report[@]}"
echo "swift test:   $(grep -E 'Test run with' "$log_directory/swift-test.log" | tail -n 1)"
echo "services:     $(grep -E 'Test run with' "$log_directory/services.log" | tail -n 1)"
for sanitizer in address thread; do
  echo "$sanitizer:      $(grep -E 'Test run with' "$log_directory/$sanitizer.log" | tail -n 1)"
done
echo "pytest:       $(grep -E '(passed|failed)' "$log_directory/end-to-end.log" | tail -n 1)"
