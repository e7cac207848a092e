#!/usr/bin/env bash
# Formats every C++ file of the project in place.
#
# usage: scripts/format.sh
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
cd "$PITH_ROOT"

if [[ "${1:-}" == -h || "${1:-}" == --help ]]; then show_help && exit 0; fi
cpp_sources | xargs -r -d '\n' clang-format -i
say "formatted $(cpp_sources | wc -l) files"
