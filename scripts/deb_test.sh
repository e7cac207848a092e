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
cd "$PITH_ROOT"

case "${1:-}" in
  -h | --help) show_help && exit 0 ;;
  -*) usage_error "unknown argument '$1'" ;;
esac

skip() {
  say "skipped: $*"
  exit 0
}

mirror="${PITH_DEBIAN_MIRROR:-http://deb.debian.org/debian}"
folder="$PITH_ROOT/build/debian12"
base="$folder/base.tar"
root="$folder/root"
[[ "$(id -u)" == 0 ]] || skip "a bare Debian is made by root only"
command -v debootstrap >/dev/null || scripts/install_deps.sh package

packages=("$@")
if ((${#packages[@]} == 0)); then mapfile -t packages < <(scripts/package.sh); fi

# Kept as an archive with the compiler in it, since that takes the longest. It appears as a whole or not at all.
if [[ ! -f "$base" ]]; then
  step "A bare Debian 12"
  rm -rf --one-file-system "$folder"
  mkdir -p "$folder"
  debootstrap --variant=minbase --include=g++,cmake,make,pkg-config bookworm "$root" "$mirror" >&2 ||
    skip "debootstrap could not make a Debian from $mirror"
  tar -C "$root" --one-file-system -cf "$base.part" . && mv "$base.part" "$base"
fi
rm -rf --one-file-system "$root"
mkdir -p "$root"
tar -C "$root" -xf "$base"

inside() {
  chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive "$@"
}

step "Installing"
cp /etc/resolv.conf "$root/etc/resolv.conf"
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
