"""What lies on topics that others may write to."""

from __future__ import annotations

import copy
from pathlib import Path

import numpy as np
import orjson

from connect_runtime.control.records import read_config_record, read_report
from connect_runtime.dead_letters import read_dead_letter
from connect_runtime.forgetting.ledger import read_entry
from connect_runtime.gap_topic import read_gap
from consumers.analytics.feed.event import read_event
from consumers.avatar.cast.role import read_role
from kafka_io.failure_headers import PREFIX
from kafka_io.schema_registry import read_id, read_schema
from kafka_io.schema_topic import TopicSchemaLookup
from kafka_io.settings import KafkaSettings
from keypoints.avro import SINGLE_OBJECT_MARKER, write_frame_body
from keypoints.codec import decode, decode_records, encode_avro, encode_json
from keypoints.errors import HolisticError
from keypoints.schemas import FRAME_FINGERPRINT, FRAME_SCHEMA, Schema, SchemaUnknown, fingerprint_schema
from keypoints.topics import CONTENT_TYPE_HEADER, ORIGIN_HEADER, parse_origin
from producer_service.image_topic.image_record import read_image
from tests.keypoints.frames import Consumed, make_frame
from tests.security.fuzz.target import Target

_NEWER: Schema = copy.deepcopy(FRAME_SCHEMA)
_NEWER["fields"].append({"name": "more", "type": ["null", {"type": "map", "values": "string"}]})
_NEWER_HEADER = SINGLE_OBJECT_MARKER + fingerprint_schema(_NEWER)


class _Writers:
    """Finds our schema and a newer one, under any id and the right fingerprints."""

    def by_fingerprint(self, fingerprint: bytes) -> Schema:
        if fingerprint == FRAME_FINGERPRINT:
            return FRAME_SCHEMA
        if SINGLE_OBJECT_MARKER + fingerprint == _NEWER_HEADER:
            return _NEWER
        raise SchemaUnknown("nobody has announced it")

    def by_registry_id(self, schema_id: int) -> Schema:
        return _NEWER if schema_id % 2 else FRAME_SCHEMA


_WRITERS = _Writers()
_GOOD = Consumed(encode_avro(make_frame(1)), offset=7)


def decode_frame(value: bytes, _: Path) -> None:
    """One by one and in step there is one verdict, and the record behind a bad one is read all the same."""
    record = Consumed(value, offset=6, timestamp=5)
    together = decode_records([record, _GOOD], _WRITERS)
    assert len(together.batch) + len(together.rejected) == 2
    assert together.batch.offset[-1] == 7
    try:
        frame = decode(value, key=b"ada", offset=6, timestamp_ms=5, schemas=_WRITERS)
    except HolisticError:
        assert len(together.rejected) == 1
        raise
    assert len(together.batch) == 2
    row = together.batch.frame(0)
    assert (row.stream_id, row.sequence, row.epoch) == (frame.stream_id, frame.sequence, frame.epoch)
    for part in ("pose", "pose_world", "face", "left_hand", "right_hand"):
        np.testing.assert_array_equal(getattr(row, part), getattr(frame, part))


def decode_by_schema(data: bytes, _: Path) -> None:
    """A writer's schema is a stranger's as well: `schema\\n\\nbody`."""
    written, body = [*data.split(b"\n\n", 1), b""][:2]
    schema = read_schema({"schema": written.decode("utf-8", "replace")}, "http://registry")

    class Announced(_Writers):
        def by_registry_id(self, schema_id: int) -> Schema:
            return schema

    decode(b"\x00\x00\x00\x00\x01" + body, key=b"ada", schemas=Announced())


def remember_schema(data: bytes, _: Path) -> None:
    found = TopicSchemaLookup(KafkaSettings(bootstrap_servers="localhost:1"))
    found.remember(data[:8], data[8:])
    assert found.known[FRAME_FINGERPRINT] == FRAME_SCHEMA


def read_answer(data: bytes, _: Path) -> None:
    answer = orjson.loads(data)
    for read in (read_id, read_schema):
        try:
            read(answer, "http://registry")
        except HolisticError:
            continue


def read_letter(data: bytes, _: Path) -> None:
    """Headers as lines `name:value`, behind the value's first line."""
    value, *lines = data.split(b"\n")
    pairs = [line.split(b":", 1) for line in lines if b":" in line]
    headers = tuple((name.decode("utf-8", "replace"), said) for name, said in pairs)
    letter = read_dead_letter(Consumed(value, topic="holistic-dlq-x", headers=headers))
    letter.identity, letter.source, letter.attempt, letter.error_class  # noqa: B018
    parse_origin(headers)


