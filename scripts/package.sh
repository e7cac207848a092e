#!/usr/bin/env bash
# Builds the Debian packages libpith0.1, libpith-dev and pith in build/package/packages, checks them with lintian, and
# prints their paths.
#
# usage: scripts/package.sh
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
cd "$PITH_ROOT"

case "${1:-}" in
  "") ;;
  -h | --help) show_help && exit 0 ;;
  *) usage_error "unknown argument '$1'" ;;
esac

scripts/install_deps.sh package

step "Build (package)"
cmake --preset package >&2
cmake --build --preset package --parallel "$PITH_JOBS" >&2

step "Packages"
rm -rf build/package/packages
(cd build/package && cpack) >&2
shopt -s nullglob
packages=(build/package/packages/*.deb)
((${#packages[@]} == 3)) || die "cpack made ${#packages[@]} packages, not 3"

step "lintian"
# Why each of these does not apply is in packaging/debian/lintian.md.
mapfile -t suppressed < <(sed -n 's/^| `\([a-z-]*\)` .*/\1/p' packaging/debian/lintian.md)
# The command may be one that writes no manual.
[[ -d build/package/manual/share/man ]] || suppressed+=(no-manual-page)
tags="$(IFS=,; echo "${suppressed[*]}")"
options=(--fail-on error,warning --tag-display-limit 0)
if [[ "$(id -u)" == 0 ]]; then options+=(--allow-root); fi
lintian "${options[@]}" ${tags:+--suppress-tags "$tags"} "${packages[@]}" >&2

printf '%s\n' "${packages[@]}"
