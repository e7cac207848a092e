#!/usr/bin/env bash
# Builds the fuzz targets and writes the seeds of each to build/fuzz/seeds/TARGET. Keeps the inputs that fuzzers found,
# which are in build/fuzz/corpus/TARGET.
#
# usage: scripts/make_fuzz_corpus.sh
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
cd "$PITH_ROOT"

case "${1:-}" in
  "") ;;
  -h | --help) show_help && exit 0 ;;
  *) usage_error "unknown argument '$1'" ;;
esac

scripts/install_deps.sh fuzz

step "Build (fuzz)"
cmake --preset asan >&2
cmake --build --preset asan --target fuzz --parallel "$PITH_JOBS" >&2

step "Seeds"
build/asan/bin/fuzz_seeds build/fuzz/seeds
for folder in build/fuzz/seeds/*/; do
  say "$(basename "$folder"): $(find "$folder" -type f | wc -l) seeds"
done
