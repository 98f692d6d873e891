#!/bin/bash
# install-dependencies.sh run|test: installs the Debian packages that are missing, and says which.
#
# `run` is what the program needs to be built, `test` the independent clients it is tested with.
set -euo pipefail
cd "$(dirname "$0")/.."

run_packages=(
  git ca-certificates pkg-config python3-venv libc6-dev libstdc++-12-dev zlib1g-dev
  libssl-dev libsrtp2-dev libopus-dev libavcodec-dev libavformat-dev libavutil-dev
  libswresample-dev libswscale-dev libhiredis-dev
)
# Encrypts several times as fast as OpenSSL; it exists for this architecture alone, and the build does without.
[ "$(uname -m)" != x86_64 ] || run_packages+=(libipsec-mb-dev)
test_packages=(
  iproute2 coturn redis-server ffmpeg fonts-dejavu-core chromium chromium-driver firefox-esr
  golang-go golang-github-pion-webrtc.v3-dev
  gstreamer1.0-plugins-base gstreamer1.0-plugins-good gstreamer1.0-plugins-bad gstreamer1.0-plugins-ugly
  gstreamer1.0-nice gstreamer1.0-libav python3-gst-1.0 gir1.2-gst-plugins-bad-1.0
)

case ${1:-} in
  run) wanted=("${run_packages[@]}") ;;
  test) wanted=("${test_packages[@]}") ;;
  *)
    echo "usage: $0 run|test" >&2
    exit 2
    ;;
esac

if ! swift --version >/dev/null 2>&1; then
  echo "Swift is missing. Martlet needs Swift 6.2 or newer: https://www.swift.org/install/linux/" >&2
  exit 1
fi
if ! command -v dpkg-query >/dev/null; then
  echo "This system has no dpkg: please install yourself what corresponds to: ${wanted[*]}" >&2
  exit 0
fi

missing=()
for package in "${wanted[@]}"; do
  # The architecture suffix does not matter here, and a removed package is not an installed one.
  if [ "$(dpkg-query -W -f='${db:Status-Status}\n' "$package" 2>/dev/null | head -n 1)" != installed ]; then
    missing+=("$package")
  fi
done
[ ${#missing[@]} -gt 0 ] || exit 0

echo "== Installing Debian packages: ${missing[*]}"
as_root=(env)
if [ "$(id -u)" != 0 ]; then
  echo "== Using sudo for it; it may ask for your password."
  as_root=(sudo env)
fi
apt() {
  "${as_root[@]}" DEBIAN_FRONTEND=noninteractive apt-get -q -o Dpkg::Use-Pty=0 "$@"
}
for attempt in 1 2 3; do
  if apt update && apt install -y --no-install-recommends "${missing[@]}"; then
    exit 0
  fi
  echo "== Attempt $attempt of 3 failed." >&2
  [ "$attempt" = 3 ] || sleep $((attempt * 10))
done
echo "The packages could not be installed: ${missing[*]}" >&2
exit 1
