# Debian packages that building, running and testing need, and how they get onto the machine. Sourced, not run.
#
#   . deploy/lib/packages.sh
#   install_packages "${BUILD_PACKAGES[@]}" "${RUN_PACKAGES[@]}"      # only what is missing; 1 and a message if it cannot

# What turns the sources into the two binaries.
BUILD_PACKAGES=(
  clang-19 lld-19 cmake ninja-build ccache git ca-certificates
  libboost1.81-dev libssl-dev nlohmann-json3-dev libyaml-cpp-dev prometheus-cpp-dev libspdlog-dev libfmt-dev catch2
  libsimdjson-dev libcli11-dev libhowardhinnant-date-dev libre2-dev libjemalloc-dev
)

# What runs real Spark as local processes: Java for Spark, Python for its Python programs and for the download of Spark
# from PyPI, the tools that make namespaces.
RUN_PACKAGES=(
  openjdk-17-jre-headless python3 python3-pip python3-setuptools python3-wheel ca-certificates util-linux mount iproute2 procps
)

# What only the tests need: sanitizer run times, readable sanitizer stacks, the format check, a Java compiler for the
# Java example (the PyPI package of Spark brings none of its example jars), a YAML reader for rendered charts, a
# Prometheus that scrapes drivers and the operator, Lua in the version of Argo CD's.
TEST_PACKAGES=(
  libclang-rt-19-dev llvm-19 clang-format-19 openjdk-17-jdk-headless curl openssl python3-yaml prometheus lua5.1
)

# What `test/run.sh chart --image` needs besides: what makes a Debian, what runs a Dockerfile, what runs programs for arm64.
IMAGE_PACKAGES=(debootstrap buildah qemu-user-static)

# debian_mirror SUITE: where this machine has that suite of Debian from; 1 if from nowhere.
debian_mirror() {
  local file
  for file in /etc/apt/sources.list /etc/apt/sources.list.d/*; do
    cat "$file" 2>/dev/null && echo
  done | awk -v suite="$1" '
    $1 == "deb" { sub(/\[[^]]*\] */, ""); if ($3 == suite) print $2 }
    /^$/ { uri = ""; listed = 0 }
    /^URIs:/ { uri = $2 }
    /^Suites:/ { for (i = 2; i <= NF; i++) if ($i == suite) listed = 1 }
    uri != "" && listed { print uri; uri = "" }' | head -n 1 | grep .
}

# A sources.list of Debian alone, with its updates, from the mirrors of this machine or from $DEBIAN_MIRROR.
debian_sources() {
  local mirror security
  mirror=${DEBIAN_MIRROR:-$(debian_mirror bookworm)}
  if [ -z "$mirror" ]; then
    echo "DEBIAN_MIRROR is not set, and no source of this machine is one of bookworm" >&2
    return 1
  fi
  printf 'deb %s %s main\n' "$mirror" bookworm "$mirror" bookworm-updates
  security=$(debian_mirror bookworm-security) && printf 'deb %s bookworm-security main\n' "$security"
  return 0
}

missing_packages() {
  local package state
  for package in "$@"; do
    state=$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null) || state=""
    [ "$state" = installed ] || printf '%s\n' "$package"
  done
}

# Installs what is missing of "$@". The machine's own package sources are used as they are.
install_packages() {
  if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
    echo "This is not a Debian system, so packages cannot be installed here. What is needed, by Debian's names:" >&2
    printf '  %s\n' "$*" >&2
    return 1
  fi
  local missing
  mapfile -t missing < <(missing_packages "$@")
  [ ${#missing[@]} -gt 0 ] || return 0
  local as_root=()
  if [ "$(id -u)" != 0 ]; then
    if ! command -v sudo >/dev/null || ! sudo -n true 2>/dev/null; then
      echo "These packages are missing and only root can install them:" >&2
      printf '  apt-get install -y --no-install-recommends %s\n' "${missing[*]}" >&2
      return 1
    fi
    as_root=(sudo -n)
  fi
  echo "installing ${#missing[@]} Debian packages: ${missing[*]}"
  local apt=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -o Acquire::Retries=3 -o DPkg::Lock::Timeout=300)
  local log
  log=$(mktemp)
  # An installation that was killed half-way leaves packages that nothing can be installed beside.
  [ -z "$(dpkg --audit 2>/dev/null)" ] || "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive dpkg --configure -a >"$log" 2>&1
  if ! "${apt[@]}" update >"$log" 2>&1 ||
     ! "${apt[@]}" install -y --no-install-recommends "${missing[@]}" >"$log" 2>&1 </dev/null; then
    tail -n 20 "$log" >&2
    rm -f "$log"
    echo "apt-get could not install: ${missing[*]}" >&2
    echo "Their home is Debian 12 (bookworm), section main, with its updates: see /etc/apt/sources.list.d" >&2
    return 1
  fi
  rm -f "$log"
}
