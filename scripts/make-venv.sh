#!/bin/bash
# make-venv.sh: the Python test clients, in .venv; does nothing when they are there.
set -euo pipefail
cd "$(dirname "$0")/.."

requirements=Tests/EndToEnd/requirements.txt
stamp=.venv/requirements.installed
if cmp -s "$requirements" "$stamp"; then
  exit 0
fi
echo "== Installing the Python test clients into .venv"
[ -x .venv/bin/python ] || python3 -m venv .venv
scripts/retry.sh "Installing from PyPI" .venv/bin/python -m pip install --disable-pip-version-check -r "$requirements"
cp "$requirements" "$stamp"
