"""Schemas of strangers that would let a small record take the reader's time, memory or stack."""

from __future__ import annotations

import copy
from typing import Any

import orjson
import pytest

from kafka_io.schema_topic import TopicSchemaLookup
from kafka_io.settings import KafkaSettings
from keypoints.avro import read_foreign_body, write_frame_body, write_long
from keypoints.codec import Undecodable
from keypoints.schema_bounds import check_bounds
from keypoints.schemas import FRAME_FINGERPRINT, FRAME_SCHEMA, Schema, SchemaRefused, fingerprint_schema
from tests.keypoints.frames import make_frame

ITSELF = {"type": "record", "name": "Itself", "fields": [{"name": "next", "type": ["null", "Itself"]}]}
NOTHING = {"type": "record", "name": "Nothing", "fields": [{"name": "none", "type": "null"}]}


def doubling(times: int) -> dict[str, Any]:
    """A record that holds the next one twice, and in the end nothing."""
    inner: Any = "null"
    for number in range(times):
        name = f"R{number}"
        fields = [{"name": "one", "type": inner}, {"name": "two", "type": f"R{number - 1}" if number else "null"}]
        inner = {"type": "record", "name": name, "fields": fields}
    return dict(inner)


def with_field(schema: object) -> Schema:
    """Ours, as a newer writer's might be, with one more field."""
    newer = copy.deepcopy(FRAME_SCHEMA)
    newer["fields"].append({"name": "more", "type": schema})
    return newer


@pytest.mark.parametrize(
    "hostile",
    [
        ITSELF,
        {"type": "array", "items": "null"},
        {"type": "array", "items": NOTHING},
        {"type": "array", "items": {"type": "fixed", "name": "F", "size": 0}},
        {"type": "array", "items": {"type": "record", "name": "Many", "fields": [
            {"name": f"n{number}", "type": "null" if number else "int"} for number in range(100)]}},
        doubling(20),
        {"type": "Undefined"},
        7,
    ],
    ids=["itself", "nulls", "empty records", "empty fixed", "a byte for many", "doubling", "undefined", "no schema"],
)  # fmt: skip
def test_a_record_of_a_hostile_schema_is_a_dead_letter_at_once(hostile: object) -> None:
    # A depth, or a count, of a million: read with such a schema it ends the process, or takes it for minutes.
    value = write_frame_body(make_frame()) + write_long(1) * 1_000_000 + b"\x00"
    with pytest.raises(SchemaRefused):
        check_bounds(with_field(hostile))
    with pytest.raises(Undecodable) as refused:
        read_foreign_body(value, 0, with_field(hostile))
    assert refused.value.fields["reason"] == "schema"


@pytest.mark.parametrize(
    "newer",
    [
        {"type": "array", "items": {"type": "record", "name": "Joint", "fields": [
            {"name": "name", "type": "string"}, {"name": "x", "type": "float"}, {"name": "seen", "type": "boolean"}]}},
        {"type": "map", "values": "null"},
        {"type": "fixed", "name": "Digest", "size": 32},
        {"type": "enum", "name": "Side", "symbols": ["LEFT", "RIGHT"]},
        [{"type": "long", "logicalType": "timestamp-micros"}, "null"],
        {"type": {"type": "array", "items": {"type": "array", "items": "float"}}},
    ],
)  # fmt: skip
def test_what_a_newer_writer_might_add_is_read(newer: object) -> None:
    check_bounds(with_field(newer))


@pytest.mark.parametrize("item", ["float", "double", "bytes", {"type": "fixed", "name": "F", "size": 8}])
@pytest.mark.parametrize("count", [2**40, -(2**62)])
def test_a_field_that_is_passed_over_ends_with_the_record(item: object, count: int) -> None:
    # fastavro's own way over it does not see where the bytes end, and would go on for years.
    newer = with_field({"type": "array", "items": item})
    with pytest.raises(Undecodable):
        read_foreign_body(write_frame_body(make_frame()) + write_long(count) + write_long(8) + b"\x00" * 16, 0, newer)
    assert read_foreign_body(write_frame_body(make_frame()) + b"\x00", 0, newer).stream_id == "ada"


def test_our_own_schema_is_within_bounds() -> None:
    check_bounds(FRAME_SCHEMA)


def lookup() -> TopicSchemaLookup:
    """One that has read the topic of schemas up to now, and asks nobody."""
    return TopicSchemaLookup(KafkaSettings(bootstrap_servers="localhost:1"))


def test_a_schema_under_a_fingerprint_that_is_not_its_own_names_none() -> None:
    # Whoever may write to the topic could else have other writers' records read wrongly, and nobody would see.
    found, newer = lookup(), with_field("int")
    found.remember(b"\x01" * 8, orjson.dumps(newer))
    found.remember(FRAME_FINGERPRINT, orjson.dumps(newer))
    found.remember(fingerprint_schema(newer), orjson.dumps(newer))
    found.remember(fingerprint_schema(with_field("long")), b'{"type": "record"}')
    assert found.by_fingerprint(fingerprint_schema(newer)) == newer
    assert found.by_fingerprint(FRAME_FINGERPRINT) == FRAME_SCHEMA
    assert set(found.known) == {FRAME_FINGERPRINT, fingerprint_schema(newer)}


def test_a_hostile_schema_is_not_even_remembered() -> None:
    found, hostile = lookup(), with_field(ITSELF)
    found.remember(fingerprint_schema(hostile), orjson.dumps(hostile))
    assert set(found.known) == {FRAME_FINGERPRINT}
