#!/bin/sh
# Installs a hash-pinned requirements file into /opt/venv, takes out what no service reads, and compiles the rest.
#   install_requirements.sh REQUIREMENTS [DIRECTORY]
# With a directory, what is new is copied there, below opt/venv: an image takes it from there, without the pip.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
cd /
find opt/venv ! -type d | sort > /tmp/before
/opt/pip/bin/python -m pip --python /opt/venv/bin/python install \
  --quiet --no-cache-dir --no-deps --require-hashes --only-binary :all: --no-compile -r "$1"
site=$(/opt/venv/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
/opt/venv/bin/python "$here/trim_libraries.py" "$site"
# Compiled here, because a read-only root leaves no place to keep bytecode later.
/opt/venv/bin/python -m compileall -q -j 0 "$site"
if [ $# -gt 1 ]; then
  mkdir -p "$2"
  find opt/venv ! -type d | sort | comm -13 /tmp/before - | tar -cf - -T - | tar -xf - -C "$2"
fi
