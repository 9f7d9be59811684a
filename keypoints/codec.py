"""Frames to bytes and back, whichever form a record has.

A reader tells the forms apart by the first bytes: C3 01 and a fingerprint (Avro single object), 00 and a registry's
schema id (Avro, Confluent framing), or an opening brace (JSON).
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, Protocol

import numpy as np

from keypoints.avro import (
    CONFLUENT_HEADER_BYTES,
    CONFLUENT_MARKER,
    SINGLE_OBJECT_HEADER,
    SINGLE_OBJECT_MARKER,
    Undecodable,
    frame_header,
    is_our_schema,
    read_foreign_body,
    read_frame_body,
    write_frame_body,
)
from keypoints.avro_columns import read_columns
from keypoints.errors import HolisticError, Terminal
from keypoints.frame import FrameBatch, HolisticFrame, allocate_unfilled, blank_absent, write_frame
from keypoints.json_form import read_json, write_json
from keypoints.schemas import SchemaLookup, SchemaUnknown
from keypoints.topics import AVRO_CONTENT_TYPE, JSON_CONTENT_TYPE, ORIGIN_HEADER, Headers, parse_origin

__all__ = [
    "DecodedRecords",
    "RawRecord",
    "RejectedRecord",
    "SchemaUnknown",
    "Undecodable",
    "decode",
    "decode_records",
    "encode",
    "encode_avro",
    "encode_json",
]

_HEADER_BYTES: Final = len(SINGLE_OBJECT_HEADER)


class RawRecord(Protocol):
    """A consumed record; kafka-python's ConsumerRecord is one. `timestamp` is milliseconds since 1970."""

    @property
    def topic(self) -> str: ...
    @property
    def partition(self) -> int: ...
    @property
    def offset(self) -> int: ...
    @property
    def timestamp(self) -> int: ...
    @property
    def key(self) -> bytes | None: ...
    @property
    def value(self) -> bytes | None: ...
    @property
    def headers(self) -> Sequence[tuple[str, bytes | None]]: ...


@dataclass(frozen=True, slots=True)
class RejectedRecord:
    """A record that is no frame, and why: Undecodable for good, or SchemaUnknown, which may pass."""

    record: RawRecord
    error: HolisticError


@dataclass(frozen=True, slots=True)
class DecodedRecords:
    """What a list of records held: the frames as columns, in order, and the records that are none."""

    batch: FrameBatch
    rejected: list[RejectedRecord]


def encode(frame: HolisticFrame, content_type: str = AVRO_CONTENT_TYPE, *, registry_id: int | None = None) -> bytes:
    """A frame as a record's value.

    Avro gets the single-object header, or Confluent's framing when `registry_id`, the schema's id in the registry, is
    given. Raises Terminal for a content type that is neither Avro's nor JSON's.
    """
    if content_type == AVRO_CONTENT_TYPE:
        return encode_avro(frame, registry_id=registry_id)
    if content_type == JSON_CONTENT_TYPE:
        return encode_json(frame)
    raise Terminal(
        f"cannot encode as {content_type!r}",
        hint=f"use {AVRO_CONTENT_TYPE} or {JSON_CONTENT_TYPE}",
        content_type=content_type,
    )


def encode_avro(frame: HolisticFrame, *, registry_id: int | None = None) -> bytes:
    """A frame in Avro."""
    return write_frame_body(frame, frame_header(registry_id))


def encode_json(frame: HolisticFrame) -> bytes:
    """A frame in JSON."""
    return write_json(frame)


def decode(
    value: bytes | None,
    *,
    key: bytes | None = None,
    partition: int = 0,
    offset: int = 0,
    timestamp_ms: int = 0,
    schemas: SchemaLookup | None = None,
) -> HolisticFrame:
    """The frame in a record's value, whatever its form.

    `key`, `partition`, `offset` and `timestamp_ms` of the record stand in for what a classic JSON record does not say.
    `schemas` finds the schemas of other writers; without it only our own schema is known. Raises Undecodable when the
    value is no frame, and SchemaUnknown when nobody has announced its schema yet.
    """
    if not value:
        raise Undecodable("the value is empty" if value is not None else "the value is null", reason="empty")
    if value.startswith(SINGLE_OBJECT_MARKER):
        return _decode_single_object(value, schemas)
    if value.startswith(CONFLUENT_MARKER):
        return _decode_confluent(value, schemas)
    if value.lstrip()[:1] == b"{":
        return read_json(value, key=key, partition=partition, offset=offset, timestamp_ms=timestamp_ms)
    raise Undecodable(
        f"neither Avro nor JSON: the value begins with {value[:4].hex(' ')}", reason="unknown form", bytes=len(value)
    )


