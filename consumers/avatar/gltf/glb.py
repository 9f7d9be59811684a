"""glTF 2.0 in its binary form (GLB): a header, a chunk of JSON and a chunk of numbers that it points into.

Source: Khronos, glTF 2.0 specification, "GLB File Format Specification" and "Accessors". Numbers are little-endian and
tightly packed; every buffer view begins at a multiple of four bytes.
"""

import struct
from pathlib import Path
from typing import Any, BinaryIO, Final

import numpy as np
import orjson
from numpy.typing import NDArray

from keypoints.errors import Terminal

ARRAY_BUFFER: Final = 34962
ELEMENT_ARRAY_BUFFER: Final = 34963

_HEAD: Final = struct.Struct("<III")
_CHUNK_HEAD: Final = struct.Struct("<II")
_MAGIC: Final = 0x46546C67
_VERSION: Final = 2
_JSON_CHUNK: Final = 0x4E4F534A
_BINARY_CHUNK: Final = 0x004E4942
_COMPONENTS: Final = {"int8": 5120, "uint8": 5121, "int16": 5122, "uint16": 5123, "uint32": 5125, "float32": 5126}
_SHAPES: Final = {(): "SCALAR", (2,): "VEC2", (3,): "VEC3", (4,): "VEC4", (4, 4): "MAT4"}


class GlbError(Terminal):
    """A file is no GLB, or says what it does not hold."""


class GlbWriter:
    """Collects numbers and the document that points to them. `document` is glTF's JSON, to be filled by the caller."""

    def __init__(self, generator: str) -> None:
        self.document: dict[str, Any] = {"asset": {"version": "2.0", "generator": generator}}
        self._binary: list[bytes] = []
        self._length = 0
        self._views: list[dict[str, int]] = []
        self._accessors: list[dict[str, Any]] = []

    def add_bytes(self, content: bytes, target: int | None = None) -> int:
        """Append a buffer view. Returns its index."""
        view = {"buffer": 0, "byteOffset": self._length, "byteLength": len(content)}
        if target is not None:
            view["target"] = target
        self._binary += [content, bytes(-len(content) % 4)]
        self._length += len(content) + -len(content) % 4
        self._views.append(view)
        return len(self._views) - 1

    def add_accessor(
        self, values: NDArray[Any], target: int | None = None, *, normalized: bool = False, bounds: bool = False
    ) -> int:
        """Append numbers [count, ...] of a type that glTF knows. `bounds`: say the least and the greatest of each
        component, as positions and times must. Returns the accessor's index.
        """
        values = np.ascontiguousarray(values)
        accessor = _describe(values)
        accessor["bufferView"] = self.add_bytes(values.astype(values.dtype.newbyteorder("<")).tobytes(), target)
        if normalized:
            accessor["normalized"] = True
        if bounds:
            _bound(accessor, values)
        self._accessors.append(accessor)
        return len(self._accessors) - 1

    def add_sparse(self, rows: NDArray[np.integer[Any]], values: NDArray[np.float32], count: int) -> int:
        """Append vectors that are zero but for those of `rows` (ascending): float32[len(rows), 3] of `count`.

        Returns the accessor's index.
        """
        accessor: dict[str, Any] = {"componentType": _COMPONENTS["float32"], "type": "VEC3", "count": count}
        whole = np.zeros((count, 3), np.float32)
        whole[rows] = values
        _bound(accessor, whole)
        if len(rows):
            index_type = np.uint16 if count <= np.iinfo(np.uint16).max else np.uint32
            accessor["sparse"] = {
                "count": len(rows),
                "indices": {
                    "bufferView": self.add_bytes(rows.astype(index_type).tobytes()),
                    "componentType": _COMPONENTS[np.dtype(index_type).name],
                },
                "values": {"bufferView": self.add_bytes(np.ascontiguousarray(values, "<f4").tobytes())},
            }
        self._accessors.append(accessor)
        return len(self._accessors) - 1

    def finish(self) -> bytes:
        """The whole file."""
        return b"".join(self._list_pieces())

    def write_to(self, file: BinaryIO) -> None:
        """Write the whole file, without another copy of it in memory."""
        file.writelines(self._list_pieces())

    def _list_pieces(self) -> list[bytes]:
        document = {
            **self.document,
            "accessors": self._accessors,
            "bufferViews": self._views,
            "buffers": [{"byteLength": self._length}],
        }
        text = orjson.dumps(document)
        text += b" " * (-len(text) % 4)
        size = _HEAD.size + 2 * _CHUNK_HEAD.size + len(text) + self._length
        return [
            _HEAD.pack(_MAGIC, _VERSION, size),
            _CHUNK_HEAD.pack(len(text), _JSON_CHUNK),
            text,
            _CHUNK_HEAD.pack(self._length, _BINARY_CHUNK),
            *self._binary,
        ]


def _describe(values: NDArray[Any]) -> dict[str, Any]:
    return {
        "componentType": _COMPONENTS[values.dtype.name],
        "type": _SHAPES[values.shape[1:]],
        "count": len(values),
    }


def _bound(accessor: dict[str, Any], values: NDArray[Any]) -> None:
    """What is said must be what is stored: the doubles nearest to the stored floats, which is what `tolist` gives."""
    accessor["min"] = np.atleast_1d(values.min(axis=0)).tolist()
    accessor["max"] = np.atleast_1d(values.max(axis=0)).tolist()


def read_document(path: Path) -> dict[str, Any]:
    """The JSON of a file. Raises GlbError for what is no GLB of version 2, OSError for what cannot be read."""
    content = path.read_bytes()
    if len(content) < _HEAD.size + _CHUNK_HEAD.size or _HEAD.unpack_from(content)[0] != _MAGIC:
        raise _complain(path, "is not a GLB file")
    _, version, length = _HEAD.unpack_from(content)
    if version != _VERSION:
        raise _complain(path, f"is a GLB of version {version}, not 2")
    if length > len(content):
        raise _complain(path, f"is cut short: {len(content)} bytes of {length}")
    chunks = _split(content[:length])
    try:
        document = orjson.loads(chunks.get(_JSON_CHUNK, b""))
    except orjson.JSONDecodeError as error:
        raise _complain(path, "holds JSON that cannot be read") from error
    if not isinstance(document, dict):
        raise _complain(path, "holds JSON that is no glTF document")
    return document


def _split(content: bytes) -> dict[int, bytes]:
    chunks: dict[int, bytes] = {}
    at = _HEAD.size
    while at + _CHUNK_HEAD.size <= len(content):
        length, kind = _CHUNK_HEAD.unpack_from(content, at)
        at += _CHUNK_HEAD.size
        chunks.setdefault(kind, content[at : at + length])
        at += length
    return chunks


def _complain(path: Path, what: str) -> GlbError:
    return GlbError(f"{path} {what}", hint="Give a .vrm or .glb file (binary glTF 2.0).", path=str(path))
