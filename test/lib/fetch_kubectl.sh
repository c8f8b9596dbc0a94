#!/usr/bin/env bash
# Builds kubectl from its Go module (test/kubectl pins it), once, and prints where it is.
#
# Debian 12 ships kubectl 1.20, which cannot talk to a server of today as users' does. What Go it takes and where the
# result stays: go.sh.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$here/go.sh"
version=1.$(sed -n 's/^\tk8s.io\/kubectl v0\.//p' "$here/../kubectl/go.mod")   # 0.35.4 of the module is kubectl 1.35.4
kubectl=$tools/kubectl-$version

build() {
  [ ! -x "$kubectl" ] || return 0
  say "building kubectl $version (2 minutes)"
  go_build "$here/../kubectl" "$(kubernetes_version_flags "$version")" "$kubectl.new" .
  mv "$kubectl.new" "$kubectl"
}

alone kubectl build
echo "$kubectl"
