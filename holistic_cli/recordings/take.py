"""A recording as it is to be played: looked through once, then read in the order of its times."""

import heapq
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Protocol

import orjson

from holistic_cli.recordings.container import DamagedRecording, Recorded, name_schema, read_recording
from keypoints.avro import CONFLUENT_HEADER_BYTES, CONFLUENT_MARKER, SINGLE_OBJECT_MARKER
from keypoints.schemas import FRAME_FINGERPRINT, FRAME_SCHEMA, Schema, SchemaUnknown

Reader = Callable[[], Iterator[Recorded]]


class Take(Protocol):
    """What can be played. Times are milliseconds since 1970."""

    @property
    def records(self) -> int:
        """How many records there are."""

    @property
    def streams(self) -> frozenset[bytes | None]:
        """The keys there are."""

    @property
    def first_ms(self) -> int:
        """The earliest time."""

    @property
    def last_ms(self) -> int:
        """The latest time."""

    @property
    def schemas(self) -> "RecordedSchemas":
        """The schemas of writers that are not ours."""

    def read(self) -> Iterator[Recorded]:
        """The records, each partition's in its own order, otherwise by time."""


@dataclass(slots=True)
class RecordedSchemas:
    """Writers' schemas that a recording holds; the header of a value names one."""

    by_header: dict[bytes, Schema] = field(default_factory=dict)

    def note(self, record: Recorded) -> None:
        """Remember the schema that comes with a record, if one does. Raises ValueError when it is no JSON object."""
        header = name_schema(record.value)
        if record.writer_schema is not None and header is not None:
            schema = orjson.loads(record.writer_schema)
            if not isinstance(schema, dict):
                raise ValueError("no JSON object")
            self.by_header[header] = schema

    def by_fingerprint(self, fingerprint: bytes) -> Schema:
        """As SchemaLookup's. Raises SchemaUnknown."""
        if fingerprint == FRAME_FINGERPRINT:
            return FRAME_SCHEMA
        return self._find(SINGLE_OBJECT_MARKER + fingerprint)

    def by_registry_id(self, schema_id: int) -> Schema:
        """As SchemaLookup's. Raises SchemaUnknown."""
        return self._find(CONFLUENT_MARKER + schema_id.to_bytes(CONFLUENT_HEADER_BYTES - 1, "big"))

    def _find(self, header: bytes) -> Schema:
        if header not in self.by_header:
            raise SchemaUnknown("the recording does not hold the schema of this record", header=header.hex())
        return self.by_header[header]


@dataclass(frozen=True)
class RecordedTake:
    """A `.holistic` file; or its first `up_to` records."""

    path: Path
    up_to: int | None
    records: int
    partitions: tuple[tuple[str, int], ...]
    streams: frozenset[bytes | None]
    first_ms: int
    last_ms: int
    schemas: RecordedSchemas

    def read(self) -> Iterator[Recorded]:
        """The records, each partition's in its own order, otherwise by time."""
        lanes = [self._read_lane(lane, partition) for lane, partition in enumerate(self.partitions)]
        return (record for *_, record in heapq.merge(*lanes, key=lambda entry: entry[:3]))

    def _read_lane(self, lane: int, partition: tuple[str, int]) -> Iterator[tuple[int, int, int, Recorded]]:
        latest_ms = self.first_ms
        for number, record in enumerate(_read(self.path, self.up_to)):
            if (record.topic, record.partition) == partition:
                # Late frames have old times, and are to stay behind the frames they came after.
                latest_ms = max(latest_ms, record.timestamp_ms)
                yield latest_ms, lane, number, record


def survey_recording(path: Path, up_to: int | None = None) -> RecordedTake:
    """Look a recording through to its end, so that nothing of a damaged one is played.

    Raises DamagedRecording, also when it holds no records.
    """
    schemas = RecordedSchemas()
    partitions: set[tuple[str, int]] = set()
    streams: set[bytes | None] = set()
    times_ms: list[int] = []
    records = 0
    for record in _read(path, up_to):
        records += 1
        try:
            schemas.note(record)
        except ValueError as error:
            raise DamagedRecording(
                f"{path}: the schema of record {records} is none: {error}", path=str(path), record=records
            ) from error
        partitions.add((record.topic, record.partition))
        streams.add(record.key)
        times_ms = [min([*times_ms[:1], record.timestamp_ms]), max([*times_ms[1:], record.timestamp_ms])]
    if not records:
        raise DamagedRecording(f"{path} holds no records", path=str(path))
    first_ms, last_ms = times_ms
    return RecordedTake(path, up_to, records, tuple(sorted(partitions)), frozenset(streams), first_ms, last_ms, schemas)


def _read(path: Path, up_to: int | None) -> Iterator[Recorded]:
    return islice(read_recording(path), up_to)
