#!/usr/bin/env bash
# Solves one resolution for everything, then cuts each service's subset out of it.
# Needs uv on PATH (`pip install uv`). Run it after changing dependencies in pyproject.toml or overrides.txt.
#   requirements/lock.sh            keep the pinned versions where they still fit
#   requirements/lock.sh --upgrade  take the newest that fit
set -euo pipefail
cd "$(dirname "$0")/.."
solve() {
  uv pip compile pyproject.toml --quiet --universal --python-version 3.11 --generate-hashes \
    --no-emit-index-url --no-header --no-annotate --override requirements/overrides.txt "$@"
}
solve --all-extras --output-file requirements/all.txt "$@"
# What every service shares: the layer that all container images have in common.
solve --constraint requirements/all.txt --output-file requirements/common.txt
for extra in producer archive-service analytics-service avatar tools page local dev; do
  solve --extra "$extra" --constraint requirements/all.txt --output-file "requirements/$extra.txt"
done
# What only the tests that ask Spark need: no part of the suite's resolution, PySpark alone pins what it runs on.
for name in spark spark-build; do
  uv pip compile "requirements/$name.in" --quiet --universal --python-version 3.11 --generate-hashes \
    --no-emit-index-url --no-header --no-annotate --output-file "requirements/$name.txt" "$@"
done
