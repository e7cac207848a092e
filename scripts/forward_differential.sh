#!/usr/bin/env bash
# Compares pith's forward pass with llama.cpp's, architecture by architecture: on the small random models of the tests,
# in F32 with F32 caches, the logits of a prompt to 1e-4 relative and 200 greedy tokens. llama.cpp comes from the source
# package of the Python package llama-cpp-python and is built in build/forward_differential (15 minutes on two cores) once.
# Exit status 1 if a model differs.
#
# usage: scripts/forward_differential.sh
#   PITH_LLAMA_SOURCE and PITH_LLAMA_BUILD name a llama.cpp that is there already, and the folder where it was built with
#   static libraries.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

case "${1:-}" in
  "") ;;
  -h | --help) show_help && exit 0 ;;
  *) usage_error "unknown argument '$1'" ;;
esac
cd "$PITH_ROOT"
scripts/install_deps.sh build

folder="$PITH_ROOT/build/forward_differential"
source="${PITH_LLAMA_SOURCE:-$folder/llama.cpp}"
build="${PITH_LLAMA_BUILD:-$folder/llama-build}"
mkdir -p "$folder/models"

if [[ ! -d "$source/include" ]]; then
  step "llama.cpp"
  python3 -m pip download --quiet --no-deps --no-binary :all: --no-build-isolation --dest "$folder" \
    'llama-cpp-python==0.3.36' >&2
  tar -C "$folder" -xzf "$folder"/llama_cpp_python-*.tar.gz
  mv "$folder"/llama_cpp_python-*/vendor/llama.cpp "$source"
fi
if [[ ! -f "$build/src/libllama.a" ]]; then
  step "Build of llama.cpp"
  cmake -S "$source" -B "$build" -G Ninja -D CMAKE_BUILD_TYPE=Release -D BUILD_SHARED_LIBS=OFF -D GGML_OPENMP=OFF \
    -D LLAMA_CURL=OFF -D LLAMA_BUILD_TESTS=OFF -D LLAMA_BUILD_TOOLS=OFF -D LLAMA_BUILD_EXAMPLES=OFF >&2
  cmake --build "$build" --target llama --parallel "$PITH_JOBS" >&2
fi

step "Build (release)"
cmake --preset release >&2
cmake --build --preset release --target differential_models --parallel "$PITH_JOBS" >&2
libraries=("$build/src/libllama.a" "$build/ggml/src/libggml.a" "$build/ggml/src/libggml-cpu.a" "$build/ggml/src/libggml-base.a")
# A llama.cpp that was built elsewhere may use OpenMP.
g++ -std=c++17 -O2 -fopenmp -I "$source/include" -I "$source/ggml/include" tests/model/differential_llama.cpp \
  -o "$folder/differential_llama" "${libraries[@]}" "${libraries[@]}" -lpthread -ldl

step "Logits"
rm -f "$folder"/models/*
build/release/bin/differential_models "$folder/models"
for model in "$folder"/models/*.gguf; do "$folder/differential_llama" "${model%.gguf}"; done

step "Comparison"
python3 -B tests/model/differential_compare.py "$folder/models"
