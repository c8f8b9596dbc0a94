# Configures and builds a CMake preset with output that can be read in a log. Sourced, not run.
#
#   . deploy/lib/build.sh
#   build_preset release build/release spark-operator sparkctl     # no targets: all; 1 if anything failed
#
# BUILD_JOBS: how many files at once; default one a core, but one for each 2 GB of memory at most, which is what a
# translation unit with sanitizers can take.
default_build_jobs() {
  local cores memory
  cores=$(nproc)
  memory=$(($(awk '/^MemTotal:/ { print $2 }' /proc/meminfo) / 2000000))
  [ "$memory" -ge 1 ] || memory=1
  echo $((memory < cores ? memory : cores))
}

# A line of ninja's progress every quarter of a minute, and everything else as it comes.
sparse_progress() {
  local line last=-15
  while IFS= read -r line; do
    if [[ $line =~ ^\[[0-9]+/[0-9]+\] ]]; then
      [ $((SECONDS - last)) -lt 15 ] && continue
      last=$SECONDS
    fi
    printf '%s\n' "$line"
  done
}

configure_preset() {                           # configure_preset PRESET FOLDER
  mkdir -p "$2"
  cmake --preset "$1" -B "$2" >"$2/configure.log" 2>&1 || { cat "$2/configure.log"; return 1; }
}

# The rest is built when a file does not compile, so that one run shows every error.
build_preset() {                               # build_preset PRESET FOLDER [target…]
  local preset=$1 folder=$2
  shift 2
  configure_preset "$preset" "$folder" || return 1
  ninja -C "$folder" -j "${BUILD_JOBS:-$(default_build_jobs)}" -k 0 "$@" 2>&1 | sparse_progress
  return "${PIPESTATUS[0]}"
}
