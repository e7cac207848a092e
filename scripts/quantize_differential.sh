#!/usr/bin/env bash
# Compares files of `pith quantize` with the Python package gguf, which it installs in build/gguf-package if necessary:
# two models that the package writes, and the given files, in every type. Metadata and tensors are the same, the package
# dequantizes them as pith does, and types that the package quantizes have its bits. Exit status 1 if anything differs.
#
# usage: scripts/quantize_differential.sh [FILE...]
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

files=()
while (($# > 0)); do
  case "$1" in
    -h | --help) show_help && exit 0 ;;
    -*) usage_error "unknown argument '$1'" ;;
    *) files+=("$(realpath "$1")") && shift ;;
  esac
done
cd "$PITH_ROOT"

scripts/install_deps.sh build
package=build/gguf-package
install_gguf_package "$package"

step "Build (release)"
cmake --preset release >&2
cmake --build --preset release --target pith_tool --parallel "$PITH_JOBS" >&2

step "Comparison"
python3 -B tests/quantize/differential.py --pith build/release/bin/pith --packages "$package" "${files[@]}"
