#!/usr/bin/env bash
# Builds the release programs and measures. Every table says on which machine and by which command it came about.
#
#   bench/run.sh micro   [--filter TEXT] [--repetitions N]
#   bench/run.sh submit  [--apps N] [--submitter all|native|spark-submit] [--server real|embedded] [--rate R] [--repeat N] …
#   bench/run.sh webhook [--rates R,R,…] [--seconds S] …
#   bench/run.sh restart [--apps N] [--executors N] [--repeat N] …
#   bench/run.sh kit     [-u USERS] [--jobs-per-min N] [--job-limit-per-user N] [--spark-namespaces A,B] [--local embedded|real] …
#
#   --build-dir DIR   the release build folder (default: build/release)
#   --no-build        measure what is there
#
# kit loads the cluster that kubeconfig names, or with --local one of its own. submit, webhook and restart need what test/run.sh e2e needs; --help of each lists its options. bench/README.md says what the
# numbers mean.
set -euo pipefail

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
. "$top/deploy/lib/build.sh"

usage() { sed -n '2,/^set /{/^set /d; s/^# \{0,1\}//; p}' "${BASH_SOURCE[0]}"; }

what=${1:-help}
[ $# -eq 0 ] || shift
build=$top/build/release
wanted=yes
rest=()
while [ $# -gt 0 ]; do
  case $1 in
    --build-dir) build=$(mkdir -p "${2:?--build-dir wants a folder}" && cd "$2" && pwd); shift ;;
    --no-build) wanted=no ;;
    *) rest+=("$1") ;;
  esac
  shift
done

built() {                                      # built TARGET…
  [ $wanted = no ] || (cd "$top" && build_preset release "$build" "$@") >&2
}

case $what in
  micro)
    built bench_micro
    python3 -B -c 'import sys; sys.path.insert(0, sys.argv[1]); import measure; print(measure.describe_run(sys.argv[2:]))' \
      "$top/bench" micro "${rest[@]}"
    exec "$build/bench/bench_micro" "${rest[@]}" ;;
  submit|webhook|restart)
    built bench_load spark-operator embedded_api_server pretend_kubelet
    EMBEDDED_API_SERVER=$build/test/control_plane/embedded_api_server \
      exec python3 -B "$top/bench/$what.py" --build "$build" "${rest[@]}" ;;
  kit)
    case " ${rest[*]-} " in *" --local"*) built spark-operator embedded_api_server pretend_kubelet ;; esac
    exec python3 -B "$top/bench/kit/main.py" --build "$build" "${rest[@]}" ;;
  help|-h|--help) usage ;;
  *) echo "bench/run.sh: no such benchmark: $what; see bench/run.sh help" >&2; exit 2 ;;
esac
