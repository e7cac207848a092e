#!/usr/bin/env bash
# Compares this version with another one, bit for bit: logits after a text and generated tokens with every KV codec and
# every eviction policy, with fast and with f32 arithmetic, with every instruction set that this machine has. Also
# restores the other version's snapshots and goes on from them, and compares snapshots if both write the same version of
# the format. Exit status 1 if anything differs, or if
# a tenth of the runs is refused.
#
# usage: scripts/same_bits.sh OTHER [MODEL.gguf ...]
#   OTHER  a commit, built in build/same_bits, or a pith binary
#   MODEL  default: the small real models that tests use
# PITH_BINARY names this version's binary; default build/release/bin/pith, which is built first.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
cd "$PITH_ROOT"

case "${1:-}" in
  -h | --help) show_help && exit 0 ;;
  "" | -*) usage_error "which version? A commit or a binary" ;;
esac
other="$1"
shift
models=("$@")
if ((${#models[@]} == 0)); then
  for name in smollm2 gemma3; do models+=("$(scripts/get_model.sh "$name")"); done
fi

folder="$PITH_ROOT/build/same_bits"
mkdir -p "$folder"

# Builds the command of the sources in a folder, and prints the binary's path.
build() {
  cmake -S "$1" -B "$2" -G Ninja -D CMAKE_BUILD_TYPE=Release -D PITH_TESTS=OFF -D PITH_BENCH=OFF \
    -D PITH_EXAMPLES=OFF >&2
  cmake --build "$2" --target pith_tool --parallel "$PITH_JOBS" >&2
  printf '%s\n' "$2/bin/pith"
}

if [[ ! -x "$other" || -d "$other" ]]; then
  step "Build ($other)"
  commit="$(git rev-parse --verify "$other^{commit}")"
  if [[ ! -d "$folder/$commit/source" ]]; then
    mkdir -p "$folder/$commit/source"
    git archive "$commit" | tar -C "$folder/$commit/source" -x
  fi
  other="$(build "$folder/$commit/source" "$folder/$commit/build")"
fi
if [[ -z "${PITH_BINARY:-}" ]]; then
  step "Build (this version)"
  cmake --preset release >&2
  cmake --build --preset release --target pith_tool --parallel "$PITH_JOBS" >&2
  PITH_BINARY=build/release/bin/pith
fi

text="$folder/text"
head -c 4500 docs/architecture.md >"$text"
compared=0
refused=0
different=0

# same TITLE COMMAND...: runs the command with both binaries in place of PITH, and compares what it writes to $OUT.
same() {
  local title="$1" side binary
  shift
  for side in this other; do
    binary="$PITH_BINARY"
    [[ "$side" == this ]] || binary="$other"
    if ! (PITH="$binary" OUT="$folder/$side" "$@") >"$folder/$side.said" 2>"$folder/$side.err"; then
      # What one version refuses, both must.
      printf 'refused\n' >"$folder/$side"
      refused=$((refused + 1))
    fi
  done
  compared=$((compared + 1))
  if ! cmp -s "$folder/this" "$folder/other"; then
    different=$((different + 1))
    say "DIFFERENT: $title"
  fi
}

logits() { "$PITH" logits -f "$text" --out "$OUT" "$@"; }
tokens() { "$PITH" run -f "$text" --ignore-end -n 40 "$@" >"$OUT"; }
# Goes on from a snapshot of the other version.
go_on() { "$PITH" snapshot restore -m "$1" "$folder/old.pith" -n 20 >"$OUT"; }
snapshot() { "$PITH" snapshot save -o "$OUT" -f "$text" -n 8 "$@"; }
version_of() { "$1" snapshot info "$2" 2>/dev/null | sed -n 's/^version *//p'; }

# Reads a list out of the help: what stands between two words in the description of an option.
listed() { "$PITH_BINARY" run --help | sed -n "s/^.*$1: \\(.*\\) or \\([a-z0-9-]*\\)[,;] $2.*/\\1, \\2/p"; }
codecs="$(listed 'How the KV cache is kept' TYPE)"
policies="$(listed 'its budget, by policy' with)"
[[ -n "$codecs" && -n "$policies" ]] || die "the help of pith run lists no codecs or policies"
IFS=', ' read -r -a codecs <<<"$codecs"
IFS=', ' read -r -a policies <<<"$policies"

sets=(avx2)
if grep -q avx512_vnni /proc/cpuinfo; then sets+=(avx512); fi
if ! grep -q avx2 /proc/cpuinfo; then sets=("$(uname -m)"); fi

for model in "${models[@]}"; do
  for set in "${sets[@]}"; do
    if [[ "$set" == avx* ]]; then export PITH_FORCE_ISA="$set"; fi
    step "$(basename "$model"), $set: ${#codecs[@]} codecs, ${#policies[@]} policies"
    for arithmetic in fast f32; do
      for codec in "${codecs[@]}"; do
        same "$model $set $arithmetic $codec logits" logits -m "$model" --arithmetic "$arithmetic" --kv "$codec"
      done
    done
    for codec in f16 int8 int4 int2; do
      same "$model $set $codec tokens" tokens -m "$model" --kv "$codec"
      "$other" snapshot save -m "$model" -o "$folder/old.pith" -f "$text" -n 8 --kv "$codec" >/dev/null 2>&1
      same "$model $set $codec restored" go_on "$model"
      "$PITH_BINARY" snapshot save -m "$model" -o "$folder/new.pith" -f "$text" -n 8 --kv "$codec" >/dev/null 2>&1
      old="$(version_of "$PITH_BINARY" "$folder/old.pith")"
      if [[ "$old" == "$(version_of "$PITH_BINARY" "$folder/new.pith")" ]]; then
        same "$model $set $codec snapshot" snapshot -m "$model" --kv "$codec"
      fi
    done
    for policy in "${policies[@]}"; do
      same "$model $set $policy tokens" tokens -m "$model" --kv int4 --evict "$policy" --budget 400
    done
  done
done
printf '%d comparisons, %d different; %d runs were refused\n' "$compared" "$different" "$refused"
((different == 0 && 10 * refused < compared))
