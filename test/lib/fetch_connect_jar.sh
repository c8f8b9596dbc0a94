#!/usr/bin/env bash
# Fetches the Spark Connect jar of a Spark that does not bring it (3.4, 3.5) from Maven Central, once, and prints where it is.
#
#   test/lib/fetch_connect_jar.sh [VERSION]         # default 3.5.7
set -euo pipefail

version=${1:-3.5.7}
tools=${XDG_CACHE_HOME:-$HOME/.cache}/spark-operator/tools
jar=$tools/spark-connect_2.12-$version.jar

mkdir -p "$tools"
exec 9>"$tools/.connect-jar.lock"
flock 9
rm -rf "$tools"/.connect-jar.making.*
if [ ! -f "$jar" ]; then
  command -v mvn >/dev/null || { echo "no mvn: apt-get install maven" >&2; exit 1; }
  making=$tools/.connect-jar.making.$$
  trap 'rm -rf "$making"' EXIT
  mkdir "$making"
  # The jar holds what it needs of gRPC and protobuf itself.
  (cd "$making" && mvn -B -q dependency:copy -Dartifact="org.apache.spark:spark-connect_2.12:$version" -DoutputDirectory="$making") >&2
  chmod a+r "$making/$(basename "$jar")"
  mv "$making/$(basename "$jar")" "$jar"
fi
echo "$jar"
