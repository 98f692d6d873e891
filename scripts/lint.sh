#!/bin/bash
# lint.sh PATH...: format and documentation comments of Swift sources, syntax and rules of pages and scripts.
set -euo pipefail
cd "$(dirname "$0")/.."

swift format lint --strict --recursive --parallel "${@:-Sources}"

# The content security policy allows no inline script or style, and no other origin.
if grep -nE '<script(>|[^>]*[^>"a-z]>)[^<]|<style|[[:space:]]style=|[[:space:]]on[a-z]+=|(src|href)="https?:' web/pages/*.html; then
  echo "A page has an inline script or style, or refers to another origin." >&2
  exit 1
fi
# Every file of web/pages is served, and every file that is served is there.
for file in web/pages/*; do
  symbol=$(basename "$file" | tr '.-' '__')
  if ! grep -q "PackageResources\.$symbol\b" web/WebPages.swift; then
    echo "web/WebPages.swift does not serve $file." >&2
    exit 1
  fi
done
if command -v node >/dev/null; then
  for script in web/pages/*.js; do
    node --check --input-type=module <"$script"
  done
fi
python3 -m compileall -q Tests/EndToEnd -x '\.work' >/dev/null
for script in scripts/*.sh .ci/run; do
  bash -n "$script"
done
echo "lint: ok"
