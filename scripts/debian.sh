#!/usr/bin/env bash
# Sourced by scripts that try something where nothing of pith is: makes a bare Debian 12 to chroot into.
set -euo pipefail

skip() {
  say "skipped: $*"
  exit 0
}

# bare_debian FOLDER PACKAGES: a Debian 12 with no packages but the least and these (separated by commas; may be none)
# in FOLDER/root, and `inside COMMAND...` to run something in it. Kept as FOLDER/base.tar, since making one takes the
# longest; the archive appears as a whole or not at all. Ends the script with 0 and "skipped" where that cannot be done:
# without root, or without Debian's mirror. PITH_DEBIAN_MIRROR names another mirror.
bare_debian() {
  local folder="$1" packages="$2" mirror="${PITH_DEBIAN_MIRROR:-http://deb.debian.org/debian}"
  debian_root="$folder/root"
  [[ "$(id -u)" == 0 ]] || skip "a bare Debian is made by root only"
  command -v debootstrap >/dev/null || scripts/install_deps.sh package
  if [[ ! -f "$folder/base.tar" ]]; then
    step "A bare Debian 12"
    rm -rf --one-file-system "$folder"
    mkdir -p "$folder"
    debootstrap --variant=minbase ${packages:+--include="$packages"} bookworm "$debian_root" "$mirror" >&2 ||
      skip "debootstrap could not make a Debian from $mirror"
    tar -C "$debian_root" --one-file-system -cf "$folder/base.tar.part" .
    mv "$folder/base.tar.part" "$folder/base.tar"
  fi
  rm -rf --one-file-system "$debian_root"
  mkdir -p "$debian_root/newcomer"
  tar -C "$debian_root" -xf "$folder/base.tar"
  cp /etc/resolv.conf "$debian_root/etc/resolv.conf"
}

# Runs a command in there, at home in /newcomer, with none of this machine's variables, and with /proc where it may be
# mounted.
inside() {
  local enter=(chroot "$debian_root")
  if unshare --mount --pid --fork mount -t proc proc "$debian_root/proc" 2>/dev/null; then
    # shellcheck disable=SC2016 # expands in the shell that unshare starts
    enter=(unshare --mount --pid --fork sh -c 'mount -t proc proc "$0/proc" && exec chroot "$0" "$@"' "$debian_root")
  fi
  "${enter[@]}" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 HOME=/newcomer \
    DEBIAN_FRONTEND=noninteractive "$@"
}
