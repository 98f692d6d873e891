#!/bin/bash
# web-vendor.sh: puts the code of others that the pages use into web/vendor; does nothing when it is there.
#
# hls.js comes out of a wheel on PyPI, because that is where it can be had as a file with a hash. A program built
# without it works all the same: its pages play HLS only where the browser itself can.
set -euo pipefail
cd "$(dirname "$0")/.."

target=web/vendor/hls.js.gz
python3 scripts/unpack-hls.py check "$target" && exit 0

echo "== Fetching hls.js (31 MB from PyPI)"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
pip=(.venv/bin/python -m pip)
if [ ! -x .venv/bin/python ]; then
  python3 -m venv "$work/venv"
  pip=("$work/venv/bin/python" -m pip)
fi
scripts/retry.sh "Fetching from PyPI" "${pip[@]}" download --disable-pip-version-check --no-deps --require-hashes \
  --only-binary :all: --dest "$work" -r web/vendor/requirements.txt
python3 scripts/unpack-hls.py unpack "$work"/gradio-*.whl "$target"
# The compiler has not seen this file yet where it was missing, so nothing tells it to look again.
touch Sources/System/CWebVendor/CWebVendor.c
