#!/usr/bin/env bash
# Lays out the root file system of the image `operator`: the two programs, the libraries that they load, certificates of
# public authorities, time zones. No shell, no package manager, nothing that runs but the two.
#
#   deploy/image/root.sh PROGRAMS ROOT     # PROGRAMS: the folder with spark-operator and sparkctl; ROOT: made, must not exist
#
#   SYSROOT    the system that the programs were built for, where it is not this machine's (cross.sh): their libraries come from
#              there, and they were stripped by their linker
#
# The Dockerfile calls it in its build stage; build.sh calls it on this machine.
set -euo pipefail

[ $# = 2 ] || { sed -n '2,/^set /{/^set /d; s/^# \{0,1\}//; p}' "${BASH_SOURCE[0]}" >&2; exit 2; }
programs=$1 root=$2
fail() { echo "root.sh: $*" >&2; exit 1; }
[ ! -e "$root" ] || fail "$root is there already"

umask 022
mkdir -p "$root"/{etc/ssl/certs,tmp,home/spark,etc/k8s-webhook-server/serving-certs,usr/{bin,lib,lib64,share},var/run/secrets/kubernetes.io/serviceaccount,proc,dev}
ln -s usr/lib "$root/lib"
ln -s usr/lib64 "$root/lib64"
ln -s usr/bin "$root/bin"

for name in spark-operator sparkctl; do
  [ -x "$programs/$name" ] || fail "no $programs/$name: build the preset release first"
  if [ -n "${SYSROOT:-}" ]; then
    install -m 0755 "$programs/$name" "$root/usr/bin/$name"
  else
    strip -o "$root/usr/bin/$name" "$programs/$name"
  fi
done

# The loader of this machine says what it finds; of another machine's programs we ask for each name where its loader would look.
libraries() {
  if [ -z "${SYSROOT:-}" ]; then
    ldd "$root"/usr/bin/* | sed -n 's/.*=> \(\/[^ ]*\).*/\1/p; s/^\t\(\/[^ ]*\) (.*/\1/p'
    return
  fi
  local todo=("$root"/usr/bin/*) file name found
  local -A known=()
  while [ ${#todo[@]} -gt 0 ]; do
    file=${todo[0]}
    todo=("${todo[@]:1}")
    while read -r name; do
      [ -z "${known[$name]:-}" ] || continue
      known[$name]=yes
      case $name in
        /*) found=$name ;;
        *) found=$(cd "$SYSROOT" && find -L lib usr/lib -maxdepth 2 -name "$name" 2>/dev/null | head -n 1); found=/${found#/} ;;
      esac
      [ -e "$SYSROOT$found" ] || fail "$file wants $name, which is not in $SYSROOT"
      echo "$found"
      todo+=("$SYSROOT$found")
    done < <(readelf -dl "$file" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p; s/.*program interpreter: \(.*\)\]/\1/p')
  done
}

# Where the loader finds them: at the path that it says, with /lib as a link to /usr/lib.
libraries | sort -u | while read -r library; do
  place=${library#/usr}
  mkdir -p "$root/usr$(dirname "$place")"
  install -m 0755 "$(readlink -f "${SYSROOT:-}$library")" "$root/usr$place"
done

# OpenSSL looks for public authorities in a folder of its own, for a file and for one link each.
install -m 0644 /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/"
mkdir -p "$root/usr/lib/ssl"
ln -s /etc/ssl/certs "$root/usr/lib/ssl/certs"
ln -s /etc/ssl/certs/ca-certificates.crt "$root/usr/lib/ssl/cert.pem"

# Debian lists the same zones thrice.
[ -e /usr/share/zoneinfo/Europe/Berlin ] || fail "no time zones: apt-get install tzdata"
tar -C /usr/share --exclude=zoneinfo/posix --exclude=zoneinfo/right -cf - zoneinfo | tar -C "$root/usr/share" -xf -

# The user that the image names; any other id works as well, nothing depends on the name.
echo 'spark:x:185:185::/home/spark:/usr/sbin/nologin' >"$root/etc/passwd"
echo 'spark:x:185:' >"$root/etc/group"
echo 'hosts: files dns' >"$root/etc/nsswitch.conf"
chmod 1777 "$root/tmp"
chmod 0775 "$root/etc/k8s-webhook-server/serving-certs" "$root/home/spark"
[ "$(id -u)" != 0 ] || chown 185:0 "$root/etc/k8s-webhook-server/serving-certs" "$root/home/spark"

find "$root" -exec touch -h -d "@${SOURCE_DATE_EPOCH:-0}" {} +
du -sm "$root" | awk '{ print $2 ": " $1 " MB" }' >&2
