#!/usr/bin/env bash
# From a fresh Debian 12 to Pi, computed by real Spark: installs what is missing, builds the release binaries, and runs
# deploy/examples/spark-pi.yaml on a control plane embedded in this machine, without containers.
#
#   deploy/quickstart.sh [FILE]       FILE: another application than spark-pi.yaml
#     --no-install                    do not install packages, only say what is missing
#
# Exit code 0 only if the application completed and, for spark-pi.yaml, its driver's log has the line with Pi.
# All processes live in one process namespace that ends with this script, also when it is killed; what is kept are the
# build folder and the download (${XDG_CACHE_HOME:-~/.cache}/spark-operator).
#
# An ordinary user can run it where the system allows user namespaces; installing packages is then sudo's or root's.
set -uo pipefail

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$top" || exit 2
. deploy/lib/packages.sh
. deploy/lib/build.sh

pi=deploy/examples/spark-pi.yaml
file=$pi
install=yes
while [ $# -gt 0 ]; do
  case $1 in
    --no-install) install=no ;;
    -*) sed -n '2,/^set /{/^set /d; s/^# \{0,1\}//; p}' "${BASH_SOURCE[0]}"; [ "$1" = --help ] || [ "$1" = -h ]; exit $((2 * $?)) ;;
    *) file=$1 ;;
  esac
  shift
done
say() { printf '[%4d s] %s\n' $SECONDS "$*"; }
fail() { printf 'quickstart: %s\n' "$@" >&2; exit 1; }
[ -r "$file" ] || fail "cannot read $file"

# As an ordinary user we are root in there, so packages are a matter of the world outside.
packages() {
  if [ $install = yes ]; then
    say "checking packages"
    install_packages "${BUILD_PACKAGES[@]}" "${RUN_PACKAGES[@]}" || exit 1
  else
    mapfile -t missing < <(missing_packages "${BUILD_PACKAGES[@]}" "${RUN_PACKAGES[@]}")
    [ ${#missing[@]} = 0 ] || fail "packages are missing. As root: apt-get install -y --no-install-recommends ${missing[*]}"
  fi
}

# Everything below runs in a process namespace. Its first process dies with unshare, unshare with this script (the
# parent-death signal), so that neither Ctrl-C nor kill -9 leaves a compiler, a driver or an executor behind.
if [ -z "${QUICKSTART_INSIDE:-}" ]; then
  namespaces=(--mount --pid --fork --mount-proc)
  if ! unshare "${namespaces[@]}" true 2>/dev/null; then
    namespaces+=(--user --map-root-user)
    unshare "${namespaces[@]}" true 2>/dev/null ||
      fail "no right to make namespaces, in which the pods run." \
        "Run it as root (in a container: a privileged one), or let ordinary users make user namespaces."
    packages
    install=no
  fi
  arguments=("$file")
  [ $install = yes ] || arguments+=(--no-install)
  QUICKSTART_INSIDE=$$ setpriv --pdeathsig KILL \
    unshare "${namespaces[@]}" --kill-child bash "$top/deploy/quickstart.sh" "${arguments[@]}" </dev/null &
  inside=$!
  trap 'kill -KILL $inside 2>/dev/null; wait $inside 2>/dev/null; echo; echo "quickstart: stopped; nothing was left running" >&2; exit 130' INT TERM HUP
  wait $inside
  exit $?
fi

packages
command -v java >/dev/null || fail "no Java on the PATH; Debian 12 has it as openjdk-17-jre-headless"
java -version >/dev/null 2>&1 || fail "java is there but does not start: $(java -version 2>&1 | head -n 1)"

# The pods share this machine's ports. A listener on every address takes them away from each pod's own address; 443 is
# where Spark finds the API server (kubernetes.default.svc).
taken=$(ss -Hltnp 2>/dev/null | awk '$4 ~ /^(0\.0\.0\.0|\*|\[::\]):(443|4040|7078|7079)$/ { print $4, $6 }' | sort -u)
[ -z "$taken" ] || fail "ports that Spark needs are in use; stop what listens there:" "$taken"

# The download beside the compiler: one waits for the network, the other for the processor.
prepare_spark() {
  local tree
  tree=$(deploy/lib/fetch_spark.sh) || return 1
  deploy/lib/class_archive.py "$tree" || say "Spark starts slower without the archive of its classes"
}
say "building the release binaries (build/release); Spark beside it"
prepare_spark &
spark=$!
build_preset release build/release spark-operator sparkctl || fail "the build failed"
say "built; Spark's files and classes are prepared once"
wait $spark || exit 1

say "running $file"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
build/release/cmd/sparkctl local run "$file" 2>&1 | tee "$log"
code=${PIPESTATUS[0]}
[ "$code" = 0 ] || fail "$file did not complete (exit code $code)"
if [ "$file" = "$pi" ]; then
  grep -q 'Pi is roughly 3\.1' "$log" || fail "the application completed, but its driver's log says nothing of Pi"
fi
say "done"
cat <<'NEXT'

To look around, with any kubectl:
  build/release/cmd/sparkctl local up         # prints the kubeconfig to use; local down ends it
NEXT
