#!/usr/bin/env bash
# Runs both commands of the README in a clean Debian 12: nothing of this machine is there but its package sources, its
# name resolution and the certificates and proxies that it reaches them with.
#
#   test/fresh.sh                        deploy/quickstart.sh, then test/run.sh, on a clone of HEAD
#   test/fresh.sh COMMAND…               these commands of the clone instead, such as 'test/run.sh structure'
#     --keep          leave the root file system for a look (its place is printed)
#     --limit MINUTES how long one command may take (default 100)
#
# Needs root, about 8 GB of disk, and debootstrap, which it installs. The root lives in mount and process namespaces of
# its own: when this script ends, however it ends, the mounts and all processes in it end too.
set -uo pipefail

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
. "$top/deploy/lib/packages.sh"

keep=no
limit=100
commands=()
while [ $# -gt 0 ]; do
  case $1 in
    --keep) keep=yes ;;
    --limit) [[ ${2:-} =~ ^[0-9]+$ ]] || { echo "test/fresh.sh: --limit wants minutes" >&2; exit 2; }; limit=$2; shift ;;
    -*) sed -n '2,/^set /{/^set /d; s/^# \{0,1\}//; p}' "${BASH_SOURCE[0]}"; exit 2 ;;
    *) commands+=("$1") ;;
  esac
  shift
done
[ ${#commands[@]} -gt 0 ] || commands=("deploy/quickstart.sh" "test/run.sh")

[ "$(id -u)" = 0 ] || { echo "test/fresh.sh: only root can make a root file system" >&2; exit 1; }
install_packages debootstrap git util-linux || exit 1

base=$(mktemp -d "${TMPDIR:-/var/tmp}/spark-operator-fresh.XXXXXX")
root=$base/root
clean_up() {
  if [ $keep = yes ]; then
    echo "kept: $root"
  else
    rm -rf --one-file-system "$base"
  fi
}
trap clean_up EXIT
trap 'exit 130' INT TERM

# One line "site release component" for each Debian source that this machine's apt knows.
sources() {
  apt-get indextargets --format '$(SITE) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' 'Origin: Debian' | sort -u
}
sources | grep -q ' bookworm main$' || { echo "test/fresh.sh: this machine's apt has no Debian 12 source (run apt-get update?)" >&2; exit 1; }
mirror=$(sources | awk '$2 == "bookworm" && $3 == "main" { print $1; exit }')

echo "=== a clean Debian 12 in $root"
if ! debootstrap --variant=minbase bookworm "$root" "$mirror" >"$base/debootstrap.log" 2>&1; then
  tail -n 20 "$base/debootstrap.log" >&2
  exit 1
fi
sources | sed 's/^/deb /' >"$root/etc/apt/sources.list"
apt-config dump | grep -E '^Acquire::(https?|ftp)::.*[Pp]roxy|^Acquire::Check-' >"$root/etc/apt/apt.conf.d/90machine" || true
for file in /etc/resolv.conf /etc/hosts /etc/pip.conf; do
  [ ! -e $file ] || cp -L $file "$root$file"
done
if [ -d /usr/local/share/ca-certificates ]; then
  mkdir -p "$root/usr/local/share/ca-certificates"
  cp -L /usr/local/share/ca-certificates/*.crt "$root/usr/local/share/ca-certificates/" 2>/dev/null || true
fi
git -c safe.directory='*' clone -q --no-hardlinks "$top" "$root/root/spark-operator" || exit 1
git -C "$root/root/spark-operator" log -1 --format='clone of %h %s'

environment=(PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 TERM="${TERM:-dumb}")
for name in http_proxy https_proxy no_proxy HTTP_PROXY HTTPS_PROXY NO_PROXY PIP_INDEX_URL PIP_CERT; do
  [ -z "${!name:-}" ] || environment+=("$name=${!name}")
done

# Makes $1 the root of this mount namespace (not a chroot, under which the kubelet could not pivot into its pods'
# roots) and becomes the command.
enter='
  set -e
  mount --make-rprivate /
  mount --bind "$1" "$1"
  cd "$1"
  mount -t proc proc proc
  mount --rbind /sys sys
  mount --rbind /dev dev
  mount -t tmpfs -o mode=1777 tmpfs tmp
  mount -t tmpfs -o mode=0755 tmpfs run
  mkdir -p .before
  pivot_root . .before
  umount -l /.before
  rmdir /.before
  cd /root/spark-operator
  shift
  exec "$@"
'

status=0
table=()
for command in "${commands[@]}"; do
  echo
  echo "=== $command"
  start=$SECONDS
  timeout --foreground -k 30 "${limit}m" \
    unshare --mount --pid --fork --kill-child env -i "${environment[@]}" sh -c "$enter" enter "$root" bash -c "$command" </dev/null
  code=$?
  [ $code = 124 ] && echo "stopped: it took longer than $limit minutes"
  table+=("$(printf '%-40s %6d s  exit code %d' "$command" $((SECONDS - start)) $code)")
  [ $code = 0 ] || status=1
done

printf '\nin a clean Debian 12:\n'
printf '  %s\n' "${table[@]}"
exit $status
