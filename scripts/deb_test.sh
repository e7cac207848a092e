#!/usr/bin/env bash
# Tries the Debian packages where nothing of pith is: makes a bare Debian 12 (debootstrap), installs them there with
# apt, which takes what they depend on from Debian, and compiles and runs an application of 20 lines against them.
# Says "skipped" and ends with 0 where that cannot be done: without root, or without Debian's mirror.
#
# usage: scripts/deb_test.sh [PACKAGE.deb ...]
#   Without packages those of scripts/package.sh are made. The bare system is kept in build/debian12; remove that
#   folder to get it anew. PITH_DEBIAN_MIRROR names another mirror.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
# shellcheck source=debian.sh
source "$PITH_ROOT/scripts/debian.sh"
cd "$PITH_ROOT"

case "${1:-}" in
  -h | --help) show_help && exit 0 ;;
  -*) usage_error "unknown argument '$1'" ;;
esac

bare_debian "$PITH_ROOT/build/debian12" g++,cmake,make,pkg-config
root="$debian_root"

packages=("$@")
if ((${#packages[@]} == 0)); then
  made="$(scripts/package.sh)"
  mapfile -t packages <<<"$made"
fi

step "Installing"
mkdir -p "$root/packages" "$root/app"
cp "${packages[@]}" "$root/packages/"
inside apt-get -q update >&2 || skip "no network in the bare Debian"
inside sh -c 'apt-get -q install -y --no-install-recommends /packages/*.deb' >&2

step "An application"
cp tests/install/projects/app/main.cpp tests/install/projects/app/CMakeLists.txt "$root/app/"
inside cmake -S /app -B /app/build -D SOURCE=main.cpp >&2
inside cmake --build /app/build >&2
inside /app/build/app /no-such-model.gguf
inside sh -c 'g++ -std=c++20 /app/main.cpp -o /app/by_hand $(pkg-config --cflags --libs pith)' >&2
inside /app/by_hand /no-such-model.gguf

step "The command"
inside pith --version
# A system of its own leaves manuals out; Debian's images and debootstrap's do not.
pages="$(find "$root/usr/share/man/man1" -name 'pith*.1.gz' | wc -l)"
((pages > 0)) || die "no manual page was installed"
say "$pages manual pages"
rm -rf --one-file-system "$root"
