#!/usr/bin/env bash
# Fetches llama.cpp's source, builds its library (15 minutes on two cores) and links a program with it, as far as that
# is not done yet: for the scripts that compare with llama.cpp. Everything of theirs goes to build/arch_differential:
# source, library, programs, and a Python environment (venv) with numpy and gguf.
#
# usage: scripts/llama_cpp.sh SOURCE PROGRAM
#   SOURCE: a C++ file; PROGRAM: the program's name in build/arch_differential
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

if [[ "${1:-}" == -h || "${1:-}" == --help ]]; then show_help && exit 0; fi
if (($# != 2)); then usage_error "needs a source and a program"; fi
cd "$PITH_ROOT"
work=build/arch_differential
source="$1"
program="$work/$2"

mkdir -p "$work"
if ! "$work/venv/bin/python" -c 'import numpy, gguf' 2>/dev/null; then
  step "Packages"
  python3 -m venv "$work/venv"
  "$work/venv/bin/pip" install --quiet numpy gguf >&2
fi

if [[ ! -d "$work/llama.cpp" ]]; then
  step "Source of llama.cpp"
  "$work/venv/bin/pip" download --quiet --no-deps --no-build-isolation --no-binary :all: --dest "$work/sdist" \
    'llama-cpp-python==0.3.36' >&2
  mkdir -p "$work/unpacked"
  tar --extract --gzip --strip-components 1 --directory "$work/unpacked" --file "$work"/sdist/llama_cpp_python-*.tar.gz
  # With the table, GELU has three digits only.
  sed -i -E 's/^#define (GGML_GELU_FP16|GGML_GELU_QUICK_FP16)$//' \
    "$work/unpacked/vendor/llama.cpp/ggml/src/ggml-cpu/vec.h"
  mv "$work/unpacked/vendor/llama.cpp" "$work/llama.cpp"
fi

if [[ ! -f "$work/llama-build/src/libllama.a" ]]; then
  step "Build of llama.cpp"
  cmake -S "$work/llama.cpp" -B "$work/llama-build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DBUILD_SHARED_LIBS=OFF \
    -DLLAMA_BUILD_COMMON=OFF -DLLAMA_BUILD_TESTS=OFF -DLLAMA_BUILD_TOOLS=OFF -DLLAMA_BUILD_EXAMPLES=OFF >&2
  cmake --build "$work/llama-build" --target llama --parallel "$PITH_JOBS" >&2
fi

if [[ ! -x "$program" || "$source" -nt "$program" ]]; then
  libraries="$work/llama-build/ggml/src"
  c++ -std=c++17 -O1 -I "$work/llama.cpp/include" -I "$work/llama.cpp/ggml/include" "$source" -o "$program" \
    "$work/llama-build/src/libllama.a" "$libraries"/libggml{,-cpu,-base}.a -ldl -lpthread -fopenmp -lm
fi
