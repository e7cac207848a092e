#!/usr/bin/env bash
# Installs the Debian 12 packages that pith needs. Does nothing, and needs no network, if all are installed.
#
# usage: scripts/install_deps.sh [build | arm | fuzz | package | all]
#   build    packages that build and test pith with g++
#   arm      these, and those that build it for 64-bit Arm and test it under QEMU; adds Debian's arm64 packages to apt
#   fuzz     those of "build", and clang with libFuzzer
#   package  those of "build", and those that make Debian packages and test them
#   all      those of "fuzz", and clang's linters (the default)
#
# PITH_SKIP_DEPS=1 skips the check: for other distributions, on which you install the counterparts yourself.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

build_packages=(
  build-essential cmake ninja-build ccache pkg-config git ca-certificates
  python3 python3-pip python3-venv
  libeigen3-dev libfmt-dev libspdlog-dev libcli11-dev nlohmann-json3-dev
  libxxhash-dev libssl-dev libpcre2-dev libutf8proc-dev
  libgtest-dev libgmock-dev libbenchmark-dev librapidcheck-dev
  rustc-web cargo-web
  libopenmpi-dev openmpi-bin
)
fuzz_packages=(clang libclang-rt-dev)
package_packages=(dpkg-dev file lintian debootstrap)
lint_packages=(clang-tidy clang-format)
# Eigen, CLI11 and nlohmann-json are header-only: those of "build" serve every processor.
arm_packages=(
  g++-aarch64-linux-gnu qemu-user
  libfmt-dev:arm64 libspdlog-dev:arm64 libpcre2-dev:arm64 libutf8proc-dev:arm64
  libxxhash-dev:arm64 libssl-dev:arm64
  libgtest-dev:arm64 libgmock-dev:arm64 libbenchmark-dev:arm64 librapidcheck-dev:arm64
)

case "${1:-all}" in
  build) packages=("${build_packages[@]}") ;;
  arm) packages=("${build_packages[@]}" "${arm_packages[@]}") ;;
  fuzz) packages=("${build_packages[@]}" "${fuzz_packages[@]}") ;;
  package) packages=("${build_packages[@]}" "${package_packages[@]}") ;;
  all) packages=("${build_packages[@]}" "${fuzz_packages[@]}" "${lint_packages[@]}") ;;
  -h | --help) show_help && exit 0 ;;
  *) usage_error "unknown set of packages '$1'" ;;
esac

if [[ "${PITH_SKIP_DEPS:-0}" == 1 ]]; then
  say "packages: not checked (PITH_SKIP_DEPS=1)"
  exit 0
fi

# A package may be installed for several architectures; a name without one means this machine's.
is_installed() {
  local architecture="$native"
  if [[ "$1" == *:* ]]; then architecture="${1##*:}"; fi
  dpkg-query -W -f='${db:Status-Status} ${Architecture}\n' "$1" 2>/dev/null |
    grep -Ex "installed ($architecture|all)" >/dev/null
}

if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
  die "this is no Debian: install the counterparts of these packages, then set PITH_SKIP_DEPS=1: ${packages[*]}"
fi

native="$(dpkg --print-architecture)"
missing=()
for package in "${packages[@]}"; do
  is_installed "$package" || missing+=("$package")
done
if ((${#missing[@]} == 0)); then
  say "packages: all ${#packages[@]} are installed"
  exit 0
fi

as_root=()
if [[ "$(id -u)" != 0 ]]; then
  command -v sudo >/dev/null || die "needs root to install ${missing[*]}: run it as root, or install sudo"
  as_root=(sudo)
fi

say "packages: installing ${#missing[@]} of ${#packages[@]}: ${missing[*]}"
apt() { "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 "$@" >&2; }
if [[ " ${missing[*]} " == *:arm64* ]]; then
  "${as_root[@]}" dpkg --add-architecture arm64
fi
apt -q update || say "packages: the package lists could not be updated; trying with what is there"
apt -q install -y --no-install-recommends "${missing[@]}"
