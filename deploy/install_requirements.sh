#!/bin/sh
# Installs a hash-pinned requirements file into the image's environment, and takes out what no service reads.
# Runs inside an image build: pip comes from /opt/pip, which is mounted for the build and not kept.
set -eu
site=$(/opt/venv/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
/opt/pip/bin/python -m pip --python /opt/venv/bin/python install \
  --quiet --no-cache-dir --no-deps --require-hashes --only-binary :all: --no-compile -r "$1"
# Packages' own tests, C headers and type stubs: never imported by a running service.
find "$site" -type d \( -path '*/tests' -o -path '*/pyarrow/include' -o -path '*/numpy/_core/include' \) -prune -exec rm -rf {} +
find "$site" \( -name '*.pyi' -o -name '*.pyx' -o -name '*.pxd' -o -name '*.a' \) -type f -delete
# Compiled here, because a read-only root leaves no place to keep bytecode later.
/opt/venv/bin/python -m compileall -q -j 0 "$site"
rm -f "$1"
