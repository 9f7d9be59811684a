"""The view `streams` counts each epoch by itself first.

Counting distinct epochs has every row sorted, on disk, with whatever is counted of it; groups of groups have none.

Revision ID: 0005
"""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

PARTS = ("pose", "face", "left_hand", "right_hand")


def upgrade() -> None:
    """Replace it; its columns and comments stay."""
    counts = ", ".join(f"count({part}) AS with_{part}" for part in PARTS)
    shares = ", ".join(f"sum(with_{part})::float8 / sum(n)::float8 AS {part}_share" for part in PARTS)
    op.execute(
        f"""
        CREATE OR REPLACE VIEW streams AS
        SELECT stream_id, min(first_at) AS first_captured_at, max(last_at) AS last_captured_at,
               sum(n)::bigint AS frames, count(*) AS epochs, {shares}
        FROM (
            SELECT stream_id, min(captured_at) AS first_at, max(captured_at) AS last_at, count(*) AS n, {counts}
            FROM frames GROUP BY stream_id, epoch
        ) AS by_epoch
        GROUP BY stream_id
        """  # noqa: S608 - names from this file
    )


def downgrade() -> None:
    """The better view stays."""
