"""The archive's tables. Migrations create them; this says what the code that writes them relies on."""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import (
    ARRAY,
    REAL,
    BigInteger,
    Boolean,
    Column,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from keypoints.landmarks import PART_SHAPES

METADATA: Final = MetaData()

TOPICS: Final = Table(
    "archived_topics",
    METADATA,
    Column("topic_ref", Integer, Identity(always=True), primary_key=True, comment="What frames refer to the topic by"),
    Column("name", Text, nullable=False, comment="The topic's name"),
    Column("kafka_id", Text, nullable=False, comment="The topic's id: one deleted and made again has another"),
    Column("first_seen", DateTime(timezone=True), nullable=False, server_default=text("now()")),
    UniqueConstraint("name", "kafka_id", name="archived_topics_name_kafka_id_key"),
    comment="Topics frames came from",
)

PART_COMMENTS: Final[dict[str, str]] = {
    "pose": "33 points of x, y, z, visibility in fractions of the image; pose_landmark(pose, 'left_wrist') reads one",
    "pose_world": "33 points of x, y, z, visibility in metres from between the hips, y down",
    "face": "478 points of x, y, z in fractions of the image (468 without irises); face_landmark(face, 'chin')",
    "left_hand": "The person's own left hand, 21 points of x, y, z; hand_landmark(left_hand, 'index_finger_tip')",
    "right_hand": "The person's own right hand, 21 points of x, y, z",
}


def _frame_columns() -> Sequence[Column[Any]]:
    # Fixed-width columns first, widest first: no padding between them.
    return (
        Column("offset", BigInteger, nullable=False, comment="Offset of the record in its partition"),
        Column("captured_at", DateTime(timezone=True), nullable=False, comment="When the image was taken"),
        Column("processed_at", DateTime(timezone=True), nullable=False, comment="When the landmarks were found"),
        Column("record_timestamp", DateTime(timezone=True), nullable=False, comment="Timestamp of the Kafka record"),
        Column("archived_at", DateTime(timezone=True), nullable=False, comment="When writing the row began"),
        Column("sequence", BigInteger, nullable=False, comment="Number of the frame in its stream and epoch"),
        Column("epoch", BigInteger, nullable=False, comment="Changes whenever tracking began anew"),
        Column("topic_ref", Integer, ForeignKey(TOPICS.c.topic_ref), nullable=False, comment="The record's topic"),
        Column("partition", Integer, nullable=False, comment="The record's partition"),
        Column("width", Integer, nullable=False, comment="Width of the image in pixels"),
        Column("height", Integer, nullable=False, comment="Height of the image in pixels"),
        Column("mirrored", Boolean, nullable=False, comment="Whether the source showed a mirror image"),
        Column("stream_id", Text, nullable=False, comment="The performer's stream"),
        Column("model", Text, nullable=False, comment="What found the landmarks"),
        Column("record_key", LargeBinary, nullable=True, comment="Key of the Kafka record"),
        Column("header_names", ARRAY(Text), nullable=False, comment="Names of the record's headers, in order"),
        Column("header_values", ARRAY(LargeBinary), nullable=False, comment="Values of the record's headers, in order"),
        *(Column(part.value, ARRAY(REAL), nullable=True, comment=PART_COMMENTS[part.value]) for part in PART_SHAPES),
    )


KEY_COLUMNS: Final = ("topic_ref", "partition", "offset", "captured_at")

FRAMES_BY_DAY: Final = Table(
    "frames_by_day",
    METADATA,
    *_frame_columns(),
    PrimaryKeyConstraint(*KEY_COLUMNS, name="frames_by_day_pkey"),
    Index("frames_by_day_stream_id_captured_at_idx", "stream_id", "captured_at"),
    comment="Frames by day of capture (UTC); read the view `frames`",
    postgresql_partition_by="RANGE (captured_at)",
)

FRAMES_OUT_OF_RANGE: Final = Table(
    "frames_out_of_range",
    METADATA,
    *_frame_columns(),
    Column("captured_at_us", BigInteger, nullable=False, comment="Capture time as sent, microseconds since 1970"),
    PrimaryKeyConstraint(*KEY_COLUMNS, name="frames_out_of_range_pkey"),
    comment="Frames captured before or after the days that are kept; read the view `frames`",
)

FRAME_COLUMNS: Final = tuple(column.name for column in FRAMES_BY_DAY.columns)
"""Order in which rows are written."""

PART_COLUMNS: Final = tuple(part.value for part in PART_SHAPES)

PARTITION_STORAGE: Final = "toast_tuple_target = 4080"
"""Only the face leaves the row for the side table; all other parts stay beside their keys."""
