#!/usr/bin/env bash
# Builds helm from its Go module (test/helm pins it), once, and prints where it is. What Go it takes and where the result
# stays: go.sh.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$here/go.sh"
module=$here/../helm
version=$(sed -n 's|^require helm.sh/helm/v3 v\([^ ]*\).*|\1|p' "$module/go.mod")
kubernetes=$(sed -n 's|^\tk8s.io/client-go v0\.\([0-9]*\)\..*|\1|p' "$module/go.mod")
helm=$tools/helm-$version

# Without the flags `helm template` renders for Kubernetes 1.20, whose objects differ.
build() {
  local flag
  [ ! -x "$helm" ] || return 0
  flag=helm.sh/helm/v3/pkg/chartutil.k8sVersion
  say "building helm $version (2 minutes)"
  go_build "$module" "-X helm.sh/helm/v3/internal/version.version=v$version -X ${flag}Major=1 -X ${flag}Minor=$kubernetes" \
    "$helm.new" helm.sh/helm/v3/cmd/helm
  mv "$helm.new" "$helm"
}

alone helm build
echo "$helm"
