"""Offsets as Kafka Connect writes them in JSON, and as people write them on a command line."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

import orjson

from connect_runtime.sink import TopicPartition
from keypoints.errors import Terminal

Offsets = dict[TopicPartition, int | None]
"""Next offset by partition; None: forget it."""

_TOPIC: Final = "kafka_topic"
_PARTITION: Final = "kafka_partition"
_OFFSET: Final = "kafka_offset"
_INT64_MAX: Final = 2**63 - 1
_INT32_MAX: Final = 2**31 - 1
_UNITS_MS: Final = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}
_DURATION_PART: Final = re.compile(r"(\d{1,15}(?:\.\d{1,15})?)(ms|[smhdw])")


class UnreadableOffsets(Terminal):
    """What was given as offsets cannot be understood. Fields: given."""


class Edge(StrEnum):
    """The two ends of what a topic holds."""

    EARLIEST = "earliest"
    LATEST = "latest"


@dataclass(frozen=True, slots=True)
class Moment:
    """A time, milliseconds since 1970: the first record at or after it is meant."""

    timestamp_ms: int


@dataclass(frozen=True, slots=True)
class Shift:
    """So many records further on (or back) from where the group is."""

    by: int


@dataclass(frozen=True, slots=True)
class OffsetMap:
    """Offsets given one by one. Partitions that are not named are not meant."""

    offsets: Mapping[TopicPartition, int]


Place = Edge | Moment | Shift | OffsetMap
"""A place in each partition of a connector's topics, before Kafka was asked where that is."""


def write_offsets(offsets: Mapping[TopicPartition, int]) -> dict[str, Any]:
    """`{"offsets": [{"partition": {…}, "offset": {…}}]}`, sorted by partition."""
    return {
        "offsets": [
            {"partition": {_PARTITION: at.partition, _TOPIC: at.topic}, "offset": {_OFFSET: offset}}
            for at, offset in sorted(offsets.items())
        ]
    }


def read_offsets(body: object) -> Offsets:
    """Read what `write_offsets` writes; numbers may be text, an offset of null forgets the partition's.

    A partition given twice counts as given last. Raises UnreadableOffsets.
    """
    given = body.get("offsets") if isinstance(body, dict) else None
    if not isinstance(given, list) or not given:
        raise UnreadableOffsets("no offsets are given to be altered", given=body)
    found: Offsets = {}
    for entry in given:
        if not isinstance(entry, dict):
            raise UnreadableOffsets(f"an offset must be an object with partition and offset, not {entry!r}", given=body)
        found[_read_partition(entry.get("partition"))] = _read_offset(entry.get("offset"))
    return found


def _read_partition(given: object) -> TopicPartition:
    if not isinstance(given, dict) or set(given) != {_TOPIC, _PARTITION}:
        raise UnreadableOffsets(
            f"a sink's partition is named by the keys '{_TOPIC}' and '{_PARTITION}', and no others", given=given
        )
    topic, number = given[_TOPIC], given[_PARTITION]
    if not isinstance(topic, str) or not topic:
        raise UnreadableOffsets(f"'{_TOPIC}' must be the name of a topic, not {topic!r}", given=given)
    return TopicPartition(topic, _read_number(number, "partition", _INT32_MAX))


def _read_offset(given: object) -> int | None:
    if given is None:
        return None
    if not isinstance(given, dict) or set(given) != {_OFFSET}:
        raise UnreadableOffsets(f"a sink's offset is named by the key '{_OFFSET}', and no other", given=given)
    return _read_number(given[_OFFSET], "offset", _INT64_MAX)


def _read_number(given: object, what: str, most: int) -> int:
    try:
        if isinstance(given, bool) or not isinstance(given, int | str):
            raise ValueError
        number = int(given)
    except ValueError:
        raise UnreadableOffsets(f"{given!r} is no {what}: it must be a whole number", given=given) from None
    if not 0 <= number <= most:
        raise UnreadableOffsets(f"{number} is no {what}: it must be from 0 to {most}", given=given)
    return number


def read_place(text: str, now_ms: int, topics: tuple[str, ...]) -> Place:
    """`earliest`, `latest`, a duration ago (`2h`, `1h30m`), a time in ISO 8601, or a map of offsets in JSON.

    A time without an offset is local time. A map is `{"0": 1200}` where there is one topic, `{"topic": {"0": 1200}}`,
    or what Kafka Connect writes. Raises UnreadableOffsets.
    """
    text = text.strip()
    if text in set(Edge):
        return Edge(text)
    if text.startswith("{"):
        return _read_map(text, topics)
    if (ago_ms := read_duration_ms(text)) is not None:
        return Moment(now_ms - ago_ms)
    try:
        at_s = datetime.fromisoformat(text).timestamp()
    # Local time near the calendar's ends may lie beyond them.
    except (ValueError, OverflowError):
        raise UnreadableOffsets(
            f"{text!r} says no place in a topic",
            hint="earliest, latest, a duration ago (2h, 90s, 1h30m), a time (2026-03-01T12:00:00+01:00), or offsets "
            'in JSON ({"0": 1200, "1": 900}) or in a file of it',
            given=text,
        ) from None
    return Moment(round(at_s * 1000))


def read_wish(body: object, now_ms: int, topics: tuple[str, ...]) -> Place | None:
    """What our own addition to Kafka Connect's PATCH asks for; None when it is Connect's own form.

    `{"timestamp_ms": 1790000000000}`, `{"to": "earliest"}` (latest, a duration ago, a time), `{"shift_by": -100}`.
    Raises UnreadableOffsets.
    """
    if not isinstance(body, dict) or not set(body) & {"timestamp_ms", "to", "shift_by"}:
        return None
    if len(body) != 1:
        raise UnreadableOffsets("only one of offsets, timestamp_ms, to and shift_by can be given", given=body)
    [(name, value)] = body.items()
    if name == "to":
        if not isinstance(value, str):
            raise UnreadableOffsets(f"'to' must be text, not {value!r}", given=body)
        return read_place(value, now_ms, topics)
    if name == "timestamp_ms":
        return Moment(_read_number(value, "time", _INT64_MAX))
    if isinstance(value, bool) or not isinstance(value, int):
        raise UnreadableOffsets(f"'shift_by' must be a whole number, not {value!r}", given=body)
    return Shift(value)


def read_duration_ms(text: str) -> int | None:
    """Milliseconds of `90s`, `2h`, `1h30m`, `500ms`, `3d`; None for what is no duration."""
    parts = _DURATION_PART.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        return None
    return round(sum(float(number) * _UNITS_MS[unit] for number, unit in parts))


def _read_map(text: str, topics: tuple[str, ...]) -> OffsetMap:
    try:
        given = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise UnreadableOffsets(f"the offsets are no JSON: {error}", given=text) from error
    if "offsets" in given and isinstance(given["offsets"], list):
        read = read_offsets(given)
        return OffsetMap({at: offset for at, offset in read.items() if offset is not None})
    if all(isinstance(offsets, dict) for offsets in given.values()):
        by_topic = given
    elif len(topics) == 1:
        by_topic = {topics[0]: given}
    else:
        raise UnreadableOffsets(
            f"offsets by partition alone are not enough: the connector reads {', '.join(topics)}",
            hint='name the topics: {"topic": {"0": 1200}}',
            given=text,
        )
    return OffsetMap(
        {
            TopicPartition(topic, _read_number(number, "partition", _INT32_MAX)): _read_number(
                offset, "offset", _INT64_MAX
            )
            for topic, offsets in by_topic.items()
            for number, offset in offsets.items()
        }
    )
