#!/usr/bin/env bash
# Follows README.md as somebody does who has never seen pith: in a bare Debian 12 without a compiler, from a fresh clone
# of the commit that is checked out, typing nothing but what README's "Quick start" says. Its programs and commands are
# read out of README, so that what stands there is what is tried. Ends with 1 at the first one that fails; says
# "skipped" and ends with 0 where no bare Debian can be had.
#
# usage: scripts/newcomer_test.sh [--suite]
#   --suite  also scripts/test.sh, which takes twice as long as the rest
# The bare system is kept in build/newcomer as an archive; remove that folder to get it anew.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
# shellcheck source=debian.sh
source "$PITH_ROOT/scripts/debian.sh"
cd "$PITH_ROOT"

suite=false
case "${1:-}" in
  "") ;;
  --suite) suite=true ;;
  -h | --help) show_help && exit 0 ;;
  *) usage_error "unknown argument '$1'" ;;
esac

# block LANGUAGE N: the N-th block of a language in README, from 1.
block() {
  awk -v open="\`\`\`$1" -v wanted="$2" '
    $0 == "```" { inside = 0 }
    inside && count == wanted { print }
    $0 == open { inside = 1; count++ }' README.md
}

bare_debian "$PITH_ROOT/build/newcomer" ""
root="$debian_root"
home="$root/newcomer"
git clone --quiet "$PITH_ROOT" "$home/pith"
own=()
# The certificates that this machine trusts, for networks with an authority of their own.
if [[ -f /etc/ssl/certs/ca-certificates.crt ]]; then
  cp /etc/ssl/certs/ca-certificates.crt "$home/certificates.crt"
  own=(PIP_CERT=/newcomer/certificates.crt CARGO_HTTP_CAINFO=/newcomer/certificates.crt)
fi

# type_in FOLDER TEXT: types a block of README in a folder, as one script that stops at the first failure.
type_in() {
  printf 'set -eux\ncd /newcomer/%s\n%s\n' "$1" "$2" >"$home/typed.sh"
  inside env "${own[@]}" bash /newcomer/typed.sh
}

# "Wherever a command says model.gguf, take that one": what the quick start has fetched.
model=models/SmolLM2-135M-Instruct.Q4_1.gguf
with_model() { sed -E "s#(path/to/)?model\\.gguf#$1#g"; }

step "Quick start"
quick="$(block sh 1)"
[[ "$quick" == *scripts/quickstart.sh* && "$quick" == *scripts/test.sh* ]] || die "README's first block is another one"
if ! $suite; then quick="$(grep -v scripts/test.sh <<<"$quick")"; fi
type_in pith "$quick"

step "The commands"
# Quantizing asks for a float model, which the quick start does not fetch; a chat waits for what one types.
commands="$(block sh 2 | grep -v 'pith quantize' | sed '/pith chat/s/$/ <<<"What is the capital of France?"/')"
type_in pith "$(with_model "$model" <<<"$commands")"

step "A program of one's own"
mkdir -p "$home/app"
block cpp 1 >"$home/app/main.cpp"
block cmake 1 >"$home/app/CMakeLists.txt"
program="$(block sh 3)"
type_in pith "$(head -n 1 <<<"$program")"
type_in app "$(tail -n +2 <<<"$program" | with_model "/newcomer/pith/$model")"

rm -rf --one-file-system "$root"
say "README was followed to its end"
