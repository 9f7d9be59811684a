"""Tables that hold frames.

Revision ID: 0001
"""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, REAL

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

PARTS = ("pose", "pose_world", "face", "left_hand", "right_hand")
PART_COMMENTS = (
    "33 points of x, y, z, visibility in fractions of the image; pose_landmark(pose, 'left_wrist') reads one",
    "33 points of x, y, z, visibility in metres from between the hips, y down",
    "478 points of x, y, z in fractions of the image (468 without irises); face_landmark(face, 'chin')",
    "The person's own left hand, 21 points of x, y, z; hand_landmark(left_hand, 'index_finger_tip')",
    "The person's own right hand, 21 points of x, y, z",
)


def _frame_columns() -> list[sa.Column[Any]]:
    time = sa.DateTime(timezone=True)
    return [
        sa.Column("offset", sa.BigInteger, nullable=False, comment="Offset of the record in its partition"),
        sa.Column("captured_at", time, nullable=False, comment="When the image was taken"),
        sa.Column("processed_at", time, nullable=False, comment="When the landmarks were found"),
        sa.Column("record_timestamp", time, nullable=False, comment="Timestamp of the Kafka record"),
        sa.Column("archived_at", time, nullable=False, comment="When writing the row began"),
        sa.Column("sequence", sa.BigInteger, nullable=False, comment="Number of the frame in its stream and epoch"),
        sa.Column("epoch", sa.BigInteger, nullable=False, comment="Changes whenever tracking began anew"),
        sa.Column(
            "topic_ref",
            sa.Integer,
            sa.ForeignKey("archived_topics.topic_ref"),
            nullable=False,
            comment="The record's topic",
        ),
        sa.Column("partition", sa.Integer, nullable=False, comment="The record's partition"),
        sa.Column("width", sa.Integer, nullable=False, comment="Width of the image in pixels"),
        sa.Column("height", sa.Integer, nullable=False, comment="Height of the image in pixels"),
        sa.Column("mirrored", sa.Boolean, nullable=False, comment="Whether the source showed a mirror image"),
        sa.Column("stream_id", sa.Text, nullable=False, comment="The performer's stream"),
        sa.Column("model", sa.Text, nullable=False, comment="What found the landmarks"),
        sa.Column("record_key", sa.LargeBinary, nullable=True, comment="Key of the Kafka record"),
        sa.Column("header_names", ARRAY(sa.Text), nullable=False, comment="Names of the record's headers, in order"),
        sa.Column(
            "header_values", ARRAY(sa.LargeBinary), nullable=False, comment="Values of the record's headers, in order"
        ),
        *(
            sa.Column(part, ARRAY(REAL), nullable=True, comment=comment)
            for part, comment in zip(PARTS, PART_COMMENTS, strict=True)
        ),
    ]


def upgrade() -> None:
    """Make them."""
    op.create_table(
        "archived_topics",
        sa.Column(
            "topic_ref",
            sa.Integer,
            sa.Identity(always=True),
            primary_key=True,
            comment="What frames refer to the topic by",
        ),
        sa.Column("name", sa.Text, nullable=False, comment="The topic's name"),
        sa.Column(
            "kafka_id", sa.Text, nullable=False, comment="The topic's id: one deleted and made again has another"
        ),
        sa.Column("first_seen", sa.DateTime(timezone=True), nullable=False, server_default=sa.text("now()")),
        sa.UniqueConstraint("name", "kafka_id", name="archived_topics_name_kafka_id_key"),
        comment="Topics frames came from",
    )
    # A unique key on a table partitioned by time must hold the time; it is a pure function of the record.
    op.create_table(
        "frames_by_day",
        *_frame_columns(),
        sa.PrimaryKeyConstraint("topic_ref", "partition", "offset", "captured_at", name="frames_by_day_pkey"),
        comment="Frames by day of capture (UTC); read the view `frames`",
        postgresql_partition_by="RANGE (captured_at)",
    )
    op.create_index("frames_by_day_stream_id_captured_at_idx", "frames_by_day", ["stream_id", "captured_at"])
    # No default partition: it would have to be scanned, and locked, for each new day.
    op.create_table(
        "frames_out_of_range",
        *_frame_columns(),
        sa.Column(
            "captured_at_us", sa.BigInteger, nullable=False, comment="Capture time as sent, microseconds since 1970"
        ),
        sa.PrimaryKeyConstraint("topic_ref", "partition", "offset", "captured_at", name="frames_out_of_range_pkey"),
        comment="Frames captured before or after the days that are kept; read the view `frames`",
    )
    for part in PARTS:
        op.execute(f"ALTER TABLE frames_by_day ALTER {part} SET STORAGE EXTERNAL, ALTER {part} SET STATISTICS 0")
        op.execute(f"ALTER TABLE frames_out_of_range ALTER {part} SET STORAGE EXTERNAL, ALTER {part} SET STATISTICS 0")


def downgrade() -> None:
    """Drop them with all frames."""
    op.drop_table("frames_out_of_range")
    op.drop_table("frames_by_day")
    op.drop_table("archived_topics")
