#!/usr/bin/env bash
# Lays out a Spark release as the tree of files that the image spark:<version> stands for, and prints where it is.
#
#   deploy/lib/fetch_spark.sh [VERSION]      # default 3.5.7; prints <images>/spark/<version>
#
# <images> is $SPARK_OPERATOR_IMAGES, else ${XDG_CACHE_HOME:-~/.cache}/spark-operator/images. The source is the package
# `pyspark` of PyPI (300 to 460 MB, downloaded once): it holds Spark's own scripts and jars, those for Kubernetes too.
# The tree appears whole or not at all: it is made beside its place and renamed. Progress goes to stderr.
set -euo pipefail

version=${1:-3.5.7}
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
images=${SPARK_OPERATOR_IMAGES:-${XDG_CACHE_HOME:-$HOME/.cache}/spark-operator/images}
tree=$images/spark/$version

# The package's checksum where we know it. For other versions pip compares with the one that the index states.
declare -A SHA256=(
  [3.4.4]=b831a99c1aeb058bc4a2498665de10006b899b2438ba15470cc88f577755ebf8
  [3.5.7]=80e36514e0c5c126d35a26adf4f405cd4a69de96a8ea8a3c1e9a65fce2fb4eaa
  [4.0.5]=a0d44b0e7faf0458ad83b7aa664e7ed8b96beed8a55d66ce3b0dfac2309dfca6
  [4.1.4]=bcbd5e18690cf79d438e97210ad06fb8d451a251bb77becc2b0418868d2acd73
  [4.2.1]=d79b7c8ee41e66a9202fe6f600ca90b931ca571ae9dbdf31c58d2672e5102da0
  [4.3.0]=e8c517948eff7088a7aa07449aa8eafa4a15a8d50319de2525a6fd26622476c6
)

say() { echo "spark $version: $*" >&2; }
fail() { say "$*"; exit 1; }

case $version in
  [0-9]*.[0-9]*.[0-9]*) ;;
  *) echo "fetch_spark.sh: '$version' is not a Spark version such as 3.5.7" >&2; exit 2 ;;
esac

mkdir -p "$images/spark" || fail "cannot write to $images"
exec 9>"$images/spark/.$version.lock"
flock 9                                       # a second caller waits and then finds the tree
rm -rf "$images/spark/.$version".making.*     # of a call that was killed

# Lays the files of one PyPI source package ($1, unpacked) out as the image has them ($2/opt).
lay_out() {
  local source=$1 opt=$2/opt
  mkdir -p "$opt/spark/examples/src/main" "$opt/spark/python/lib" "$opt/spark/conf" "$opt/spark/work-dir"
  mv "$source/deps/bin" "$source/deps/sbin" "$source/deps/jars" "$source/deps/data" "$opt/spark/"
  mv "$source/deps/examples" "$opt/spark/examples/src/main/python"
  mv "$source"/lib/*.zip "$opt/spark/python/lib/"
  rm -f "$opt"/spark/bin/*.cmd
  chmod -R a+rX "$opt"
  chmod 0755 "$opt"/spark/bin/* "$opt"/spark/sbin/*
  chmod 1777 "$opt/spark/work-dir"
}

# Spark's own example jar is not in the package. Where a Java compiler is at hand, ours takes its place and name.
add_example_jar() {
  local spark=$1/opt/spark scala jar classes release=8
  [ "${version%%.*}" -lt 4 ] || release=17     # Spark 4 runs on nothing older
  command -v javac >/dev/null && command -v jar >/dev/null || return 0
  scala=$(basename "$spark"/jars/spark-core_*.jar)
  scala=${scala#spark-core_}
  jar=$spark/examples/jars/spark-examples_${scala%%-*}-$version.jar
  [ ! -e "$jar" ] || [ "$here/../examples/java/SparkPi.java" -nt "$jar" ] || return 0
  say "compiling the Java example"
  classes=$(mktemp -d)
  if ! javac --release $release -nowarn -d "$classes" -cp "$spark/jars/*" "$here/../examples/java/SparkPi.java" >&2 2>"$classes.log"; then
    cat "$classes.log" >&2
    rm -rf "$classes" "$classes.log"
    fail "the Java example does not compile"
  fi
  mkdir -p "$spark/examples/jars"
  jar cf "$jar.new" -C "$classes" .
  mv "$jar.new" "$jar"
  ln -sfn "$(basename "$jar")" "$spark/examples/jars/spark-examples.jar"
  rm -rf "$classes" "$classes.log"
}

if [ ! -d "$tree/opt/spark/jars" ]; then
  python3 -m pip --version >/dev/null 2>&1 || fail "no pip: apt-get install python3-pip"
  free_kb=$(df -Pk "$images" | awk 'NR == 2 { print $4 }')
  [ "$free_kb" -gt $((1500 * 1024)) ] || fail "needs 1.5 GB under $images, which has $((free_kb / 1024)) MB left"

  making=$images/spark/.$version.making.$$
  trap 'rm -rf "$making"' EXIT
  mkdir -p "$making/download" "$making/tree"
  line="pyspark==$version"
  [ -z "${SHA256[$version]:-}" ] || line="$line --hash=sha256:${SHA256[$version]}"
  echo "$line" >"$making/requirements.txt"
  say "downloading the package pyspark from PyPI (300 to 460 MB)"
  python3 -m pip download --disable-pip-version-check --no-cache-dir --no-deps --no-binary pyspark \
    --dest "$making/download" --requirement "$making/requirements.txt" >&2 ||
    fail "pip could not download it: is PyPI reachable, is there a version $version?"
  say "unpacking"
  tar -xzf "$making/download/pyspark-$version.tar.gz" -C "$making/download" --no-same-owner
  lay_out "$making/download/pyspark-$version" "$making/tree"
  rm -rf "$tree"
  mv "$making/tree" "$tree"
  say "ready in $tree"
fi

# Puts a script of ours ($1) where the image has one ($2). Renamed into place: containers of the tree may run.
add_script() {
  cmp -s "$here/$1" "$tree/opt/$2" && return
  install -m 0755 "$here/$1" "$tree/opt/$2.new"
  mv "$tree/opt/$2.new" "$tree/opt/$2"
}
add_script spark_entrypoint.sh entrypoint.sh
add_script start_connect_server.sh spark/sbin/start-connect-server.sh
add_script stop_connect_server.sh spark/sbin/stop-connect-server.sh
# How a container of it starts, as the image's own configuration would say.
cat >"$tree/.image.json.new" <<'JSON'
{
  "env": {"SPARK_HOME": "/opt/spark", "HOME": "/root", "LANG": "C.UTF-8"},
  "entrypoint": ["/opt/entrypoint.sh"],
  "workingDir": "/opt/spark/work-dir"
}
JSON
mv "$tree/.image.json.new" "$tree/image.json"
add_example_jar "$tree"
echo "$tree"
