#!/usr/bin/env bash
# Runs the processes of tests/distributed/mpi_main.cpp under mpirun, and compares what they come to.
#
# usage: run.sh MPIRUN MPI_TEST TINY_MODEL FOLDER CASE
#   CASE  same: the same bits on 1, 2, 3, 4 and 7 ranks, for every codec and two policies, and each holds its share
#         failures: a rank with another model, one that hangs and one that is killed are named in time
set -euo pipefail
mpirun="$1" test="$2" tiny_model="$3" folder="$4" case="$5"
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
# Quiet about networks that this machine does not have.
export OMPI_MCA_btl_base_warn_component_unused=0

mkdir -p "$folder"
"$tiny_model" "$folder" tiny 1
"$tiny_model" "$folder" other 2
model="$folder/tiny.gguf"

ranks() {
  local count="$1"
  shift
  timeout 100 "$mpirun" --oversubscribe -n "$count" "$test" "$@"
}
fail() {
  printf 'FAILED: %s\n' "$*" >&2
  exit 1
}
# Prints what all ranks of a run agree on, and fails if they do not or one of them is missing.
digest_of() {
  local count="$1" lines digests
  lines="$(ranks "$@")"
  (($(grep -c '^rank ' <<<"$lines") == count)) || fail "$* printed: $lines"
  digests="$(sed 's/.*: \([0-9a-f]*\),.*/\1/' <<<"$lines" | sort -u)"
  [[ "$digests" =~ ^[0-9a-f]{16}$ ]] || fail "the ranks of $* differ: $lines"
  printf '%s\n' "$digests"
}
# Compares a run on some numbers of ranks with that of one process.
same() {
  local counts="$1" expected count
  shift
  expected="$(digest_of 1 "$@")"
  for count in $counts; do
    [[ "$(digest_of "$count" "$@")" == "$expected" ]] || fail "$count ranks differ from one process: $*"
  done
  printf 'the same bits on 1 %s ranks: %s\n' "$counts" "${*:2}"
}

case "$case" in
  same)
    same "2 3 4 7" "$model" int4 2300
    for codec in f16 int8 int3 int2 kivi2 turboquant-mse4 polarquant; do same "2 3" "$model" "$codec" 1400; done
    for policy in h2o window; do same "2 3" "$model" int4 1400 policy "$policy"; done
    alone="$(ranks 1 "$model" int4 3900 | sed 's/.*, \([0-9]*\) bytes.*/\1/')"
    while read -r bytes; do
      # 15 of 60 pages each, page 0 besides, and the newest in a finer form.
      ((bytes <= alone * 19 / 60)) || fail "a rank of 4 holds $bytes of $alone bytes"
    done < <(ranks 4 "$model" int4 3900 | sed 's/.*, \([0-9]*\) bytes.*/\1/')
    ;;
  failures)
    said="$(ranks 3 "$model" int4 200 other-model "$folder/other.gguf" 2>&1 || true)"
    grep -q 'error: peer: rank 1 has another model or version' <<<"$said" || fail "another model: $said"
    start="$SECONDS"
    said="$(ranks 3 "$model" int4 200 stop 1 2>&1 || true)"
    grep -q 'error: peer: rank 1 (.*) has been silent for 3000 ms' <<<"$said" || fail "a rank that hangs: $said"
    said="$(ranks 3 "$model" int4 200 kill 2 2>&1 || true)"
    grep -q 'process rank 2 .* exited on signal 9' <<<"$said" || fail "a rank that is killed: $said"
    ((SECONDS - start < 40)) || fail "it took $((SECONDS - start)) s to notice"
    printf 'another model, a rank that hangs and one that is killed are named\n'
    ;;
  *) fail "unknown case $case" ;;
esac
