#!/usr/bin/env bash
# Installs what the tests need, builds, runs them, and says how long each part took.
#
#   test/run.sh                     everything that CI runs; what waits more than it computes in two runs beside each other
#   test/run.sh PART…               only these parts, in this order:
#       structure   checks over the sources (includes, names, length, format)
#       headers     every header compiled alone
#       unit        the rooms' own tests, built with ASan and UBSan, and a minute of fuzzing
#       sim         the simulated world: 500 seeds; `sim --seeds N` as many, `sim --seed S` replays one. The crash test:
#                   the operator killed before and after each of its writes; `sim --crash CASE` replays one case
#       tsan        the rooms that touch threads, built with TSan
#       conformance one suite of API requests, against the embedded API server and a real one
#       e2e         real Spark through the release binaries: a local cluster, and cells of the matrix of Spark versions,
#                   languages, submitters and API servers (test/e2e/cells.py): six of them; `e2e --all` all sixteen. A
#                   schedule, and a Connect server of Spark 4.1 with Python's client; with --all those of 3.5, too
#       failover    two operators on the embedded and a real API server, the leader killed, frozen and rolled
#       lifecycle   every row of the table of transitions, and kills at drawn writes; schedules and Connect servers; on the
#                   embedded and a real API server
#       rotation    two webhook replicas behind a real API server under load: certificates change, replicas and server restart;
#                   each mutation and the rules of each kind there; clients that misbehave
#       chart       what the Helm chart renders, against a real API server; the operator with its roles; what a Go operator
#                   left, taken over and handed back; `helm test` with real Spark; the image. `chart --image` builds and tries
#                   the image with Spark and Java, too, both by the Dockerfile, and the image for arm64
#       blueprints  deploy/blueprints: rendered, given to a real API server, run on the embedded one; `blueprints --airflow` has
#                   Airflow run its DAG (400 MB of PyPI's packages, once)
#       boards      dashboards and alerts against a real Prometheus; the load kit; the commands of the troubleshooting page
#       parity      the native submitter against real spark-submits, 3.5 and 4.1; `parity --random N` draws N applications
#   test/run.sh --timings           compiles preset dev anew and prints its ten slowest translation units
#
#   --build-dir DIR   where the build folders are (default: build)
#   --jobs N          compile N files at once (default: one a core, one for each 2 GB of memory at most)
#   --no-install      take the machine as it is
#
# A part that fails does not keep the others from running; the exit code is 0 only if all of them passed.
set -uo pipefail

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$top" || exit 2
. deploy/lib/packages.sh
. deploy/lib/build.sh

usage() { sed -n '2,/^set /{/^set /d; s/^# \{0,1\}//; p}' "${BASH_SOURCE[0]}"; }
wrong() { echo "test/run.sh: $*; see test/run.sh help" >&2; exit 2; }

build=$top/build
install=yes
timings=no
parts=()
BUILD_JOBS=$(default_build_jobs)

need_number() { [[ ${2:-} =~ ^[0-9]+$ ]] || wrong "$1 wants a number, got '${2:-}'"; }
while [ $# -gt 0 ]; do
  case $1 in
    help|-h|--help) usage; exit 0 ;;
    --timings) timings=yes ;;
    --no-install) install=no ;;
    --build-dir) [ -n "${2:-}" ] || wrong "--build-dir wants a folder"; mkdir -p "$2" && build=$(cd "$2" && pwd) || exit 2; shift ;;
    --jobs) need_number "$@"; BUILD_JOBS=$2; shift ;;
    --all) export E2E_ALL=1 ;;
    --image) export CHART_IMAGE=1 ;;
    --airflow) export AIRFLOW=1 ;;
    --random) need_number "$@"; export PARITY_RANDOM=$2; shift ;;
    --seeds) need_number "$@"; export SIM_SEEDS=$2; shift ;;
    --seed) need_number "$@"; export SIM_SEED=$2; shift ;;
    --crash) [ -n "${2:-}" ] || wrong "--crash wants a case"; export SIM_CRASH=$2; shift ;;
    structure|headers|unit|sim|tsan|conformance|e2e|failover|lifecycle|rotation|chart|blueprints|boards|parity) parts+=("$1") ;;
    *) wrong "'$1' is no part and no option" ;;
  esac
  shift
