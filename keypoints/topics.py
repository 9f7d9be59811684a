"""Topics, keys, headers and the identity of a record: what every producer and consumer must agree on."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from keypoints.errors import Terminal

TRACKING_TOPIC: Final = "holistic-tracking-stream"
GESTURE_TOPIC: Final = "holistic-gesture-events"
SCHEMAS_TOPIC: Final = "holistic-schemas"
IMAGES_TOPIC: Final = "holistic-images"
CONNECT_CONFIGS_TOPIC: Final = "holistic-connect-configs"
CONNECT_STATUS_TOPIC: Final = "holistic-connect-status"
GAPS_TOPIC: Final = "holistic-connect-gaps"
"""What connectors could not read because it was gone."""
FORGOTTEN_TOPIC: Final = "holistic-forgotten"
"""Streams whose records, up to a moment, are to be nowhere."""
AVATAR_ROLES_TOPIC: Final = "holistic-avatar-roles"
"""Who plays which avatar, where it is shown, and how their face looks at rest."""

CONTENT_TYPE_HEADER: Final = "content-type"
SCHEMA_VERSION_HEADER: Final = "schema-version"
TRACEPARENT_HEADER: Final = "traceparent"
ORIGIN_HEADER: Final = "holistic-origin"
ATTEMPT_HEADER: Final = "holistic-attempt"
"""How often the record was published again; absent: never."""
_ORIGIN: Final = re.compile(rb"([a-zA-Z0-9._-]{1,249})/([0-9]{1,10})/([0-9]{1,19})")

AVRO_CONTENT_TYPE: Final = "avro/binary"
JSON_CONTENT_TYPE: Final = "application/json"
FRAME_SCHEMA_VERSION: Final = "1"

STREAM_ID_MAX_CHARACTERS: Final = 512

DEAD_LETTER_ROOM_BYTES: Final = 64 * 1024
"""What a dead letter may be larger than its record."""

_DAY_MS: Final = 24 * 60 * 60 * 1000
_MINUTE_MS: Final = 60 * 1000
_IMAGE_BYTES: Final = 8 * 1024 * 1024 + 64 * 1024
_DEAD_LETTER_BYTES: Final = 1024 * 1024 * 1024
_LONGEST_MS: Final = 2**63 - 1

Headers = tuple[tuple[str, bytes | None], ...]


@dataclass(frozen=True, slots=True)
class TopicSpec:
    """A topic as it is to be created: its name, partitions and topic-level configs (Kafka's own names)."""

    name: str
    partitions: int
    configs: Mapping[str, str] = field(default_factory=dict)


# A heartbeat every few seconds is dead a few seconds later: rolled and compacted often, the topic is read in no time.
_SHORT_LOG: Final = {
    "cleanup.policy": "compact",
    "segment.ms": str(10 * _MINUTE_MS),
    "min.cleanable.dirty.ratio": "0.1",
    "delete.retention.ms": str(10 * _MINUTE_MS),
}
CONTROL_TOPICS: Final[tuple[TopicSpec, ...]] = (
    TopicSpec(CONNECT_CONFIGS_TOPIC, 1, {"cleanup.policy": "compact"}),
    TopicSpec(CONNECT_STATUS_TOPIC, 1, _SHORT_LOG),
)
GAPS_SPEC: Final = TopicSpec(GAPS_TOPIC, 1, {"cleanup.policy": "compact"})
FORGOTTEN_SPEC: Final = TopicSpec(FORGOTTEN_TOPIC, 1, {"cleanup.policy": "compact"})
# A face at rest is a person's own: what was taken away is soon gone from the log too.
AVATAR_ROLES_SPEC: Final = TopicSpec(AVATAR_ROLES_TOPIC, 1, _SHORT_LOG)

SUITE_TOPICS: Final[tuple[TopicSpec, ...]] = (
    TopicSpec(TRACKING_TOPIC, 6, {"retention.ms": str(7 * _DAY_MS), "cleanup.policy": "delete"}),
    TopicSpec(GESTURE_TOPIC, 6, {"retention.ms": str(7 * _DAY_MS), "cleanup.policy": "delete"}),
    TopicSpec(SCHEMAS_TOPIC, 1, {"cleanup.policy": "compact"}),
    TopicSpec(IMAGES_TOPIC, 6, {"retention.ms": str(_DAY_MS), "max.message.bytes": str(_IMAGE_BYTES)}),
    *CONTROL_TOPICS,
    GAPS_SPEC,
    FORGOTTEN_SPEC,
    AVATAR_ROLES_SPEC,
)


def dead_letter_topic(connector: str) -> str:
    """Where a connector's unusable records go, unless its settings name another topic."""
    return f"holistic-dlq-{connector}"


def retry_topic(connector: str) -> str:
    """Where dead letters are published again for this connector, which alone reads it."""
    return f"{connector}-retry"


def dead_letter_spec(name: str, largest_bytes: int) -> TopicSpec:
    """A topic of dead letters for records of up to `largest_bytes`.

    Bounded by size and not by age: the records keep the timestamps they had, however long ago that was.
    """
    return TopicSpec(name, 1, {**_kept_timestamps(largest_bytes), "retention.bytes": str(_DEAD_LETTER_BYTES)})


def retry_spec(name: str, largest_bytes: int) -> TopicSpec:
    """A retry topic; nothing in it is ever removed, for it also remembers what was published again."""
    return TopicSpec(name, 1, {**_kept_timestamps(largest_bytes), "retention.bytes": "-1"})


RESTORED_SUFFIX: Final = "-restored"
"""What a topic that records are restored to is called after the one they came from, unless it is named."""


def restored_spec(name: str, partitions: int, largest_bytes: int) -> TopicSpec:
    """A topic records are published to again out of the archive, however old; it is kept until it is deleted."""
    return TopicSpec(name, partitions, {**_kept_timestamps(largest_bytes), "retention.bytes": "-1"})


def _kept_timestamps(largest_bytes: int) -> dict[str, str]:
    return {
        "cleanup.policy": "delete",
        "retention.ms": "-1",
        "message.timestamp.type": "CreateTime",
        "message.timestamp.after.max.ms": str(_LONGEST_MS),
        "message.timestamp.before.max.ms": str(_LONGEST_MS),
        "max.message.bytes": str(largest_bytes + DEAD_LETTER_ROOM_BYTES),
    }


class InvalidStreamId(Terminal):
    """A stream name that cannot be stored or keyed. Fields: stream_id."""


def check_stream_id(stream_id: str) -> str:
    """Return the name when it can be used as a stream's, else raise InvalidStreamId.

    Any text of 1 to 512 characters is a name, but for U+0000, which Postgres cannot hold, and lone surrogates, which
    UTF-8 cannot.
    """
    if not stream_id or len(stream_id) > STREAM_ID_MAX_CHARACTERS:
        raise InvalidStreamId(
            f"a stream name has 1 to {STREAM_ID_MAX_CHARACTERS} characters, this one has {len(stream_id)}",
            stream_id=stream_id[:STREAM_ID_MAX_CHARACTERS],
        )
    if "\x00" in stream_id:
        raise InvalidStreamId("a stream name cannot hold the character U+0000", stream_id=stream_id)
    try:
        stream_id.encode()
    except UnicodeEncodeError as error:
        raise InvalidStreamId("a stream name must be text that UTF-8 can hold", stream_id=repr(stream_id)) from error
    return stream_id


def record_key(stream_id: str) -> bytes:
    """The Kafka key of a stream's records, so that Kafka's default partitioner keeps a performer in order."""
    return check_stream_id(stream_id).encode()


def frame_headers(content_type: str = AVRO_CONTENT_TYPE, *, traceparent: str | None = None) -> list[tuple[str, bytes]]:
    """Headers of a tracking record."""
    headers = [
        (CONTENT_TYPE_HEADER, content_type.encode()),
        (SCHEMA_VERSION_HEADER, FRAME_SCHEMA_VERSION.encode()),
    ]
    if traceparent is not None:
        headers.append((TRACEPARENT_HEADER, traceparent.encode()))
    return headers


def format_origin(topic: str, partition: int, offset: int) -> bytes:
    """Value of the origin header: who a record was before it was published again."""
    return f"{topic}/{partition}/{offset}".encode()


def parse_origin(headers: Iterable[tuple[str, bytes | None]]) -> tuple[str, int, int] | None:
    """The (topic, partition, offset) an origin header names, or None where there is none that can be read."""
    for name, value in headers:
        if name == ORIGIN_HEADER and value is not None:
            found = _ORIGIN.fullmatch(value)
            if found and (partition := int(found[2])) < 2**31 and (offset := int(found[3])) < 2**63:
                return found[1].decode(), partition, offset
    return None
