"""Avro object container files of one codec, read within bounds: a block that would fill the memory is damage.

Source: Avro 1.11 specification, "Object Container Files". fastavro unpacks a block whole, however large it becomes,
with whichever codec the file names, and reads it by the schema the file brings along.
"""

import io
import zlib
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO, Final

import fastavro

CODEC: Final = "deflate"
CODEC_KEY: Final = "avro.codec"
LARGEST_BLOCK_BYTES: Final = 64 * 1024 * 1024
"""Packed, and unpacked; what is written here has 128 KiB and one record."""
_MAGIC: Final = b"Obj\x01"
_SYNC_BYTES: Final = 16
_LONGEST_HEADER: Final = 64 * 1024
_METADATA: Final = fastavro.parse_schema({"type": "map", "values": "bytes"})
_RAW_DEFLATE: Final = -zlib.MAX_WBITS
_LONG_BYTES: Final = 10


class DamagedBlock(ValueError):
    """A file, or a block of it, that is not what the specification says; or more than anyone writes here."""


def read_header(file: BinaryIO) -> tuple[Mapping[str, bytes], bytes]:
    """The file's metadata and its marker between blocks; leaves it at the first block. Raises DamagedBlock."""
    head = io.BytesIO(file.read(_LONGEST_HEADER))
    if head.read(len(_MAGIC)) != _MAGIC:
        raise DamagedBlock("no Avro container")
    try:
        metadata: Any = fastavro.schemaless_reader(head, _METADATA, None)
    except Exception as error:
        # Whatever damaged bytes make of the reader.
        raise DamagedBlock(f"no metadata: {error}") from error
    sync = head.read(_SYNC_BYTES)
    if len(sync) < _SYNC_BYTES:
        raise DamagedBlock("cut off within the header")
    file.seek(head.tell())
    return metadata, sync


def read_records(file: BinaryIO, sync: bytes, schema: Any) -> Iterator[dict[str, Any]]:
    """The records of the blocks from where the file stands, written with this parsed schema.

    Raises EOFError where the file is cut short, DamagedBlock, or what damaged bytes make of fastavro.
    """
    while (count := _read_long(file, may_end=True)) is not None:
        size = _read_long(file)
        if size is None or not 0 <= size <= LARGEST_BLOCK_BYTES:
            raise DamagedBlock(f"a block of {size} bytes")
        packed = file.read(size)
        if len(packed) < size:
            raise EOFError
        body = io.BytesIO(_unpack(packed))
        marker = file.read(_SYNC_BYTES)
        if len(marker) < _SYNC_BYTES:
            raise EOFError
        if marker != sync:
            raise DamagedBlock("another marker follows the block")
        for _ in range(count):
            # Here, for a count may be anything: at the end of the bytes it ends.
            record: Any = fastavro.schemaless_reader(body, schema, None)
            yield record
        if body.read(1):
            raise DamagedBlock("bytes are left over in the block")


def _unpack(packed: bytes) -> bytes:
    unpacker = zlib.decompressobj(_RAW_DEFLATE)
    body = unpacker.decompress(packed, LARGEST_BLOCK_BYTES)
    if unpacker.unconsumed_tail or not unpacker.eof:
        raise DamagedBlock(f"a block of more than {LARGEST_BLOCK_BYTES} bytes, or one that is torn")
    return body


def _read_long(file: BinaryIO, *, may_end: bool = False) -> int | None:
    number, shift = 0, 0
    for _ in range(_LONG_BYTES):
        byte = file.read(1)
        if not byte:
            if may_end and not shift:
                return None
            raise EOFError
        number |= (byte[0] & 0x7F) << shift
        if byte[0] < 0x80:
            return (number >> 1) ^ -(number & 1)
        shift += 7
    raise DamagedBlock("a number that does not end")
