#!/usr/bin/env bash
# Compares pith's rendering of chat templates with Python's jinja2, byte for byte. The templates are those of PyPI
# packages (llama-cpp-python, axolotl, unsloth and others), which are unpacked into build/jinja-templates, of tests/data
# and of the given folders: *.jinja files, fields of JSON files and strings of Python files. Exit status 1 if anything
# differs.
#
# usage: scripts/jinja_differential.sh [--verbose] [FOLDER...]
#   --verbose  prints every difference, not one per template
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

options=()
folders=()
while (($# > 0)); do
  case "$1" in
    --verbose) options+=(--verbose) && shift ;;
    -h | --help) show_help && exit 0 ;;
    -*) usage_error "unknown argument '$1'" ;;
    *) folders+=("$(realpath "$1")") && shift ;;
  esac
done
cd "$PITH_ROOT"

scripts/install_deps.sh build
packages=build/jinja-templates
if [[ ! -d "$packages/python/jinja2" ]]; then
  step "Packages"
  python3 -m pip install --quiet --target "$packages/python" 'jinja2==3.1.6' >&2
fi
if [[ ! -d "$packages/llama" ]]; then
  python3 -m pip download --quiet --no-deps --no-binary llama-cpp-python --dest "$packages" \
    llama-cpp-python >&2 || say "templates: the source package of llama-cpp-python could not be fetched"
  mkdir -p "$packages/llama"
  for archive in "$packages"/llama_cpp_python-*.tar.gz; do
    [[ -f "$archive" ]] || continue
    tar -xzf "$archive" -C "$packages/llama" --wildcards '*/models/templates/*.jinja'
  done
fi
if [[ ! -d "$packages/wheels" ]]; then
  mkdir -p "$packages/wheels"
  for name in axolotl fschat llamafactory lm-eval mistral-common ms-swift sglang transformers unsloth vllm==0.6.0; do
    python3 -m pip download --quiet --no-deps --only-binary :all: --dest "$packages" "$name" >&2 ||
      say "templates: $name could not be fetched"
  done
  for archive in "$packages"/*.whl; do
    [[ -f "$archive" ]] || continue
    python3 -m zipfile -e "$archive" "$packages/wheels/$(basename "$archive" .whl)"
  done
fi

step "Build (release)"
cmake --preset release -DPITH_JINJA=ON >&2
cmake --build --preset release --target jinja_dump --parallel "$PITH_JOBS" >&2

step "Comparison"
PYTHONPATH="$packages/python" python3 -B tests/jinja/differential.py --dump build/release/bin/jinja_dump \
  "${options[@]}" "$packages/llama" "$packages/wheels" tests/data "${folders[@]}"
