"""The tables analytics keeps in Postgres; the migrations make them, this says what is in them."""

from typing import Final

from sqlalchemy import BigInteger, Column, DateTime, Double, Integer, LargeBinary, MetaData, Table, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB

SCHEMA: Final = "analytics"
METADATA: Final = MetaData(schema=SCHEMA)

sources: Final = Table(
    "sources",
    METADATA,
    Column("topic", Text, primary_key=True),
    Column("partition", Integer, primary_key=True),
    Column("topic_id", Text, nullable=False),
    Column("next_offset", BigInteger, nullable=False),
    Column("clock_us", BigInteger, nullable=False),
    Column("save_id", Uuid, nullable=False),
)

streams: Final = Table(
    "streams",
    METADATA,
    Column("topic", Text, primary_key=True),
    Column("partition", Integer, primary_key=True),
    Column("stream_id", Text, primary_key=True),
    Column("epoch", BigInteger, primary_key=True),
    Column("frames", BigInteger, nullable=False),
    Column("left_observed", BigInteger, nullable=False),
    Column("right_observed", BigInteger, nullable=False),
    Column("late_frames", BigInteger, nullable=False),
    # SQL null for a stream that has ended, not JSON's.
    Column("state", JSONB(none_as_null=True)),
)

gestures: Final = Table(
    "gestures",
    METADATA,
    Column("gesture_id", Uuid, primary_key=True),
    Column("stream_id", Text, nullable=False),
    Column("epoch", BigInteger, nullable=False),
    Column("kind", Text, nullable=False),
    Column("hand", Text, nullable=False),
    Column("started_at", DateTime(timezone=True), nullable=False),
    Column("ended_at", DateTime(timezone=True)),
    Column("confidence", Double, nullable=False),
    Column("observed", Double, nullable=False),
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
