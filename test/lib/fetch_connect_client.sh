#!/usr/bin/env bash
# Lays out the Python client of Spark Connect, as `pip install pyspark[connect]` would, and prints the folder for
# PYTHONPATH.
#
#   test/lib/fetch_connect_client.sh [VERSION]      # default 4.1.4; prints <cache>/spark-operator/tools/connect-client-<version>
#
# pyspark itself is that of the package that deploy/lib/fetch_spark.sh has unpacked, so its 460 MB are not downloaded
# twice; what its extra [connect] asks for comes from PyPI. Whole or not at all. Progress goes to stderr.
set -euo pipefail

version=${1:-4.1.4}
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
tools=${XDG_CACHE_HOME:-$HOME/.cache}/spark-operator/tools
client=$tools/connect-client-$version

# The extra's names; bounds where a newer major release broke that Spark line.
needs=("grpcio>=1.76" "grpcio-status>=1.76" "googleapis-common-protos>=1.71" "zstandard>=0.25" "pyarrow>=15" "pandas>=2.2,<3" "py4j")
case $version in
  3.*) needs=("grpcio>=1.56,<1.70" "grpcio-status>=1.56,<1.70" "googleapis-common-protos>=1.56" "pyarrow>=4,<18" "pandas>=1.0.5,<2.3"
              "numpy>=1.15,<2" "py4j==0.10.9.7") ;;
esac

mkdir -p "$tools"
exec 9>"$tools/.connect-client-$version.lock"
flock 9
rm -rf "$tools/.connect-client-$version".making.*
if [ ! -d "$client" ]; then
  tree=$("$top/deploy/lib/fetch_spark.sh" "$version")
  making=$tools/.connect-client-$version.making.$$
  trap 'rm -rf "$making"' EXIT
  echo "connect client $version: installing from PyPI" >&2
  python3 -m pip install --disable-pip-version-check --no-cache-dir --only-binary :all: --quiet --target "$making" "${needs[@]}" >&2
  python3 -m zipfile -e "$tree/opt/spark/python/lib/pyspark.zip" "$making"
  chmod -R a+rX "$making"
  mv "$making" "$client"
fi
echo "$client"
