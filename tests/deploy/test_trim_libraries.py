"""What is taken out of libraries on their way into an image."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

from deploy.trim_libraries import cut_symbols, trim


def find_library(module: str) -> Path:
    found = importlib.util.find_spec(module)
    assert found is not None
    assert found.origin is not None
    return Path(found.origin)


WITH_SYMBOLS = find_library("zstandard.backend_c")


def test_a_library_without_its_symbols_is_smaller_and_works_as_before(tmp_path: Path) -> None:
    package = tmp_path / "zstandard"
    shutil.copytree(WITH_SYMBOLS.parent, package)
    library = package / WITH_SYMBOLS.name
    before = library.stat().st_size
    saved = cut_symbols(library)
    assert library.stat().st_size == before - saved
    assert saved > before / 2
    assert cut_symbols(library) == 0
    program = (
        "import zstandard; assert zstandard.backend == 'cext'; print(zstandard.__file__);"
        "assert zstandard.decompress(zstandard.compress(b'x' * 100)) == b'x' * 100"
    )
    asked = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        check=True,
        text=True,
        capture_output=True,
    )
    assert Path(asked.stdout.strip()).parent == package


def test_files_that_are_no_library_for_this_loader_are_left_as_they_are(tmp_path: Path) -> None:
    for name, content in {
        "short.so": b"\x7fELF",
        "script.so": b"#!/bin/sh\n" * 20,
        "other.so": b"\x7fELF\x01" + bytes(99),
    }.items():
        file = tmp_path / name
        file.write_bytes(content)
        assert cut_symbols(file) == 0
        assert file.read_bytes() == content


def test_sources_and_tests_go_and_modules_and_data_stay(tmp_path: Path) -> None:
    kept = ["package/module.py", "package/data.json", "pyarrow/libarrow_python.so.2600", "package/tests.py"]
    gone = [
        "package/module.pyi",
        "package/tests/test_module.py",
        "pyarrow/libarrow_flight.so.2600",
        "pyarrow/libarrow_python.so.2600.1.0",
        "zstandard/_cffi.cpython-311-x86_64-linux-gnu.so",
    ]
    for name in (*kept, *gone):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")
    trim(tmp_path)
    assert sorted(str(file.relative_to(tmp_path)) for file in tmp_path.rglob("*") if file.is_file()) == sorted(kept)
