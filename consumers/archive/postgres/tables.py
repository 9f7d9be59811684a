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
    Column(
        "first_seen",
        DateTime(timezone=True),
        nullable=False,
        server_default=text("now()"),
        comment="When the archive first saw the topic",
    ),
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
        Column("topic_ref", Integer, nullable=False, comment="The record's topic"),
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


def _index_of_streams(table: str) -> Index:
    # A stream's frames lie scattered among those of the others: what is asked most is answered from the index alone.
    columns = ("stream_id", "captured_at")
    return Index(f"{table}_stream_id_captured_at_idx", *columns, postgresql_include=INDEXED_BESIDE)


INDEXED_BESIDE: Final = ("topic_ref", "partition", "offset", "epoch", "sequence", "width", "height", "pose")
KEY_COLUMNS: Final = ("topic_ref", "partition", "offset", "captured_at")

FRAMES_BY_DAY: Final = Table(
    "frames_by_day",
    METADATA,
    *_frame_columns(),
    PrimaryKeyConstraint(*KEY_COLUMNS, name="frames_by_day_pkey"),
    _index_of_streams("frames_by_day"),
    comment="Frames by day of capture (UTC); read the view `frames`",
    postgresql_partition_by="RANGE (captured_at)",
)

FRAMES_OUT_OF_RANGE: Final = Table(
    "frames_out_of_range",
    METADATA,
    *_frame_columns(),
    Column("captured_at_us", BigInteger, nullable=False, comment="Capture time as sent, microseconds since 1970"),
    PrimaryKeyConstraint(*KEY_COLUMNS, name="frames_out_of_range_pkey"),
    _index_of_streams("frames_out_of_range"),
    comment="Frames captured before or after the days that are kept; read the view `frames`",
)

RETIRED_OFFSETS: Final = Table(
    "retired_offsets",
    METADATA,
    Column("topic_ref", Integer, nullable=False, comment="The records' topic"),
    Column("partition", Integer, nullable=False, comment="The records' partition"),
    Column("first_offset", BigInteger, nullable=False, comment="First offset of the run"),
    Column("last_offset", BigInteger, nullable=False, comment="Last offset of the run"),
    Column(
        "retired_at",
        DateTime(timezone=True),
        nullable=False,
        server_default=text("now()"),
        comment="When their frames were removed",
    ),
    PrimaryKeyConstraint("topic_ref", "partition", "first_offset", "last_offset", name="retired_offsets_pkey"),
    comment="Runs of offsets whose frames retention removed: an audit does not miss them",
)

FRAME_COLUMNS: Final = tuple(column.name for column in FRAMES_BY_DAY.columns)
"""Order in which rows are written."""

PART_COLUMNS: Final = tuple(part.value for part in PART_SHAPES)
