#!/bin/bash
# Starts a Spark Connect server; the arguments are spark-submit's. Spark's own images have a script of this name in sbin,
# which the package on PyPI leaves out. With SPARK_NO_DAEMONIZE it stays in the foreground.
set -e

: "${SPARK_HOME:=$(cd "$(dirname "$0")/.." && pwd)}"
export SPARK_HOME
. "$SPARK_HOME/sbin/spark-config.sh"

# Spark's classes as the JVM keeps them in memory; one that they were not made for ignores them (class_archive.py). The JVM
# that only puts the command line together is over before better code or a better collector pay.
if [ -r "$SPARK_HOME/classes.jsa" ] && [ -d "$SPARK_HOME/no-conf" ] && [ -z "${SPARK_CONF_DIR:-}" ] &&
   [ -z "$(ls -A "$SPARK_HOME/conf")" ]; then
  export SPARK_CONF_DIR=$SPARK_HOME/no-conf
  export SPARK_SUBMIT_OPTS="-XX:SharedArchiveFile=$SPARK_HOME/classes.jsa ${SPARK_SUBMIT_OPTS:-}"
fi
export SPARK_LAUNCHER_OPTS="-XX:TieredStopAtLevel=1 -XX:+UseSerialGC ${SPARK_LAUNCHER_OPTS:-}"

exec "$SPARK_HOME/sbin/spark-daemon.sh" submit org.apache.spark.sql.connect.service.SparkConnectServer 1 \
  --name "Spark Connect server" "$@"
