#!/usr/bin/env bash
# Builds the image `operator` for another architecture than this machine's: with this machine's compiler, and Debian's headers and
# libraries of that architecture, which are laid out beside and not installed. Nothing of it is run here.
#
#   deploy/image/cross.sh arm64 [OUT]      # or amd64; OUT (default build/image-arm64) gets sysroot/, build/ and operator.tar
#
# Debian's packages come from this machine's own sources; no root.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
top=$(cd "$here/../.." && pwd)
architecture=${1:-}
out=${2:-$top/build/image-$architecture}
fail() { echo "cross.sh: $*" >&2; exit 1; }
case $architecture in
  arm64) triple=aarch64-linux-gnu ;;
  amd64) triple=x86_64-linux-gnu ;;
  *) sed -n '2,/^set /{/^set /d; s/^# \{0,1\}//; p}' "${BASH_SOURCE[0]}" >&2; exit 2 ;;
esac
. "$top/deploy/lib/packages.sh"
. "$top/deploy/lib/build.sh"
mkdir -p "$out"
out=$(cd "$out" && pwd)

# Of what a build needs on this machine, the libraries; and what belongs to a compiler of that architecture.
wanted=(libc6-dev libstdc++-12-dev catch2)
for package in "${BUILD_PACKAGES[@]}"; do
  case $package in *-dev) wanted+=("$package") ;; esac
done

# An apt that knows of no installed package, and of that architecture only.
make_sysroot() {
  local apt=$out/apt package
  rm -rf "$apt" "$out/sysroot" "$out/sysroot.making"
  mkdir -p "$apt"/{lists/partial,archives/partial} "$out/sysroot.making"/usr/{bin,lib,sbin}
  : >"$apt/status"
  cat >"$apt/apt.conf" <<CONF
#clear APT::Architectures;
APT::Architecture "$architecture";
APT::Architectures { "$architecture"; };
APT::Sandbox::User "";
Dir::State "$apt";
Dir::State::status "$apt/status";
Dir::Cache "$apt";
CONF
  APT_CONFIG=$apt/apt.conf apt-get -qq update >&2
  APT_CONFIG=$apt/apt.conf apt-get -qq install -y --download-only --no-install-recommends "${wanted[@]}" >&2
  # Debian keeps all of it below /usr; some packages still name the old places.
  for folder in bin lib sbin; do ln -s "usr/$folder" "$out/sysroot.making/$folder"; done
  for package in "$apt"/archives/*.deb; do
    dpkg-deb --fsys-tarfile "$package" | tar -x --keep-directory-symlink --no-same-owner -C "$out/sysroot.making" -f -
  done
  rm -rf "$apt"
  # Links from the root would lead to this machine's files.
  find "$out/sysroot.making" -type l -lname '/*' | while read -r link; do
    ln -sfn "$(realpath -m --relative-to="$(dirname "$link")" "$out/sysroot.making$(readlink "$link")")" "$link"
  done
  mv "$out/sysroot.making" "$out/sysroot"
}

[ -d "$out/sysroot" ] || make_sysroot
cd "$top"
cmake --preset release -B "$out/build" -DCMAKE_TOOLCHAIN_FILE="$top/cmake/cross.cmake" -DCROSS_TRIPLE=$triple \
  -DCROSS_SYSROOT="$out/sysroot" >"$out/configure.log" 2>&1 || { cat "$out/configure.log" >&2; fail "cmake does not get along with $out/sysroot"; }
build_preset release "$out/build" spark-operator sparkctl >&2
PROGRAMS=$out/build/cmd SYSROOT=$out/sysroot exec "$here/build.sh" operator "$out"
