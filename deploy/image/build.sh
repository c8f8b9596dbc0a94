#!/usr/bin/env bash
# Makes the operator's images without a container engine and without a registry, from programs that are built here.
#
#   deploy/image/build.sh operator       [OUT]    # the root file system of `operator` and an archive of the image
#   deploy/image/build.sh operator-spark [OUT]    # the same with Spark and Java, for the spark-submit submitter; root, Debian's mirror
#
# OUT (default build/image) gets TARGET.root/, and TARGET.tar as `docker load`, `podman load`, `ctr images import` and
# `kind load image-archive` take it, tagged spark-operator:VERSION or spark-operator:VERSION-spark. Where a container engine and
# a registry are at hand, the Dockerfile does the same: docker build --target operator .
#
#   PROGRAMS       the folder with spark-operator and sparkctl (default: build/release/cmd, built if need be)
#   SPARK_VERSION  of operator-spark (default 4.0.5; one spark-submit starts applications of all lines)
#   SYSROOT        of `operator` alone: the system that the programs were built for, where it is not this one (cross.sh)
#   DEBIAN_MIRROR  where Debian comes from (default: the first mirror of this machine's own sources)
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
top=$(cd "$here/../.." && pwd)
target=${1:-operator}
out=${2:-$top/build/image}
spark_version=${SPARK_VERSION:-4.0.5}
fail() { echo "build.sh: $*" >&2; exit 1; }
. "$top/deploy/lib/packages.sh"
case $target in operator|operator-spark) ;; *) sed -n '2,/^set /{/^set /d; s/^# \{0,1\}//; p}' "${BASH_SOURCE[0]}" >&2; exit 2 ;; esac

# By the first program's header: of which machine it is.
architecture_of() {
  case $(od -An -t u2 -j 18 -N 2 "$1" | tr -d ' ') in
    62) echo amd64 ;;
    183) echo arm64 ;;
    *) fail "$1: neither for amd64 nor for arm64" ;;
  esac
}

version=$(sed -n 's/^project(spark-operator VERSION \([0-9.]*\).*/\1/p' "$top/CMakeLists.txt")
programs=${PROGRAMS:-$top/build/release/cmd}
if [ -z "${PROGRAMS:-}" ]; then
  . "$top/deploy/lib/build.sh"
  (cd "$top" && build_preset release "$top/build/release" spark-operator sparkctl) >&2
fi
[ -x "$programs/spark-operator" ] || fail "no $programs/spark-operator: build the preset release first"
architecture=$(architecture_of "$programs/spark-operator")
mkdir -p "$out"
rm -rf "$out/$target.root" "$out/$target.tar"

# in_root ROOT COMMAND…: with mounts that end with it.
in_root() {
  DEBIAN_FRONTEND=noninteractive unshare --mount --pid --fork --mount-proc="$1/proc" chroot "$@" >&2
}

operator_spark_root() {
  local root=$1 tree sources from
  [ "$(id -u)" = 0 ] || fail "operator-spark: debootstrap needs root"
  command -v debootstrap >/dev/null || fail "operator-spark: apt-get install debootstrap"
  tree=$("$top/deploy/lib/fetch_spark.sh" "$spark_version")
  sources=$(debian_sources) || fail "operator-spark: no Debian to lay out"
  read -r _ from _ <<<"$sources"
  debootstrap --variant=minbase --include=ca-certificates bookworm "$root" "$from" >&2
  # From there on as the Dockerfile: debootstrap itself knows of no updates.
  echo "$sources" >"$root/etc/apt/sources.list"
  in_root "$root" apt-get -qq update
  in_root "$root" apt-get -qq upgrade -y
  in_root "$root" apt-get -qq install -y --no-install-recommends tzdata openjdk-17-jre-headless libnss-wrapper
  rm -rf "$root"/var/cache/apt/archives/*.deb "$root"/var/lib/apt/lists/* "$root"/usr/share/{doc,man,locale}/*
  rm -f "$root"/etc/{hostname,resolv.conf}         # this machine's, which debootstrap lends
  mkdir -p "$root/opt/spark"
  cp -a "$tree"/opt/spark/{bin,sbin,jars} "$root/opt/spark/"
  install -D -m 0644 "$here/spark-env.sh" "$root/opt/spark/conf/spark-env.sh"
  "$here/root.sh" "$programs" "$out/.operator.root"
  cp -a "$out/.operator.root/usr/bin/." "$root/usr/bin/"
  cp -an "$out/.operator.root/usr/lib/." "$root/usr/lib/"
  rm -rf "$out/.operator.root"
  echo 'spark:x:185:185::/home/spark:/usr/sbin/nologin' >>"$root/etc/passwd"
  echo 'spark:x:185:' >>"$root/etc/group"
  touch "$root/etc/hosts"                          # a container's own is mounted over it
  mkdir -p "$root/home/spark" "$root/etc/k8s-webhook-server/serving-certs" "$root/run/secrets/kubernetes.io/serviceaccount"
  chown 185:0 "$root/home/spark" "$root/etc/k8s-webhook-server/serving-certs"
  chmod 0775 "$root/home/spark" "$root/etc/k8s-webhook-server/serving-certs"
}

if [ "$target" = operator ]; then
  "$here/root.sh" "$programs" "$out/operator.root"
  python3 -B "$here/archive.py" "$out/operator.root" "$out/operator.tar" "spark-operator:$version" "$architecture"
else
  operator_spark_root "$out/operator-spark.root"
  python3 -B "$here/archive.py" "$out/operator-spark.root" "$out/operator-spark.tar" "spark-operator:$version-spark" "$architecture" \
    SPARK_HOME=/opt/spark "JAVA_HOME=/usr/lib/jvm/java-17-openjdk-$architecture"
fi
echo "$out/$target.tar"
