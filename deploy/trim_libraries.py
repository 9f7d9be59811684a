"""Takes out of installed packages what no service reads, and cuts the symbols off shared libraries.

trim_libraries.py SITE_PACKAGES. Runs while an image is built, with no library but Python's own.
"""

import shutil
import struct
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

DIRECTORIES: Final = (
    "**/tests",
    # What extensions are compiled against, and numpy's own compiler of Fortran.
    "pyarrow/include",
    "pyarrow/src",
    "numpy/_core/include",
    "numpy/f2py",
    "numpy/distutils",
    # For those who test a dialect of their own.
    "sqlalchemy/testing",
    # What pyiceberg says to Hive through Thrift, which is not installed.
    "hive_metastore",
)
FILES: Final = (
    # Sources and type stubs.
    *("**/*.pyi", "**/*.pyx", "**/*.pxd", "**/*.pxi", "**/*.a", "**/*.c", "**/*.h", "**/*.cpp"),
    # Arrow's remote calls: the largest of its libraries that nothing else of it is linked to.
    *("pyarrow/libarrow_flight.so.*", "pyarrow/libarrow_python_flight.so*", "pyarrow/_flight.*"),
    # Libraries are loaded by their sonames (libarrow_python.so.2600); a wheel's other names for them are copies.
    *("pyarrow/libarrow_python*.so", "pyarrow/libarrow_python*.so.*.*.*"),
    # CPython takes the other of zstandard's two backends.
    "zstandard/_cffi.*",
    # Swagger UI's page loads swagger-ui-bundle.js.
    *("swagger_ui_bundle/**/*.map", "swagger_ui_bundle/**/swagger-ui-es-*", "swagger_ui_bundle/**/swagger-ui.js"),
)

_MAGIC_64_BIT_LITTLE_ENDIAN: Final = b"\x7fELF\x02\x01"
_HEADER: Final = struct.Struct("<16sHHIQQQIHHHHHH")
_PROGRAM_HEADER: Final = struct.Struct("<IIQQQQQQ")


def find_unread(site: Path) -> Iterator[Path]:
    """Files and directories below `site` that no service reads."""
    for pattern in DIRECTORIES:
        yield from site.glob(pattern)
    for pattern in FILES:
        yield from site.glob(pattern)


def trim(site: Path) -> None:
    """Removes what is not read below `site`, and cuts every shared library there."""
    for path in list(find_unread(site)):
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    for library in site.rglob("*.so*"):
        if library.is_file() and not library.is_symlink():
            cut_symbols(library)


def cut_symbols(library: Path) -> int:
    """Ends a 64-bit little-endian ELF file where the last byte is that its program headers name. Returns bytes saved.

    What comes after, mostly debugging symbols and the table of sections, is for linkers and debuggers: the loader reads
    program headers alone (System V ABI, chapter 5). Nothing is moved, which is what breaks libraries that patchelf has
    rearranged when `strip` is let at them. Other files are left as they are.
    """
    size = library.stat().st_size
    with library.open("r+b") as file:
        start = file.read(_HEADER.size)
        if len(start) < _HEADER.size or not start.startswith(_MAGIC_64_BIT_LITTLE_ENDIAN):
            return 0
        header = list(_HEADER.unpack(start))
        table, entry_size, entries = header[5], header[9], header[10]
        file.seek(table)
        programs = file.read(entry_size * entries)
        end: int = table + len(programs)
        for number in range(entries):
            _, _, offset, _, _, in_file, _, _ = _PROGRAM_HEADER.unpack_from(programs, number * entry_size)
            end = max(end, offset + in_file)
        if end >= size:
            return 0
        # No sections any more: where their table is, how many there are, and which one names them.
        header[6] = header[12] = header[13] = 0
        file.seek(0)
        file.write(_HEADER.pack(*header))
        file.truncate(end)
    return size - end


if __name__ == "__main__":
    trim(Path(sys.argv[1]))