def _decode_single_object(value: bytes, schemas: SchemaLookup | None) -> HolisticFrame:
    if value.startswith(SINGLE_OBJECT_HEADER):
        return read_frame_body(value, _HEADER_BYTES)
    if len(value) < _HEADER_BYTES:
        raise Undecodable("cut off inside the Avro header", reason="truncated", bytes=len(value))
    fingerprint = value[len(SINGLE_OBJECT_MARKER) : _HEADER_BYTES]
    if schemas is None:
        raise SchemaUnknown(f"no schema with fingerprint {fingerprint.hex()} is known", fingerprint=fingerprint.hex())
    return read_foreign_body(value, _HEADER_BYTES, schemas.by_fingerprint(fingerprint))


def _decode_confluent(value: bytes, schemas: SchemaLookup | None) -> HolisticFrame:
    if len(value) < CONFLUENT_HEADER_BYTES:
        raise Undecodable("cut off inside the schema id", reason="truncated", bytes=len(value))
    (schema_id,) = struct.unpack_from(">I", value, 1)
    if schemas is None:
        raise SchemaUnknown(
            f"schema id {schema_id} cannot be looked up",
            hint="set SCHEMA_REGISTRY_URL to the registry its producer uses",
            schema_id=schema_id,
        )
    schema = schemas.by_registry_id(schema_id)
    if is_our_schema(schema):
        return read_frame_body(value, CONFLUENT_HEADER_BYTES)
    return read_foreign_body(value, CONFLUENT_HEADER_BYTES, schema)


def decode_records(records: Sequence[RawRecord], schemas: SchemaLookup | None = None) -> DecodedRecords:
    """Records of one topic as columns; a record that is no frame is set aside with its reason, never dropped.

    Raises ValueError for no records at all (the topic would be unknown) or for records of several topics.
    """
    topics = {record.topic for record in records}
    if len(topics) != 1:
        raise ValueError(f"decode_records takes records of one topic, got {sorted(topics)}")
    batch = allocate_unfilled(topics.pop(), len(records))
    values = [record.value or b"" for record in records]
    done = read_columns(values, batch)
    rejected: list[RejectedRecord] = []
    for row in np.flatnonzero(~done).tolist():
        record = records[row]
        try:
            frame = decode(
                record.value,
                key=record.key,
                partition=record.partition,
                offset=record.offset,
                timestamp_ms=record.timestamp,
                schemas=schemas,
            )
        except HolisticError as error:
            rejected.append(RejectedRecord(record, error))
        else:
            write_frame(batch, row, frame)
            done[row] = True
    blank_absent(batch)
    batch = _add_positions(batch, records)
    return DecodedRecords(batch if not rejected else batch.take(done), rejected)


def _add_positions(batch: FrameBatch, records: Sequence[RawRecord]) -> FrameBatch:
    batch.partition[:] = [record.partition for record in records]
    batch.offset[:] = [record.offset for record in records]
    batch.timestamp_ms[:] = [record.timestamp for record in records]
    batch.identity_partition[:] = batch.partition
    batch.identity_offset[:] = batch.offset
    headers: list[Headers] = [tuple(record.headers) for record in records]
    for row, record_headers in enumerate(headers):
        if any(name == ORIGIN_HEADER for name, _ in record_headers):
            origin = parse_origin(record_headers)
            if origin is not None:
                batch.identity_topic[row], batch.identity_partition[row], batch.identity_offset[row] = origin
    return replace(batch, keys=tuple(record.key for record in records), headers=tuple(headers))
