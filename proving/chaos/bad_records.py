"""Records thrown into the topic that nobody can read, or that are newer than whoever reads them; and old ones taken."""

import signal
import time
from collections import Counter
from collections.abc import Sequence
from typing import Final

import numpy as np
from fastavro.schema import parse_schema
from kafka import TopicPartition

from connect_runtime.dead_letters import DeadLetter
from connect_runtime.gap_topic import read_gaps
from connect_runtime.redrive import read_dead_letters
from consumers.archive.settings import PARQUET_CONNECTOR, POSTGRES_CONNECTOR
from consumers.archive.sql import ask_postgres
from kafka_io.admin import group_offsets, open_admin, topic_end_offsets
from kafka_io.publisher import BoundedPublisher, Delivery
from kafka_io.schema_topic import announce_schema
from keypoints.avro import SINGLE_OBJECT_MARKER, write_frame_body
from keypoints.codec import encode_avro
from keypoints.frame import HolisticFrame
from keypoints.schemas import FRAME_SCHEMA, fingerprint_schema
from keypoints.topics import dead_letter_topic, frame_headers, record_key
from proving.chaos.arena import Arena, now_us
from proving.chaos.effect_log import CONNECTORS
from proving.chaos.fault import Fault

Place = tuple[int, int]
"""Partition and offset."""

_SPACING_S: Final = 0.05
_HUGE_BYTES: Final = 1_000_000
"""A little below the largest record that the topic takes."""
_HEADERS: Final = ("topic", "partition", "offset", "connector.name", "task.id", "stage", "exception.class.name")
_DRAIN_S: Final = 40.0
_READ_S: Final = 15.0
"""Nobody is behind then, but files wait for some seconds by design."""
_NEWER_SQL: Final = (
    'SELECT "partition", "offset" FROM frames '
    "WHERE stream_id = 'chaos-newer' AND captured_at >= to_timestamp({from_s})"
)


