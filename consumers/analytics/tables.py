"""The tables analytics keeps in Postgres; the migrations make them, this says what is in them."""

from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    DateTime,
    Double,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    Uuid,
)
from sqlalchemy.dialects.postgresql import JSONB

from connect_runtime.sink import TopicPartition

SCHEMA: Final = "analytics"
METADATA: Final = MetaData(schema=SCHEMA)

sources: Final = Table(
    "sources",
    METADATA,
    Column("topic", Text, primary_key=True),
    Column("partition", Integer, primary_key=True),
    Column("topic_id", Text, nullable=False),
    Column("next_offset", BigInteger, nullable=False),
    Column("state_offset", BigInteger),
    Column("quiet_until", BigInteger),
    Column("clock_us", BigInteger, nullable=False),
    Column("save_id", Uuid, nullable=False),
)


def _session_columns() -> list[Column[Any]]:
    """A session: from a stream's first record in an epoch until it fell silent."""
    return [
        Column("stream_id", Text, primary_key=True),
        Column("epoch", BigInteger, primary_key=True),
        Column("first_offset", BigInteger, primary_key=True),
        Column("frames", BigInteger, nullable=False),
        Column("body_observed", BigInteger, nullable=False),
        Column("face_observed", BigInteger, nullable=False),
        Column("left_observed", BigInteger, nullable=False),
        Column("right_observed", BigInteger, nullable=False),
        Column("late_frames", BigInteger, nullable=False),
        Column("seen_at", DateTime(timezone=True), nullable=False),
        # JSON in zstd; null for a session that has ended.
        Column("state", LargeBinary),
    ]


streams: Final = Table(
    "streams",
    METADATA,
    Column("topic", Text, primary_key=True),
    Column("partition", Integer, primary_key=True),
    *_session_columns(),
)

snapshots: Final = Table(
    "snapshots",
    METADATA,
    Column("topic", Text, primary_key=True),
    Column("partition", Integer, primary_key=True),
    Column("next_offset", BigInteger, primary_key=True),
    Column("topic_id", Text, nullable=False),
    Column("number", BigInteger, nullable=False),
    Column("clock_us", BigInteger, nullable=False),
)

snapshot_streams: Final = Table(
    "snapshot_streams",
    METADATA,
    Column("topic", Text, primary_key=True),
    Column("partition", Integer, primary_key=True),
    Column("next_offset", BigInteger, primary_key=True),
    *_session_columns(),
)

results: Final = Table(
    "results",
    METADATA,
    Column("result_id", Uuid, primary_key=True),
    Column("stream_id", Text, nullable=False),
    Column("epoch", BigInteger, nullable=False),
    Column("category", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("started_at", DateTime(timezone=True), nullable=False),
    Column("ended_at", DateTime(timezone=True)),
    Column("confidence", Double, nullable=False),
    Column("observed", Double, nullable=False),
    Column("severity", Text),
    Column("evidence", JSONB, nullable=False),
    Column("rules_version", Text, nullable=False),
    Column("source_topic", Text, nullable=False),
    Column("source_partition", Integer, nullable=False),
    Column("first_offset", BigInteger, nullable=False),
    Column("last_offset", BigInteger, nullable=False),
)

outbox: Final = Table(
    "outbox",
    METADATA,
    Column("id", BigInteger, primary_key=True),
    Column("topic", Text, nullable=False),
    Column("partition", Integer, nullable=False),
    Column("stream_id", Text, nullable=False),
    Column("event_id", Uuid, nullable=False),
    Column("event", LargeBinary, nullable=False),
)

windows: Final = Table(
    "windows",
    METADATA,
    Column("topic", Text, primary_key=True),
    Column("partition", Integer, primary_key=True),
    Column("stream_id", Text, primary_key=True),
    Column("epoch", BigInteger, primary_key=True),
    Column("session_offset", BigInteger, primary_key=True),
    Column("stretch", Integer, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("length_s", Double, primary_key=True),
    Column("started_at", DateTime(timezone=True), primary_key=True),
    Column("provisional", Boolean, nullable=False),
    Column("frames", BigInteger, nullable=False),
    Column("late_frames", BigInteger, nullable=False),
    Column("too_late_frames", BigInteger, nullable=False),
    Column("body_share", Double),
    Column("face_share", Double),
    Column("left_hand_share", Double),
    Column("right_hand_share", Double),
    Column("seconds_covered", Double, nullable=False),
    Column("frames_per_s", Double),
    Column("activity_mean", Double),
    Column("activity_peak", Double),
    Column("seconds_still", Double),
    Column("seconds_moving", Double),
    Column("left_wrist_travel", Double),
    Column("right_wrist_travel", Double),
    Column("ranges_deg", JSONB, nullable=False),
    Column("findings", JSONB, nullable=False),
)


def of_partition(table: Table, partition: TopicPartition) -> ColumnElement[bool]:
    """The rows of a table that are a partition's."""
    return (table.c.topic == partition.topic) & (table.c.partition == partition.partition)