done
# Parts that wait more than they compute run beside each other, each line of them as a run of its own.
lanes=()
if [ ${#parts[@]} -eq 0 ] && [ $timings = no ]; then
  parts=(structure headers unit sim tsan beside)
  lanes=("e2e rotation parity" "conformance failover lifecycle chart blueprints boards")
fi

# Runs "$@" as a stage: its time and result go to the closing table.
stages=()
failed=0
stage() {
  local name=$1 start=$SECONDS result=ok
  shift
  printf '\n=== %s\n' "$name"
  "$@" || { result=FAILED; failed=1; }
  stages+=("$(printf '%-18s %6d s  %s' "$name" $((SECONDS - start)) "$result")")
  [ $result = ok ]
}

# Builds a preset as a stage of its own, once.
declare -A built
built_preset() {                               # built_preset PRESET [target…]
  local preset=$1
  [ -z "${built[$preset]:-}" ] || return 0
  built[$preset]=yes
  shift
  stage "build $preset" build_preset "$preset" "$build/$preset" "$@"
}

passed_tests=0
failed_tests=0
run_ctest() {                                  # run_ctest PRESET ctest arguments…
  local preset=$1 log status counts
  shift
  log=$(mktemp)
  ctest --test-dir "$build/$preset" --output-on-failure --no-tests=error "$@" 2>&1 | tee "$log"
  status=${PIPESTATUS[0]}
  counts=$(sed -n 's/^[0-9]*% tests passed, \([0-9]*\) tests failed out of \([0-9]*\).*/\1 \2/p' "$log" | tail -n 1)
  rm -f "$log"
  if [ -n "$counts" ]; then
    failed_tests=$((failed_tests + ${counts% *}))
    passed_tests=$((passed_tests + ${counts#* } - ${counts% *}))
  fi
  return "$status"
}

# What several parts fetch is fetched once, before they run beside each other.
fetch_part() {
  local version
  for version in 3.5.7 4.1.4; do
    deploy/lib/fetch_spark.sh $version || return 1
  done
  test/lib/fetch_control_plane.sh && test/lib/fetch_kubectl.sh && test/lib/fetch_helm.sh
}

# Their stages and tests count as this run's.
beside_part() {
  local lane number log status=0 running=() logs=()
  for lane in "${lanes[@]}"; do
    log=$(mktemp) && logs+=("$log")
    number=${#logs[@]}
    # shellcheck disable=SC2086  # a lane is a list of parts
    ("$top/test/run.sh" --no-install --build-dir "$build" $lane 2>&1 | tee "$log" | sed -u "s/^/$number| /"; exit "${PIPESTATUS[0]}") &
    running+=($!)
  done
  for lane in "${running[@]}"; do wait "$lane" || status=1; done
  for log in "${logs[@]}"; do
    mapfile -t -O ${#stages[@]} stages < <(grep -E '^[a-z0-9]+ +[0-9]+ s  (ok|FAILED)$' "$log")
    passed_tests=$((passed_tests + $(sed -n 's/^tests: \([0-9]*\) passed, .*/\1/p' "$log" | tail -n 1)))
    failed_tests=$((failed_tests + $(sed -n 's/^tests: .* passed, \([0-9]*\) failed$/\1/p' "$log" | tail -n 1)))
    rm -f "$log"
  done
  return $status
}

structure_part() {
  local check status=0
  for check in includes banned files format self_test; do
    if python3 -B "test/structure/$check.py"; then
      passed_tests=$((passed_tests + 1))
      echo "structure.$check passed"
    else
      failed_tests=$((failed_tests + 1))
      status=1
      echo "structure.$check FAILED"
    fi
  done
  return $status
}

# The kubelet's pods need the right to make namespaces; where a machine refuses it, the end-to-end tests cannot say
# anything, and that is a failure with its reason, not a pass.
e2e_part() {
  unshare --mount --pid --fork true 2>/dev/null || { echo "no right to make namespaces: run as root"; return 1; }
  local version tree
  for version in 3.5.7 4.1.4; do
    tree=$(deploy/lib/fetch_spark.sh $version) || return 1
    deploy/lib/class_archive.py "$tree" || echo "Spark $version starts slower without the archive of its classes"
  done
  test/lib/fetch_control_plane.sh >/dev/null || return 1
  KUBECTL=$(test/lib/fetch_kubectl.sh) && HELM=$(test/lib/fetch_helm.sh) || return 1
  export KUBECTL HELM
  CONNECT_CLIENT_4_1=$(test/lib/fetch_connect_client.sh 4.1.4) || return 1
  export CONNECT_CLIENT_4_1
  if [ "${E2E_ALL:-}" = 1 ]; then
    CONNECT_CLIENT_3_5=$(test/lib/fetch_connect_client.sh 3.5.7) && CONNECT_JAR_3_5=$(test/lib/fetch_connect_jar.sh 3.5.7) || return 1
    export CONNECT_CLIENT_3_5 CONNECT_JAR_3_5
  fi
  run_ctest release -L '^e2e$' -j 1 -V
}

conformance_part() {
  test/lib/fetch_control_plane.sh >/dev/null || return 1
  KUBECTL=$(test/lib/fetch_kubectl.sh) || return 1
  export KUBECTL
  run_ctest release -L '^conformance$'
}

failover_part() {
  test/lib/fetch_control_plane.sh >/dev/null || return 1
  KUBECTL=$(test/lib/fetch_kubectl.sh) || return 1
  export KUBECTL
  run_ctest release -L '^failover$' -V
}

rotation_part() {
  test/lib/fetch_control_plane.sh >/dev/null || return 1
  run_ctest release -L '^rotation$' -V
}

chart_part() {
  HELM=$(test/lib/fetch_helm.sh) || return 1
  KUBECTL=$(test/lib/fetch_kubectl.sh) || return 1
  export HELM KUBECTL
  test/lib/fetch_control_plane.sh >/dev/null || return 1
  deploy/lib/fetch_spark.sh 3.5.7 >/dev/null || return 1
  [ "$(id -u)" = 0 ] || echo "not root: programs do not run in the root file systems of images, which only root may enter"
  if [ "${CHART_IMAGE:-}" = 1 ]; then
    run_ctest release -L '^chart$' -V
  else
    echo "the image with Spark, the Dockerfile and arm64 are left out, as they take many minutes: test/run.sh chart --image"
    run_ctest release -L '^chart$'
  fi
}

blueprints_part() {
  HELM=$(test/lib/fetch_helm.sh) && KUBECTL=$(test/lib/fetch_kubectl.sh) && test/lib/fetch_control_plane.sh >/dev/null || return 1
  export HELM KUBECTL
  run_ctest release -L '^blueprints$' || return 1
  [ -n "${AIRFLOW:-}" ] || { echo "Airflow's DAG is left out, as its packages are 400 MB: test/run.sh blueprints --airflow runs it"; return 0; }
  AIRFLOW_PYTHON=$(test/lib/fetch_airflow.sh) || return 1
  export AIRFLOW_PYTHON
  run_ctest release -L '^airflow$' -V
}

boards_part() {
  KUBECTL=$(test/lib/fetch_kubectl.sh) && test/lib/fetch_control_plane.sh >/dev/null || return 1
  export KUBECTL
  run_ctest release -L '^boards$'
}

# A seed or a case that is replayed is the one test it belongs to.
sim_part() {
  local tests=()
  [ -z "${SIM_SEED:-}" ] || tests=(-R '^sim$')
  [ -z "${SIM_CRASH:-}" ] || tests=(-R '^sim\.crash$')
  run_ctest release -L '^sim$' -V "${tests[@]}"
}

lifecycle_part() {
  test/lib/fetch_control_plane.sh >/dev/null || return 1
  KUBECTL=$(test/lib/fetch_kubectl.sh) || return 1
  export KUBECTL
  run_ctest release -L '^lifecycle$' -V
}

parity_part() {
  local version
  for version in 3.5.7 4.1.4; do
    deploy/lib/fetch_spark.sh $version >/dev/null || return 1
  done
  run_ctest release -L '^parity$'
}

slowest_units() {
  echo "the ten slowest translation units of preset dev (seconds, $BUILD_JOBS at once):"
  python3 -B test/lib/slowest_units.py "$build/dev/.ninja_log"
}
timings_part() {
  configure_preset dev "$build/dev" || return 1
  ninja -C "$build/dev" -t clean >/dev/null
  # RECACHE compiles although the cache has the result, and leaves the cache warm.
  CCACHE_RECACHE=1 build_preset dev "$build/dev"
  local status=$?
  slowest_units
  return $status
}

# A preset is built once: what any part wants of it.
release_targets=(spark-operator sparkctl sim_test crash_test lifecycle_rows embedded_api_server pretend_kubelet parity_native bench_load)

mkdir -p "$build"
if [ $install = yes ]; then
  wanted=("${BUILD_PACKAGES[@]}" "${RUN_PACKAGES[@]}" "${TEST_PACKAGES[@]}")
  [ "${CHART_IMAGE:-}" != 1 ] || wanted+=("${IMAGE_PACKAGES[@]}")
  stage "install" install_packages "${wanted[@]}"
fi
if [ $timings = yes ]; then
  stage "timings" timings_part
  built[dev]=yes
fi
for part in "${parts[@]}"; do
  case $part in
    structure) stage structure structure_part ;;
    headers)   stage headers build_preset dev "$build/dev" all_verify_interface_header_sets ;;
    unit)      built_preset dev;  stage unit run_ctest dev -LE '^(structure|conformance|e2e|failover|lifecycle|rotation|chart|blueprints|boards|airflow|parity)$' -j "$BUILD_JOBS" ;;
    # Optimised, because 500 worlds are many; the dev preset's own ctest runs some of them under ASan.
    sim)       built_preset release "${release_targets[@]}"; stage sim sim_part ;;
    tsan)      built_preset tsan; stage tsan run_ctest tsan -LE '^(structure|sim|conformance|e2e|failover|lifecycle|rotation|chart|blueprints|boards|airflow|parity)$' -j "$BUILD_JOBS" ;;
    conformance) built_preset release "${release_targets[@]}"; stage conformance conformance_part ;;
    e2e)       built_preset release "${release_targets[@]}"; stage e2e e2e_part ;;
    rotation)  built_preset release "${release_targets[@]}"; stage rotation rotation_part ;;
    chart)     built_preset release "${release_targets[@]}"; stage chart chart_part ;;
    blueprints) built_preset release "${release_targets[@]}"; stage blueprints blueprints_part ;;
    boards)    built_preset release "${release_targets[@]}"; stage boards boards_part ;;
    parity)    built_preset release "${release_targets[@]}"; stage parity parity_part ;;
    lifecycle) built_preset release "${release_targets[@]}"; stage lifecycle lifecycle_part ;;
    beside)    built_preset release "${release_targets[@]}"; stage fetch fetch_part; stage "beside each other" beside_part ;;
    failover)  built_preset release "${release_targets[@]}"; stage failover failover_part ;;
  esac
done

printf '\n'
printf '%s\n' "${stages[@]}"
printf '%-18s %6d s\n\n' total $SECONDS
if [ ${#parts[@]} -gt 0 ]; then
  echo "tests: $passed_tests passed, $failed_tests failed"
fi
exit $failed