class Garbage(Fault):
    """Truncated, random and huge records among the good ones."""

    name = "garbage"
    must = "each a dead letter with headers, the partition moves on"
    each: Final = 10

    def __init__(self) -> None:
        self._thrown: list[Place] = []

    def begin(self, arena: Arena) -> None:
        """Throw them in, one by one."""
        whole = encode_avro(make_frame("chaos-garbage", 0, now_us()))
        values = [whole[: arena.rng.randrange(20, len(whole) - 1)] for _ in range(self.each)]
        values += [arena.rng.randbytes(arena.rng.randrange(1, 5_000)) for _ in range(self.each)]
        values += [arena.rng.randbytes(_HUGE_BYTES) for _ in range(self.each // 3)]
        arena.rng.shuffle(values)
        keys = [f"chaos-garbage-{number}" for number in range(len(values))]
        self._thrown = throw(arena, list(zip(keys, values, strict=True)))
        self.note = f"{len(self._thrown)} records"

    def check(self, arena: Arena) -> list[str]:
        """Each group has one dead letter of each."""
        return check_letters(arena, self._thrown)


class NewerSchema(Fault):
    """Frames of a writer that knows one field more, its schema announced as every producer's is."""

    name = "newer-schema"
    must = "passes"
    frames: Final = 20

    def __init__(self) -> None:
        self._thrown: list[Place] = []
        self._began_us = 0

    def begin(self, arena: Arena) -> None:
        """Announce it, and publish."""
        self._began_us = now_us()
        extra = {"name": "mood", "type": ["null", "string"], "default": None}
        schema = {**FRAME_SCHEMA, "fields": [*FRAME_SCHEMA["fields"], extra]}
        fingerprint = fingerprint_schema(schema)
        announce_schema(arena.suite.kafka, schema, fingerprint)
        header = SINGLE_OBJECT_MARKER + fingerprint
        # The second branch of the union, and a string of four bytes.
        values = [
            write_frame_body(make_frame("chaos-newer", number, now_us(), epoch=self._began_us), header)
            + b"\x02\x08calm"
            for number in range(self.frames)
        ]
        self._thrown = throw(arena, [("chaos-newer", value) for value in values])
        self.note = f"{self.frames} frames with a field more"

    def check(self, arena: Arena) -> list[str]:
        """They are rows like all others."""
        statement = _NEWER_SQL.format(from_s=self._began_us / 1e6)
        with ask_postgres(arena.suite.endpoints.database_url, statement) as answer:
            rows = sorted((int(row[0]), int(row[1])) for row in answer.rows)
        return [] if rows == sorted(self._thrown) else [f"{len(rows)} rows of {len(self._thrown)} frames"]


class UnknownSchema(Fault):
    """Frames whose schema nobody announced, and records of something else altogether.

    It lasts as long as a schema is waited for, for it might still be announced: errors.schema.retry.timeout.ms.
    """

    name = "unknown-schema"
    must = "waited for, then a dead letter"
    hold_s = 10.0
    each: Final = 5

    def __init__(self) -> None:
        self._thrown: list[Place] = []

    def begin(self, arena: Arena) -> None:
        """Announce only the second, and publish both."""
        other = {"type": "record", "name": "Temperature", "fields": [{"name": "celsius", "type": "double"}]}
        parse_schema(other)
        announce_schema(arena.suite.kafka, other, fingerprint_schema(other))
        unknown = SINGLE_OBJECT_MARKER + arena.rng.randbytes(8)
        values = [write_frame_body(make_frame("chaos-unknown", n, now_us()), unknown) for n in range(self.each)]
        values += [SINGLE_OBJECT_MARKER + fingerprint_schema(other) + arena.rng.randbytes(8) for _ in range(self.each)]
        self._thrown = throw(arena, [("chaos-unknown", value) for value in values])
        self.note = f"{len(self._thrown)} records"

    def check(self, arena: Arena) -> list[str]:
        """Each group has one dead letter of each."""
        return check_letters(arena, self._thrown)


class RetentionPassed(Fault):
    """The archive is stopped, and what it would have read next is taken off the topic."""

    name = "retention-passed"
    must = "alarm and recorded gap"
    hold_s = 4.0
    last = True

    def __init__(self) -> None:
        self._first: dict[str, int] = {}
        self._partition = self._next_offset = 0

    def begin(self, arena: Arena) -> None:
        """Stop the archive in order."""
        arena.services.signal("archive", signal.SIGTERM)
        arena.services.wait_ended("archive", _DRAIN_S)

    def end(self, arena: Arena) -> None:
        """Delete half of what it has not read of one partition, and start it again."""
        kafka, topic = arena.suite.kafka, arena.suite.topic
        at = {name: group_offsets(kafka, name, topic) for name in (POSTGRES_CONNECTOR, PARQUET_CONNECTOR)}
        ends = topic_end_offsets(kafka, topic)
        most = {part: max(offsets.get(part, 0) for offsets in at.values()) for part in ends}
        self._partition = max(ends, key=lambda part: ends[part] - most[part])
        self._first = {name: offsets[self._partition] for name, offsets in at.items()}
        self._next_offset = (most[self._partition] + ends[self._partition]) // 2
        with open_admin(kafka, "deleting records") as admin:
            admin.delete_records({TopicPartition(topic, self._partition): self._next_offset})
        arena.start_again("archive")

    def check(self, arena: Arena) -> list[str]:
        """Both connectors have put the gap on record, and said so."""
        gaps = {
            gap.connector: (gap.first, gap.next_offset)
            for gap in read_gaps(arena.suite.kafka, arena.suite.topic)
            if gap.partition.partition == self._partition
        }
        expected = {name: (first, self._next_offset) for name, first in self._first.items()}
        self.note = f"{sum(end - first for first, end in expected.values())} records gone, on record"
        said = (
            (arena.suite.logs_dir / "archive.log").read_text(errors="replace").count("were gone before they were read")
        )
        problems = [] if gaps == expected else [f"gaps on record {gaps}, and not {expected}"]
        return problems if said >= len(expected) else [*problems, f"said {said} times"]


def throw(arena: Arena, records: Sequence[tuple[str, bytes]]) -> list[Place]:
    """Publish (key, value) one by one, now; where they are. Raises KafkaUnavailable or KafkaRefused."""
    places: list[Place] = []
    errors = []

    def note(delivery: Delivery) -> None:
        if delivery.partition is None or delivery.offset is None:
            errors.append(delivery.error)
        else:
            places.append((delivery.partition, delivery.offset))

    with BoundedPublisher(arena.suite.kafka, on_delivery=note) as publisher:
        for key, value in records:
            publisher.publish(arena.suite.topic, record_key(key), value, frame_headers(), now_us() // 1000)
            time.sleep(_SPACING_S)
    for error in errors:
        if error is not None:
            raise error
    return places


def check_letters(arena: Arena, places: Sequence[Place]) -> list[str]:
    """What is not right about the dead letters of these records, once every group has had time to read them."""
    deadline_s = time.monotonic() + _READ_S
    while True:
        problems = []
        for connector in CONNECTORS:
            letters = read_dead_letters(arena.suite.kafka, dead_letter_topic(connector))
            problems += find_letter_problems(connector, letters, arena.suite.topic, places)
        if not problems or time.monotonic() > deadline_s:
            return problems
        time.sleep(0.5)


def find_letter_problems(
    connector: str, letters: Sequence[DeadLetter], topic: str, places: Sequence[Place]
) -> list[str]:
    """Each record must have one letter, that says where it failed and why."""
    wanted = set(places)
    found = [one for one in letters if one.source[0] == topic and one.source[1:] in wanted]
    counts = Counter(one.source[1:] for one in found)
    bare = [one for one in found if not all(one.errors.get(name) for name in _HEADERS)]
    problems = []
    if missing := wanted - counts.keys():
        problems.append(f"{connector}: {len(missing)} of {len(wanted)} are no dead letters, as {min(missing)}")
    if doubled := [place for place, count in counts.items() if count > 1]:
        problems.append(f"{connector}: {len(doubled)} have two dead letters")
    if bare:
        problems.append(f"{connector}: {len(bare)} dead letters say too little: {bare[0].errors}")
    return problems


def make_frame(stream: str, sequence: int, at_us: int, epoch: int = 1) -> HolisticFrame:
    """Somebody whose body is a few points in a row."""
    pose = np.linspace(0.1, 0.9, 33 * 4, dtype=np.float32).reshape(33, 4)
    return HolisticFrame(
        stream_id=stream,
        sequence=sequence,
        epoch=epoch,
        captured_at_us=at_us,
        processed_at_us=at_us,
        width=640,
        height=480,
        pose=pose,
        pose_world=pose,
        left_hand=np.full((21, 3), 0.5, dtype=np.float32),
    )
