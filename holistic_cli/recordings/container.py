"""A recording: an Avro object container file of the topic's records, with all that a record has.

Any Avro reader opens it (suffix `.holistic`, codec deflate). Values stay the bytes they were; a number and a checksum
by each record find damage that the container's own markers do not see.
"""

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final

import fastavro
from fastavro.write import Writer

from holistic_cli.recordings.blocks import CODEC, CODEC_KEY, read_header, read_records
from keypoints.avro import CONFLUENT_HEADER_BYTES, CONFLUENT_MARKER, SINGLE_OBJECT_HEADER, SINGLE_OBJECT_MARKER
from keypoints.errors import Terminal
from keypoints.topics import Headers

SUFFIX: Final = ".holistic"
FORMAT: Final = "1"
_FORMAT_KEY: Final = "holistic.recording.format"
_BLOCK_BYTES: Final = 128 * 1024
"""About how much is compressed, and lost to one damaged byte, at a time."""
_LEVEL: Final = 1
"""Floats give little to compress, and a live recording must keep up."""

RECORD_SCHEMA: Final[dict[str, Any]] = {
    "type": "record",
    "name": "Record",
    "namespace": "holistic.recording",
    "doc": "A record of a Kafka topic, as it was read.",
    "fields": [
        {"name": "topic", "type": "string"},
        {"name": "partition", "type": "int"},
        {"name": "offset", "type": "long"},
        {"name": "timestamp_ms", "type": "long", "doc": "the record's own, milliseconds since 1970"},
        {"name": "key", "type": ["null", "bytes"]},
        {"name": "value", "type": ["null", "bytes"]},
        {
            "name": "headers",
            "type": {
                "type": "array",
                "items": {
                    "type": "record",
                    "name": "Header",
                    "fields": [{"name": "name", "type": "string"}, {"name": "value", "type": ["null", "bytes"]}],
                },
            },
        },
        {
            "name": "writer_schema",
            "type": ["null", "string"],
            "doc": "with the first record that names it: the schema a value of another writer was written with",
        },
        {"name": "number", "type": "long", "doc": "counts the file's records from 1, without a gap"},
        {
            "name": "crc32",
            "type": "long",
            "doc": "CRC-32 of key, value, `number/topic/partition/offset/timestamp_ms` as text, writer_schema, and "
            "each header's name and value, one after the other; null counts as empty",
        },
    ],
}
_PARSED: Final = fastavro.parse_schema(RECORD_SCHEMA)


class DamagedRecording(Terminal):
    """A file that is no recording, or is damaged. Fields: path, and record (from 1) where it is damaged."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """A record of a topic. `writer_schema` is JSON, with the first record of a writer whose schema is not ours."""

    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    key: bytes | None
    value: bytes | None
    headers: Headers
    writer_schema: str | None = None


class RecordingWriter:
    """Appends records to a file."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        metadata = {_FORMAT_KEY: FORMAT}
        self._writer = Writer(file, _PARSED, CODEC, _BLOCK_BYTES, metadata, compression_level=_LEVEL)
        self.records = 0

    @property
    def bytes(self) -> int:
        """Bytes written so far; the last records wait in memory to be compressed together."""
        return self._file.tell()

    def write(self, record: Recorded) -> None:
        """Append a record."""
        self.records += 1
        self._writer.write(
            {
                "topic": record.topic,
                "partition": record.partition,
                "offset": record.offset,
                "timestamp_ms": record.timestamp_ms,
                "key": record.key,
                "value": record.value,
                "headers": [{"name": name, "value": value} for name, value in record.headers],
                "writer_schema": record.writer_schema,
                "number": self.records,
                "crc32": _checksum(record, self.records),
            }
        )

    def finish(self) -> None:
        """Write what still waits."""
        self._writer.flush()


def read_recording(path: Path) -> Iterator[Recorded]:
    """The records of a file, in the order they were written.

    Raises DamagedRecording, naming the record from which on the file cannot be read, and FileNotFoundError.
    """
    number = 0
    with path.open("rb") as file:
        try:
            metadata, sync = read_header(file)
        except ValueError as error:
            raise DamagedRecording(
                f"{path} is no recording: its header cannot be read",
                hint=f"`holistic record` writes {SUFFIX} files",
                path=str(path),
            ) from error
        written_as = metadata.get(_FORMAT_KEY, b"").decode("utf-8", "replace")
        if written_as != FORMAT or metadata.get(CODEC_KEY) != CODEC.encode():
            raise DamagedRecording(
                f"{path} is {f'a recording of format {written_as}' if written_as else 'no recording'}",
                hint=f"`holistic record` writes format {FORMAT}, packed with {CODEC}",
                path=str(path),
            )
        # The schema in the header is a stranger's word; how records of this format lie is ours.
        found = read_records(file, sync, _PARSED)
        while True:
            number += 1
            try:
                fields: Any = next(found)
                said, checksum, record = fields["number"], fields["crc32"], _as_recorded(fields)
                sound = _checksum(record, number) == checksum
            except StopIteration:
                return
            except Exception as error:
                cut = isinstance(error, EOFError)
                reason = "it is cut short" if cut else f"what is there is no record ({type(error).__name__}: {error})"
                raise _damaged(path, number, reason) from error
            if said != number:
                raise _damaged(path, number, f"record {said} comes next")
            if not sound:
                raise _damaged(path, number, "its checksum does not match")
            yield record


def name_schema(value: bytes | None) -> bytes | None:
    """The first bytes of an Avro value, which say what schema it was written with; None for other values."""
    value = value or b""
    if value.startswith(SINGLE_OBJECT_MARKER):
        return value[: len(SINGLE_OBJECT_HEADER)]
    return value[:CONFLUENT_HEADER_BYTES] if value.startswith(CONFLUENT_MARKER) else None


def _damaged(path: Path, number: int, reason: str) -> DamagedRecording:
    return DamagedRecording(
        f"{path} cannot be read from record {number} on: {reason}",
        hint=f"--up-to {number - 1} plays what is before it" if number > 1 else "there is nothing to be saved of it",
        path=str(path),
        record=number,
    )


def _as_recorded(fields: dict[str, Any]) -> Recorded:
    return Recorded(
        topic=fields["topic"],
        partition=fields["partition"],
        offset=fields["offset"],
        timestamp_ms=fields["timestamp_ms"],
        key=fields["key"],
        value=fields["value"],
        headers=tuple((header["name"], header["value"]) for header in fields["headers"]),
        writer_schema=fields["writer_schema"],
    )


def _checksum(record: Recorded, number: int) -> int:
    place = f"{number}/{record.topic}/{record.partition}/{record.offset}/{record.timestamp_ms}"
    checksum = 0
    for piece in (record.key, record.value, place.encode(), (record.writer_schema or "").encode()):
        checksum = zlib.crc32(piece or b"", checksum)
    for name, value in record.headers:
        checksum = zlib.crc32(value or b"", zlib.crc32(name.encode(), checksum))
    return checksum
