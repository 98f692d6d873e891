#!/bin/bash
# install-hooks.sh: a pre-commit hook that formats what is staged and refuses what does not pass lint.
set -euo pipefail
cd "$(dirname "$0")/.."

hook=$(git rev-parse --git-path hooks)/pre-commit
mkdir -p "$(dirname "$hook")"
cat >"$hook" <<'HOOK'
#!/bin/bash
# Installed by `make hooks`.
set -euo pipefail
cd "$(git rev-parse --show-toplevel)"
mapfile -d '' -t staged < <(git diff --cached --name-only --diff-filter=ACMR -z -- '*.swift')
for file in "${staged[@]}"; do
  # A file that is staged in part stays as it is: formatting it would stage the rest too.
  if git diff --quiet -- "$file"; then
    swift format --in-place "$file"
    git add -- "$file"
  fi
done
exec make --no-print-directory lint
HOOK
chmod +x "$hook"
echo "Installed $hook"