def read_image_record(data: bytes, _: Path) -> None:
    key, said, mirrored, value = [*data.split(b"\n", 3), b"", b"", b""][:4]
    headers = (("captured-at-us", said or None), ("mirrored", mirrored))
    read_image(Consumed(value, key=key, headers=headers))


def read_control(data: bytes, _: Path) -> None:
    key, value = [*data.split(b"\n", 1), b""][:2]
    name = key.decode("utf-8", "replace")
    read_config_record(name, value)
    read_report(name, value)
    read_gap(value)
    read_entry(name, value)


_ROLE = b'{"avatar": "ada.vrm", "targets": ["vmc://127.0.0.1:39539?profile=vseeface"], "neutral_face": {"jaw": 0.1}}'
_EVENT = orjson.dumps(
    {"event_id": "e", "stream_id": "ada", "kind": "wave", "phase": "start", "started_at": "2026-03-01T12:00:00+01:00",
     "hand": "left", "category": "movement"}
)  # fmt: skip
_REPORT = orjson.dumps(
    {"worker_id": "w:1", "config_offset": 4, "connectors": {"a": {"state": "RUNNING", "tasks": [
        {"id": 0, "state": "RUNNING", "trace": None}], "claims": {"0": -1}, "topics": ["t"]}}}
)  # fmt: skip
_GAP = b'{"connector":"a","topic":"t","topic_id":"i","partition":0,"from":1,"to":9,"records":8,"noticed_at":5}'

TARGETS = (
    Target(
        "frames",
        decode_frame,
        lambda: [
            encode_avro(make_frame()),
            encode_avro(make_frame(), registry_id=4),
            encode_json(make_frame()),
            _NEWER_HEADER + write_frame_body(make_frame()) + b"\x00",
            b"\x00\x00\x00\x00\x05" + write_frame_body(make_frame()) + b"\x02\x02\x02a\x02b\x00",
            b'{"timestamp": 5, "keypoints": {"pose": null, "left_hand": [{"x": 1, "y": 2, "z": 3}]}}',
        ],
    ),
    Target(
        "writers-schemas",
        decode_by_schema,
        lambda: [
            orjson.dumps(_NEWER) + b"\n\n" + write_frame_body(make_frame()) + b"\x00",
            orjson.dumps({**FRAME_SCHEMA, "doc": "d"}) + b"\n\n" + write_frame_body(make_frame()),
        ],
    ),
    Target(
        "schema-topic",
        remember_schema,
        lambda: [FRAME_FINGERPRINT + orjson.dumps(FRAME_SCHEMA), fingerprint_schema(_NEWER) + orjson.dumps(_NEWER)],
    ),
    Target(
        "registry",
        read_answer,
        lambda: [b'{"id": 4}', orjson.dumps({"schema": orjson.dumps(FRAME_SCHEMA).decode()}), b"[]"],
        (orjson.JSONDecodeError,),
    ),
    Target(
        "dead-letters",
        read_letter,
        lambda: [
            b"value\n"
            + b"\n".join(
                f"{name}:{said}".encode()
                for name, said in {
                    f"{PREFIX}topic": "t", f"{PREFIX}partition": "3", f"{PREFIX}offset": "17",
                    f"{PREFIX}exception.class.name": "a.B", ORIGIN_HEADER: "t/3/17", "holistic-attempt": "2",
                    "holistic-dead-letter-omitted-bytes": "7", CONTENT_TYPE_HEADER: "avro/binary",
                }.items()
            )
        ],
    ),
    Target("images", read_image_record, lambda: [b"ada\n1790000000000000\nfalse\n\xff\xd8\xff", b"ada\n\n\nx"]),
    Target(
        "control-topics",
        read_control,
        lambda: [
            b'connector-a\n{"properties": {"a": "b"}, "deployed": {}}',
            b'target-state-a\n{"state": "PAUSED"}',
            b'restart-connector-a\n{"include-tasks": true, "only-failed": false, "task": 0}',
            b'logger-cluster-a\n{"level": "DEBUG"}',
            b"status-worker-a\n" + _REPORT,
            b"a/t/0/1\n" + _GAP,
            b'00ff/ab\n{"until": null, "asked_at": 5, "receipts": ["a"]}',
        ],
    ),
    Target("roles", lambda data, _: read_role(data, "ada"), lambda: [_ROLE, b"{}"]),
    Target("events", lambda data, _: read_event(Consumed(data, timestamp=2**62)), lambda: [_EVENT]),
)  # fmt: skip
