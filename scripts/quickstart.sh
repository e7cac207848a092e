#!/usr/bin/env bash
# From a fresh clone to a real model's answer with a 4-bit KV cache: installs the packages (Debian 12), builds pith,
# gets SmolLM2-135M-Instruct and asks it something. Every step is skipped where its work is already done.
#
# usage: scripts/quickstart.sh [QUESTION]
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
cd "$PITH_ROOT"

if [[ "${1:-}" == -h || "${1:-}" == --help ]]; then show_help && exit 0; fi
question="${1:-What is the capital of France, and what is it known for?}"

step "1/4 Packages"
scripts/install_deps.sh build

step "2/4 Build: the command and the examples, in build/release"
cmake --preset release >&2
cmake --build --preset release --parallel "$PITH_JOBS" --target pith_tool examples/all >&2

step "3/4 Model: SmolLM2-135M-Instruct, 4-bit weights"
model="$(scripts/get_model.sh smollm2)"

step "4/4 Answer: KV cache at 4 bits"
command=(build/release/bin/pith run -m "$model" --chat -n 128 --kv int4 -p "$question")
say "\$ ${command[*]@Q}"
"${command[@]}"
