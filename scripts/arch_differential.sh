#!/usr/bin/env bash
# Compares the logits and greedy tokens of every architecture with llama.cpp's: on tiny Hugging Face models of random
# weights that llama.cpp's own converter wrote, and on the tests' own models. Everything of theirs goes to
# build/arch_differential: the packages torch and transformers (several GB), and the source package of llama-cpp-python,
# which is built there (15 minutes on two cores) without its float16 table of GELU. Exit status 1 if an architecture
# that pith loads differs.
#
# usage: scripts/arch_differential.sh [--own] [ARCHITECTURE...]
#   --own            only the tests' own models, without torch
#   PITH_ARCH_CASES  folder of the cases; default: build/arch_differential/cases
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

own_only=0
case "${1:-}" in
  -h | --help) show_help && exit 0 ;;
  --own) own_only=1 && shift ;;
  -*) usage_error "unknown argument '$1'" ;;
esac
cd "$PITH_ROOT"
work=build/arch_differential
cases="${PITH_ARCH_CASES:-$work/cases}"
export OMP_NUM_THREADS=1

scripts/install_deps.sh build
scripts/llama_cpp.sh tests/arch/llama_logits.cpp llama_logits
if ((!own_only)) && ! "$work/venv/bin/python" -c 'import torch, transformers' 2>/dev/null; then
  "$work/venv/bin/pip" install --quiet 'torch==2.11.0' 'transformers==4.57.6' sentencepiece protobuf >&2
fi

step "Build (release)"
cmake --preset release >&2
cmake --build --preset release --target arch_logits arch_own_models --parallel "$PITH_JOBS" >&2

step "Cases"
if ((!own_only)); then
  "$work/venv/bin/python" -B tests/arch/make_cases.py --llama "$work/llama.cpp" --oracle "$work/llama_logits" \
    --out "$cases" "$@" || say "some cases could not be made"
fi
rm -rf "$work/own"
build/release/bin/arch_own_models "$work/own"
for case in "$work"/own/*; do
  "$work/llama_logits" "$case/model.gguf" "$case/tokens.txt" "$(<"$case/count.txt")" \
    "$case/logits.f32" "$case/greedy.txt" "$case/greedy.f32"
  touch "$case/DONE"
done

step "Comparison"
folders=("$work/own")
if ((!own_only)); then folders+=("$cases"); fi
status=0
for folder in "${folders[@]}"; do
  "$work/venv/bin/python" -B tests/arch/compare.py --pith build/release/bin/arch_logits --cases "$folder" "$@" ||
    status=1
done
exit "$status"
