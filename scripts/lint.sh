#!/usr/bin/env bash
# Checks the format of every C++ file (clang-format) and looks for defects (clang's warnings, clang-tidy). Skips files
# that were clean before with the same headers and settings (scripts/tidy.py).
#
# usage: scripts/lint.sh [--changed] [--format-only] [--seconds N]
#   --changed      only files that differ from the main branch, or from the last commit when on it
#   --format-only  no clang-tidy
#   --seconds      clang-tidy for about so long: begins with the files that changed last, and says how many are left
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
cd "$PITH_ROOT"

only_changed=0
format_only=0
tidy_options=()
while (($# > 0)); do
  case "$1" in
    --changed) only_changed=1 && shift ;;
    --format-only) format_only=1 && shift ;;
    --seconds) tidy_options=(--seconds "${2:?--seconds needs a number}") && shift 2 ;;
    -h | --help) show_help && exit 0 ;;
    *) usage_error "unknown argument '$1'" ;;
  esac
done

scripts/install_deps.sh all

mapfile -t files < <(cpp_sources)
if ((only_changed)); then
  base="$(git merge-base HEAD main 2>/dev/null || echo HEAD)"
  changed="$(git diff --name-only "$base" -- && git ls-files --others --exclude-standard)"
  mapfile -t files < <(printf '%s\n' "${files[@]}" | grep -Fx -f <(printf '%s\n' "$changed") || true)
fi
if ((${#files[@]} == 0)); then
  say "no C++ file to check"
  exit 0
fi

step "clang-format: ${#files[@]} files"
# Not --dry-run -Werror: clang-format 14 replaces the closing comment of an inline namespace by itself, and counts that.
compare='status=0; for file; do clang-format "$file" | diff -u "$file" - || status=1; done; exit "$status"'
if ! printf '%s\0' "${files[@]}" | xargs -0 -n 16 -P "$PITH_JOBS" bash -c "$compare" clang-format; then
  die "some files are not formatted: run scripts/format.sh"
fi

((format_only)) && exit 0

step "clang-tidy"
# Uses the compile commands of a clang build, so that clang-tidy understands every flag.
cmake --preset clang >/dev/null
printf '%s\n' "${files[@]}" | python3 scripts/tidy.py --build build/clang --jobs "$PITH_JOBS" \
  "${tidy_options[@]}"
