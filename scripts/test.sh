#!/usr/bin/env bash
# Builds pith and runs every test through ctest. Installs the packages and fetches the models first. Without a
# model (no network), the tests that need it are reported as skipped.
#
# usage: scripts/test.sh [--preset NAME] [--filter REGEX]
#   --preset  release (default), debug, asan, tsan, clang or arm64: the build folder is build/NAME. arm64 has the
#             tests of kernels, weights, and the cache with its own codecs, cross-compiled and run by QEMU
#   --filter  only the tests whose name (room.Suite.Case) matches
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
cd "$PITH_ROOT"

preset=release
filter=""
while (($# > 0)); do
  case "$1" in
    --preset) preset="${2:?--preset needs a name}" && shift 2 ;;
    --filter) filter="${2:?--filter needs a pattern}" && shift 2 ;;
    -h | --help) show_help && exit 0 ;;
    *) usage_error "unknown argument '$1'" ;;
  esac
done
case "$preset" in
  clang | asan) packages=fuzz ;;
  arm64) packages=arm ;;
  release | debug | tsan) packages=build ;;
  *) usage_error "unknown preset '$preset' (known: release, debug, asan, tsan, clang, arm64)" ;;
esac

# Makes every finding of a sanitizer end the test, so that it counts. Set before the build, which runs the test binaries
# once to list their tests.
asan="detect_leaks=1:halt_on_error=1:detect_stack_use_after_return=1"
asan+=":strict_string_checks=1:check_initialization_order=1"
export ASAN_OPTIONS="$asan${ASAN_OPTIONS:+:$ASAN_OPTIONS}"
export UBSAN_OPTIONS="halt_on_error=1:print_stacktrace=1${UBSAN_OPTIONS:+:$UBSAN_OPTIONS}"
export TSAN_OPTIONS="halt_on_error=1:second_deadlock_stack=1${TSAN_OPTIONS:+:$TSAN_OPTIONS}"

step "Packages"
scripts/install_deps.sh "$packages"

step "Models"
for name in smollm2 gemma3; do
  scripts/get_model.sh "$name" >/dev/null || say "model $name: not to be had; the tests that need it are skipped"
done

step "Build ($preset)"
cmake --preset "$preset" >&2
cmake --build --preset "$preset" --parallel "$PITH_JOBS" >&2

step "Tests ($preset)"
report="build/$preset/tests.xml"
rm -f "$report"
result=0
ctest --preset "$preset" --parallel "$PITH_JOBS" --output-on-failure --no-tests=error \
  --output-junit "$PITH_ROOT/$report" ${filter:+--tests-regex "$filter"} || result=$?

if [[ -f "$report" ]]; then
  # Prints the attributes of the first element, <testsuite>, one per line.
  totals="$(tr '\n' ' ' <"$report" | grep -o -m 1 '<testsuite [^>]*>' | sed 's/[[:space:]]/\n/g')"
  attribute() { sed -n "s/^$1=\"\([0-9]*\)\".*/\1/p" <<<"$totals"; }
  skipped=$(($(attribute skipped) + $(attribute disabled)))
  failed="$(attribute failures)"
  printf '\n%d passed, %d failed, %d skipped\n' "$(($(attribute tests) - failed - skipped))" "$failed" "$skipped"
fi
exit "$result"
