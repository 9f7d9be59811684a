#!/bin/sh
# Installs a hash-pinned requirements file into the image's environment, and takes out what no service reads.
# Runs inside an image build, in one layer: the pip it uses is gone again when it ends.
set -eu
python3 -m venv /tmp/pip
site=$(/opt/venv/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
/tmp/pip/bin/python -m pip --python /opt/venv/bin/python install \
  --quiet --no-cache-dir --no-deps --require-hashes --only-binary :all: --no-compile -r "$1"
rm -rf /tmp/pip
# Never imported by a running service: packages' own tests, C headers and sources, type stubs, and the part of Arrow
# that speaks Flight (a fifth of it). libarrow_python is loaded by its soname; its other names are copies.
find "$site" -type d \( -path '*/tests' -o -path '*/pyarrow/include' -o -path '*/pyarrow/src' -o -path '*/numpy/_core/include' \) \
  -prune -exec rm -rf {} +
find "$site" -type f \( -name '*.pyi' -o -name '*.pyx' -o -name '*.pxd' -o -name '*.pxi' -o -name '*.a' \
  -o -path '*/pyarrow/libarrow_flight.so.*' -o -path '*/pyarrow/_flight.*' \
  -o -path '*/pyarrow/libarrow_python*.so' -o -path '*/pyarrow/libarrow_python*.so.*.*.*' \) -delete
# Compiled here, because a read-only root leaves no place to keep bytecode later.
/opt/venv/bin/python -m compileall -q -j 0 "$site"
