#!/usr/bin/env bash
# Installs Airflow and its provider for Kubernetes from PyPI into a virtual environment in the user's cache, once (400 MB, some minutes), and
# prints its Python.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$here/go.sh"
airflow=2.11.2
provider=10.25.0
folder=$tools/airflow-$airflow-$provider

# A virtual environment cannot be moved when it is done, so a mark says that it is.
build() {
  [ ! -f "$folder/installed" ] || return 0
  rm -rf "$folder"
  say "installing Airflow $airflow (400 MB)"
  python3 -m venv "$folder"
  timeout 1800 "$folder/bin/python" -m pip install --quiet --disable-pip-version-check --no-cache-dir "apache-airflow==$airflow" \
    "apache-airflow-providers-cncf-kubernetes==$provider" >&2
  touch "$folder/installed"
}

alone airflow build
echo "$folder/bin/python"
