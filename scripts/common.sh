#!/usr/bin/env bash
# Sourced by the other scripts: finds the project's folder, and has what they share.
set -euo pipefail

PITH_ROOT="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
export PITH_ROOT

# Number of compilations and tests that run in parallel.
PITH_JOBS="${PITH_JOBS:-$(nproc)}"

# Messages go to stderr, so that stdout holds results only.
say() { printf '%s\n' "$*" >&2; }
step() { printf '\n== %s\n' "$*" >&2; }
die() {
  printf '%s: %s\n' "$(basename "$0")" "$*" >&2
  exit 1
}
usage_error() {
  printf '%s: %s\n(see %s --help)\n' "$(basename "$0")" "$*" "$0" >&2
  exit 2
}

# Prints the comment block at the top of the calling script, which is its manual.
show_help() { sed -n '2,/^[^#]/{/^#/s/^# \{0,1\}//p}' "$0"; }

# Installs the Python package gguf in a folder, as far as that is not done yet.
install_gguf_package() {
  if [[ -d "$1/gguf" ]]; then return; fi
  step "Package"
  python3 -m pip install --quiet --target "$1" 'gguf==0.19.0' >&2
}

# Prints every C++ file of the project: tracked files, and new ones that git does not ignore.
cpp_sources() {
  if git -C "$PITH_ROOT" rev-parse --is-inside-work-tree >/dev/null 2>&1; then
    git -C "$PITH_ROOT" ls-files --cached --others --exclude-standard -- '*.cpp' '*.h'
  else
    (cd "$PITH_ROOT" && find include src tests bench examples -name '*.cpp' -o -name '*.h')
  fi | while IFS= read -r file; do
    # git still lists a file that is deleted but not yet committed.
    if [[ -f "$PITH_ROOT/$file" ]]; then printf '%s\n' "$file"; fi
  done | sort -u
}
