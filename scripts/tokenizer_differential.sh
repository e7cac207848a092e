#!/usr/bin/env bash
# Compares the token ids and pieces of every kind of tokenizer with llama.cpp's: on the vocabularies that come with its
# source, on small ones of tests/data with every pre-tokenizer, and on given files and folders (*.gguf). What differs on
# purpose is told in tests/tokenizer/differential.py. Everything of theirs goes to build/arch_differential, which
# scripts/arch_differential.sh uses too. Exit status 1 if anything else differs.
#
# usage: scripts/tokenizer_differential.sh [--verbose] [--texts N] [FILE|FOLDER...]
#   --verbose  prints every difference, not three per vocabulary
#   --texts    number of random texts for each vocabulary; default: 2000
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

options=()
paths=()
while (($# > 0)); do
  case "$1" in
    --verbose) options+=(--verbose) && shift ;;
    --texts) options+=(--texts "${2:?--texts needs a number}") && shift 2 ;;
    -h | --help) show_help && exit 0 ;;
    -*) usage_error "unknown argument '$1'" ;;
    *) paths+=("$(realpath "$1")") && shift ;;
  esac
done
cd "$PITH_ROOT"

scripts/install_deps.sh build
work=build/arch_differential
scripts/llama_cpp.sh tests/tokenizer/llama_ids.cpp llama_ids

step "Build (release)"
cmake --preset release >&2
cmake --build --preset release --target tokenizer_ids --parallel "$PITH_JOBS" >&2

step "Comparison"
"$work/venv/bin/python" -B tests/tokenizer/differential.py --pith build/release/bin/tokenizer_ids \
  --llama "$work/llama_ids" --own "$work/vocabularies" "${options[@]}" "$work/llama.cpp/models" \
  "${paths[@]}"
