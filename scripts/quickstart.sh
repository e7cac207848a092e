#!/usr/bin/env bash
# From a fresh clone to a real model's answer with a 4-bit KV cache: installs the packages (Debian 12), builds pith,
# fetches SmolLM2-135M-Instruct, and asks it about the beginning of "Alice's Adventures in Wonderland" (Lewis Carroll,
# 1865). Skips every step whose work is already done.
#
# usage: scripts/quickstart.sh [QUESTION]
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
cd "$PITH_ROOT"

if [[ "${1:-}" == -h || "${1:-}" == --help ]]; then show_help && exit 0; fi
question="${1:-Summarize the story above in a short paragraph.}"

step "1/4 Packages"
scripts/install_deps.sh build

step "2/4 Build: the command, the libraries and the examples, in build/release"
cmake --preset release >&2
cmake --build --preset release --parallel "$PITH_JOBS" --target pith_tool pith_static pith_shared examples/all >&2

step "3/4 Model: SmolLM2-135M-Instruct, 4-bit weights"
model="$(scripts/get_model.sh smollm2)"
model="${model#"$PITH_ROOT"/}"

step "4/4 Answer: the KV cache at 4 bits"
story="scripts/quickstart_story.txt"
command=(build/release/bin/pith run -m "$model" --chat --kv int4 -n 128 --repeat-penalty 1.05 -f -)
say "\$ (cat $story; echo; echo '$question') | ${command[*]}"
say ""
(cat "$story"; echo; echo "$question") | "${command[@]}"
