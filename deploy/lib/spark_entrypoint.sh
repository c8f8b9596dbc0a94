#!/bin/bash
# What a Spark container starts: `driver ARGS…`, `executor`, or any command, run as it is.
# Everything it needs comes from the pod's environment, as Spark's Kubernetes module sets it there. Each branch ends in
# exec, so that signals reach the program and its exit code is the container's.
set -e

: "${SPARK_HOME:=/opt/spark}"

# A container may run under a user id that the system has no name for; Hadoop's login asks for one.
if ! id -un >/dev/null 2>&1 && [ -w /etc/passwd ]; then
  echo "spark:x:$(id -u):$(id -g):Spark:$SPARK_HOME:/bin/false" >>/etc/passwd
fi

if [ -n "${HADOOP_HOME:-}" ] && [ -z "${SPARK_DIST_CLASSPATH:-}" ]; then
  SPARK_DIST_CLASSPATH=$("$HADOOP_HOME/bin/hadoop" classpath)
  export SPARK_DIST_CLASSPATH
fi

# With an init on board it reaps what Python workers leave behind; without one the JVM is the first process.
init=()
if command -v tini >/dev/null; then
  init=(tini -s --)
fi

# Spark's classes as the JVM keeps them in memory, made by class_archive.py; a JVM or jars that it was not made for
# ignore it without a word. It allows no files in the folders of the class path: a folder of settings that holds nothing
# anybody looks up there gives way to an empty one.
class_archive=()
use_class_archive() {
  local file folder=${SPARK_CONF_DIR:-$SPARK_HOME/conf}
  [ -r "$SPARK_HOME/classes.jsa" ] && [ -d "$SPARK_HOME/no-conf" ] || return 0
  for file in "$folder"/* "$folder"/.[!.]*; do
    case ${file#"$folder"/} in '*'|'.[!.]*'|spark.properties|spark.kubernetes.namespace) ;; *) return 0 ;; esac
  done
  export SPARK_CONF_DIR=$SPARK_HOME/no-conf
  class_archive=("-XX:SharedArchiveFile=$SPARK_HOME/classes.jsa")
}

run_driver() {
  local address=${SPARK_DRIVER_BIND_ADDRESS:-} properties="" previous="" word master=()
  for word in "$@"; do
    [ "$previous" != --properties-file ] || properties=$word
    previous=$word
  done
  # An API server at another port than the one that drivers expect; what the application says counts more.
  if [ -n "${SPARK_DRIVER_MASTER:-}" ] && [[ " $* " != *spark.kubernetes.driver.master=* ]] &&
     ! grep -qs '^[[:space:]]*spark\.kubernetes\.driver\.master[[:space:]=:]' "$properties"; then
    master=(--conf "spark.kubernetes.driver.master=$SPARK_DRIVER_MASTER")
  fi
  [ -z "$properties" ] || use_class_archive
  if [ ${#class_archive[@]} -gt 0 ]; then
    export SPARK_SUBMIT_OPTS="${class_archive[*]} ${SPARK_SUBMIT_OPTS:-}"
  fi
  # The JVM that only puts the driver's command line together is over before better code or a better collector pay.
  export SPARK_LAUNCHER_OPTS="-XX:TieredStopAtLevel=1 -XX:+UseSerialGC ${SPARK_LAUNCHER_OPTS:-}"
  exec "${init[@]}" "$SPARK_HOME/bin/spark-submit" \
    --conf "spark.driver.bindAddress=$address" \
    --conf "spark.executorEnv.SPARK_DRIVER_POD_IP=$address" \
    "${master[@]}" --deploy-mode client "$@"
}

run_executor() {
  local java=java class_path=$SPARK_HOME/jars/\* options=() name
  use_class_archive
  [ -z "${JAVA_HOME:-}" ] || java=$JAVA_HOME/bin/java
  [ -z "${SPARK_CLASSPATH:-}" ] || class_path="$SPARK_CLASSPATH:$class_path"
  [ -z "${HADOOP_CONF_DIR:-}" ] || class_path="$HADOOP_CONF_DIR:$class_path"
  [ -z "${SPARK_CONF_DIR:-}" ] || class_path="${SPARK_CONF_DIR%/}/:$class_path"
  [ -z "${SPARK_EXTRA_CLASSPATH:-}" ] || class_path="$class_path:$SPARK_EXTRA_CLASSPATH"
  [ -z "${SPARK_DIST_CLASSPATH:-}" ] || class_path="$class_path:$SPARK_DIST_CLASSPATH"
  # SPARK_JAVA_OPT_0, _1, … _10: by number, because a later option may override an earlier one.
  while read -r name; do
    [ -z "$name" ] || options+=("${!name}")
  done <<<"$(compgen -e SPARK_JAVA_OPT_ | sort -t_ -k4,4n)"
  exec "${init[@]}" "$java" "${class_archive[@]}" "${options[@]}" "-Xms$SPARK_EXECUTOR_MEMORY" "-Xmx$SPARK_EXECUTOR_MEMORY" -cp "$class_path" \
    org.apache.spark.scheduler.cluster.k8s.KubernetesExecutorBackend \
    --driver-url "$SPARK_DRIVER_URL" --executor-id "$SPARK_EXECUTOR_ID" --cores "$SPARK_EXECUTOR_CORES" \
    --app-id "$SPARK_APPLICATION_ID" --hostname "$SPARK_EXECUTOR_POD_IP" \
    --resourceProfileId "$SPARK_RESOURCE_PROFILE_ID" --podName "$SPARK_EXECUTOR_POD_NAME"
}

case ${1:-} in
  driver)   shift; run_driver "$@" ;;
  executor) run_executor ;;
  *)        exec "${init[@]}" "$@" ;;
esac
