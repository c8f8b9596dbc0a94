#!/usr/bin/env bash
# Builds a real control plane from its Go modules (test/control_plane pins them), once, and prints the folder that holds
# etcd, kube-apiserver, kube-controller-manager and kube-scheduler. control_plane.py starts them.
#
# A first build takes a quarter of an hour on two cores. What Go it takes and where the result stays: go.sh.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$here/go.sh"
modules=$here/../control_plane
pinned() { sed -n "s|^\(require \)\{0,1\}\t\{0,1\}$2 v\([^ ]*\).*|\2|p" "$modules/$1/go.mod" | head -n 1; }
kubernetes=$(pinned kubernetes k8s.io/kubernetes)
etcd=$(pinned etcd go.etcd.io/etcd/server/v3)
folder=$tools/control-plane-$kubernetes-etcd-$etcd

build() {
  local making=$folder.new
  [ ! -d "$folder" ] || return 0
  rm -rf "$making"
  mkdir "$making"
  say "building etcd $etcd"
  go_build "$modules/etcd" "" "$making/etcd" go.etcd.io/etcd/server/v3
  say "building kube-apiserver, kube-controller-manager and kube-scheduler $kubernetes (10 minutes)"
  go_build "$modules/kubernetes" "$(kubernetes_version_flags "$kubernetes")" "$making/" \
    k8s.io/kubernetes/cmd/kube-{apiserver,controller-manager,scheduler}
  mv "$making" "$folder"
}

alone control-plane build
echo "$folder"
