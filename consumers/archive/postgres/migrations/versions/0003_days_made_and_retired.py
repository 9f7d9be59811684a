"""Days made by a function, and a record of what retention removed; joints answered from an index alone.

Revision ID: 0003
"""

from collections.abc import Iterator

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

PARTS = ("pose", "pose_world", "face", "left_hand", "right_hand")
TABLES = ("frames_by_day", "frames_out_of_range")
DAYS_LOCK = 4_812_930_001
# Vacuum marks pages as visible to all, and only then does an index answer without its table: not after 20 % more rows.
STORAGE = (
    "toast_tuple_target = 4080, autovacuum_vacuum_insert_threshold = 20000, "
    "autovacuum_vacuum_insert_scale_factor = 0.05"
)


# Days that were made before there was a function to make them.
_EXPLAIN_DAYS = f"""
    DO $body$
    DECLARE
        name text;
        explanation text;
    BEGIN
        FOR name, explanation IN
            SELECT relname, 'Frames captured on ' || right(relname, 8)::date || ' (UTC)'
            FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid WHERE inhparent = 'frames_by_day'::regclass
        LOOP
            EXECUTE format('ALTER TABLE %I SET ({STORAGE})', name);
            EXECUTE format('COMMENT ON TABLE %I IS %L', name, explanation);
        END LOOP;
    END $body$
"""  # noqa: S608 - names from this file


def _make_frames_day(schema: str) -> str:
    parts = ", ".join(f"ALTER {part} SET STORAGE EXTERNAL, ALTER {part} SET STATISTICS 0" for part in PARTS)
    # The session's own search_path must not decide what runs with the owner's rights. Attaching blocks neither readers
    # nor writers of the other days; creating as a partition would.
    return f"""
        CREATE FUNCTION make_frames_day(day date) RETURNS boolean
        LANGUAGE plpgsql SECURITY DEFINER SET search_path = {schema}, pg_temp SET timezone = 'UTC' AS $body$
        DECLARE
            name text := 'frames_by_day_' || to_char(day, 'YYYYMMDD');
            detaching boolean;
        BEGIN
            PERFORM pg_advisory_xact_lock({DAYS_LOCK});
            SELECT inhdetachpending INTO detaching FROM pg_inherits
            WHERE inhrelid = to_regclass(name) AND inhparent = 'frames_by_day'::regclass;
            IF FOUND AND NOT detaching THEN
                RETURN false;
            END IF;
            IF FOUND THEN
                EXECUTE format('ALTER TABLE frames_by_day DETACH PARTITION %I FINALIZE', name);
            END IF;
            IF to_regclass(name) IS NULL THEN
                EXECUTE format(
                    'CREATE TABLE %I (LIKE frames_by_day INCLUDING DEFAULTS INCLUDING COMMENTS) WITH ({STORAGE})', name
                );
                EXECUTE format('ALTER TABLE %I {parts}', name);
                EXECUTE format('COMMENT ON TABLE %I IS %L', name, 'Frames captured on ' || day || ' (UTC)');
            END IF;
            EXECUTE format(
                'ALTER TABLE frames_by_day ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)',
                name, day::timestamptz, (day + 1)::timestamptz
            );
            RETURN true;
        END $body$
    """  # noqa: S608 - names from this file


def _statements(schema: str) -> Iterator[str]:
    for table in TABLES:
        # Checked for each row that is written; and dropping a day would lock the topics against everyone's queries.
        yield f"ALTER TABLE {table} DROP CONSTRAINT {table}_topic_ref_fkey"
    yield "DROP INDEX frames_by_day_stream_id_captured_at_idx"
    for table in TABLES:
        yield (
            f"CREATE INDEX {table}_stream_id_captured_at_idx ON {table} (stream_id, captured_at) "
            'INCLUDE (topic_ref, "partition", "offset", epoch, sequence, width, height, pose)'
        )
    yield _make_frames_day(schema)
    yield _EXPLAIN_DAYS


def upgrade() -> None:
    """Change them."""
    connection = op.get_bind()
    schema = connection.dialect.identifier_preparer.quote(connection.scalar(sa.text("SELECT current_schema()")) or "")
    for statement in _statements(schema):
        connection.exec_driver_sql(statement.replace("%", "%%"))
    op.create_table(
        "retired_offsets",
        sa.Column("topic_ref", sa.Integer, nullable=False, comment="The records' topic"),
        sa.Column("partition", sa.Integer, nullable=False, comment="The records' partition"),
        sa.Column("first_offset", sa.BigInteger, nullable=False, comment="First offset of the run"),
        sa.Column("last_offset", sa.BigInteger, nullable=False, comment="Last offset of the run"),
        sa.Column(
            "retired_at",
            sa.DateTime(timezone=True),
            nullable=False,
            server_default=sa.text("now()"),
            comment="When their frames were removed",
        ),
        sa.PrimaryKeyConstraint("topic_ref", "partition", "first_offset", "last_offset", name="retired_offsets_pkey"),
        comment="Runs of offsets whose frames retention removed: an audit does not miss them",
    )
    op.alter_column(
        "archived_topics", "first_seen", comment="When the archive first saw the topic", existing_server_default=None
    )


def downgrade() -> None:
    """Change them back; what is on record as removed is forgotten."""
    op.drop_table("retired_offsets")
    op.execute("DROP FUNCTION make_frames_day(date)")
    for table in TABLES:
        op.execute(f"DROP INDEX {table}_stream_id_captured_at_idx")
        op.create_foreign_key(f"{table}_topic_ref_fkey", table, "archived_topics", ["topic_ref"], ["topic_ref"])
    op.create_index("frames_by_day_stream_id_captured_at_idx", "frames_by_day", ["stream_id", "captured_at"])
