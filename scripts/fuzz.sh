#!/usr/bin/env bash
# Runs the fuzz targets for HOURS hours in total, each for its share, with one target per processor in parallel. Begins
# with seeds, past findings (tests/fuzz/regressions) and the corpus of earlier runs in build/fuzz/corpus/TARGET. Prints
# for each target the number of executions, the edges of code reached and in total, and the findings. Exit status 1 if
# there are any; the inputs that show them are named.
#
# usage: scripts/fuzz.sh HOURS [--target NAME]...
#        scripts/fuzz.sh --seconds N [--target NAME]...
#   HOURS      may be a fraction, 0.5
#   --seconds  a number of seconds instead
#   --target   only this target; may be repeated
#
# Results go to stdout, each target's own output to build/fuzz/logs/TARGET.log.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
cd "$PITH_ROOT"

# Shares of the time, and the longest input: whole models and snapshots are long.
declare -A share=([gguf]=2 [model_load]=4 [tokenizer]=3 [snapshot]=4 [chat_template]=1 [codec]=3)
declare -A longest=([gguf]=8192 [model_load]=196608 [tokenizer]=4096 [snapshot]=262144 [chat_template]=16384)
longest[codec]=4096

seconds=""
targets=()
while (($# > 0)); do
  case "$1" in
    --seconds) seconds="${2:?--seconds needs a number}" && shift 2 ;;
    --target) targets+=("${2:?--target needs a name}") && shift 2 ;;
    -h | --help) show_help && exit 0 ;;
    -*) usage_error "unknown argument '$1'" ;;
    *) seconds="$(awk -v hours="$1" 'BEGIN { print int(hours * 3600) }')" && shift ;;
  esac
done
[[ "$seconds" =~ ^[1-9][0-9]*$ ]] || usage_error "how long? HOURS above 0, or --seconds N"
((${#targets[@]} > 0)) || targets=(model_load snapshot tokenizer codec gguf chat_template)
for target in "${targets[@]}"; do
  [[ -v "share[$target]" ]] || usage_error "unknown target '$target' (known: ${!share[*]})"
done

scripts/make_fuzz_corpus.sh

# Makes every finding of a sanitizer end the target, so that it counts.
export ASAN_OPTIONS="detect_stack_use_after_return=1:strict_string_checks=1:allocator_may_return_null=0"
export UBSAN_OPTIONS="halt_on_error=1:print_stacktrace=1"

run_target() {
  local target="$1" time="$2"
  mkdir -p "build/fuzz/corpus/$target" "build/fuzz/findings/$target" build/fuzz/logs
  local folders=("build/fuzz/corpus/$target" "build/fuzz/seeds/$target")
  if [[ -d "tests/fuzz/regressions/$target" ]]; then folders+=("tests/fuzz/regressions/$target"); fi
  say "$target: $time s"
  "build/asan/bin/fuzz_$target" -max_total_time="$time" -max_len="${longest[$target]}" -timeout=20 -rss_limit_mb=3000 \
    -malloc_limit_mb=1500 -print_final_stats=1 -artifact_prefix="build/fuzz/findings/$target/" \
    "${folders[@]}" >"build/fuzz/logs/$target.log" 2>&1 || say "$target: stopped by a finding, see its log"
}

# Prints libFuzzer's summary on one line: executions, executions per second, edges reached and in total, inputs kept.
report_target() {
  local target="$1" log="build/fuzz/logs/$1.log" executions speed edges all kept
  executions="$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")"
  speed="$(sed -n 's/^stat::average_exec_per_sec: *//p' "$log")"
  all="$(sed -n 's/^INFO: Loaded .* (\([0-9]*\) inline 8-bit counters).*/\1/p' "$log" | head -n 1)"
  edges="$(sed -n 's/.* cov: \([0-9]*\) .*/\1/p' "$log" | tail -n 1)"
  kept="$(sed -n 's/.* corp: \([0-9]*\)\/.*/\1/p' "$log" | tail -n 1)"
  printf '| %s | %s | %s | %s of %s | %s | %d |\n' "$target" "${executions:-?}" "${speed:-?}" "${edges:-?}" \
    "${all:-?}" "${kept:-?}" "$(findings_of "$target" | wc -l)"
}

# Inputs that are merely slow do not count, since machines are busy at times.
findings_of() { sed -n 's/.*Test unit written to //p' "build/fuzz/logs/$1.log" | grep -v '/slow-unit-' || true; }

total=0
for target in "${targets[@]}"; do total=$((total + share[$target])); done
step "Fuzzing ${#targets[@]} targets, $seconds s"
for target in "${targets[@]}"; do
  # Each processor runs for the whole time.
  jobs=$((PITH_JOBS < ${#targets[@]} ? PITH_JOBS : ${#targets[@]}))
  time=$((seconds * jobs * share[$target] / total))
  while (($(jobs -rp | wc -l) >= PITH_JOBS)); do wait -n; done
  run_target "$target" "$((time > 0 ? time : 1))" &
done
wait

printf '\n| target | executions | a second | edges | inputs kept | findings |\n|---|---|---|---|---|---|\n'
for target in "${targets[@]}"; do report_target "$target"; done
found=0
for target in "${targets[@]}"; do
  while IFS= read -r file; do
    found=1
    say "$target: $file (to see it again: build/asan/bin/fuzz_$target $file)"
  done < <(findings_of "$target")
  # A target that ended early without leaving an input counts as a finding too.
  grep -q '^stat::number_of_executed_units' "build/fuzz/logs/$target.log" || found=1
done
exit "$found"
