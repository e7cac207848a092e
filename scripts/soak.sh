#!/usr/bin/env bash
# Opens, forks, evicts, saves, restores and closes sessions at random for some minutes, on several threads, and checks
# them against a model of the expected state (tests/soak). Builds first. Prints the operations done and the drift of
# memory. Exit status 1 if a check failed; the command that repeats the run is printed then.
#
# usage: scripts/soak.sh MINUTES [--seed N] [--threads N] [--no-models]
#   --seed       seed of all random choices; default: taken from the clock
#   --threads    number of threads; default: one per processor, at least 2
#   --no-models  only models of random weights, not those of scripts/get_model.sh
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
cd "$PITH_ROOT"

minutes=""
seed="$(date +%s)"
threads="$((PITH_JOBS > 2 ? PITH_JOBS : 2))"
with_models=1
while (($# > 0)); do
  case "$1" in
    --seed) seed="${2:?--seed needs a number}" && shift 2 ;;
    --threads) threads="${2:?--threads needs a number}" && shift 2 ;;
    --no-models) with_models=0 && shift ;;
    -h | --help) show_help && exit 0 ;;
    -*) usage_error "unknown argument '$1'" ;;
    *)
      [[ -z "$minutes" ]] || usage_error "more than one number of minutes"
      minutes="$1" && shift
      ;;
  esac
done
[[ -n "$minutes" ]] || usage_error "how many minutes?"

scripts/install_deps.sh build

models=()
if ((with_models)); then
  # Uses the models that are present; nothing is fetched.
  for file in "${PITH_MODELS:-models}"/SmolLM2-135M-Instruct.Q4_1.gguf; do
    if [[ -f "$file" ]]; then models+=(--model "$file"); fi
  done
fi

step "Build"
cmake --preset release >&2
cmake --build --preset release --target pith_soak --parallel "$PITH_JOBS" >&2

step "Soak: $minutes minutes"
build/release/bin/pith_soak --minutes "$minutes" --seed "$seed" --threads "$threads" "${models[@]}"
