#!/usr/bin/env bash
# Compares pith's reader of GGUF files with the Python package gguf, which it installs in build/gguf-package if
# necessary: on seeds, on files that the package writes, on the models that scripts/get_model.sh fetched, on the given
# files, and on random mutations of the small ones. Exit status 1 if they read anything differently.
#
# usage: scripts/gguf_differential.sh [--mutations N] [FILE...]
#   --mutations  number of mutations; default: 5000
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

mutations=5000
files=()
while (($# > 0)); do
  case "$1" in
    --mutations) mutations="${2:?--mutations needs a number}" && shift 2 ;;
    -h | --help) show_help && exit 0 ;;
    -*) usage_error "unknown argument '$1'" ;;
    *) files+=("$(realpath "$1")") && shift ;;
  esac
done
cd "$PITH_ROOT"

scripts/install_deps.sh build
for model in "${PITH_MODELS:-models}"/*.gguf; do
  if [[ -f "$model" ]]; then files+=("$model"); fi
done

package=build/gguf-package
install_gguf_package "$package"

step "Build (release)"
cmake --preset release >&2
cmake --build --preset release --target gguf_dump fuzz_seeds --parallel "$PITH_JOBS" >&2

step "Comparison"
build/release/bin/fuzz_seeds build/release/fuzz/seeds
python3 -B tests/gguf/differential.py --dump build/release/bin/gguf_dump --seeds build/release/fuzz/seeds \
  --packages "$package" --mutations "$mutations" "${files[@]}"
