"""How much happened in each ten seconds and each minute of a stream, and how much of it was observed."""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_UPGRADE = """
CREATE TABLE analytics.windows (
    topic text NOT NULL,
    partition integer NOT NULL,
    stream_id text NOT NULL,
    epoch bigint NOT NULL,
    session_offset bigint NOT NULL,
    stretch integer NOT NULL,
    kind text NOT NULL,
    length_s double precision NOT NULL,
    started_at timestamptz NOT NULL,
    provisional boolean NOT NULL,
    frames bigint NOT NULL,
    late_frames bigint NOT NULL,
    too_late_frames bigint NOT NULL,
    body_share double precision,
    face_share double precision,
    left_hand_share double precision,
    right_hand_share double precision,
    seconds_covered double precision NOT NULL,
    frames_per_s double precision,
    activity_mean double precision,
    activity_peak double precision,
    seconds_still double precision,
    seconds_moving double precision,
    left_wrist_travel double precision,
    right_wrist_travel double precision,
    ranges_deg jsonb NOT NULL,
    findings jsonb NOT NULL,
    PRIMARY KEY (topic, partition, stream_id, epoch, session_offset, stretch, kind, length_s, started_at)
);
CREATE INDEX windows_of_stream ON analytics.windows (stream_id, started_at);
CREATE INDEX windows_by_time ON analytics.windows (started_at);
COMMENT ON TABLE analytics.windows IS
    'What each stretch of a stream''s event time came to. What was not observed is null, never zero.';
COMMENT ON COLUMN analytics.windows.session_offset IS 'The record the stream''s session began with.';
COMMENT ON COLUMN analytics.windows.stretch IS
    'One more whenever the source''s time was set back: the same time may come again.';
COMMENT ON COLUMN analytics.windows.kind IS 'tumbling: one after the other; sliding: a new one every ten seconds.';
COMMENT ON COLUMN analytics.windows.provisional IS 'It is not over yet: its numbers are those known so far.';
COMMENT ON COLUMN analytics.windows.frames IS 'Frames in it, those included that came late.';
COMMENT ON COLUMN analytics.windows.late_frames IS 'Came after a newer frame, and counted.';
COMMENT ON COLUMN analytics.windows.too_late_frames IS
    'Came during this window, of a time whose windows were over: not counted anywhere else.';
COMMENT ON COLUMN analytics.windows.body_share IS '0 to 1: in how many of its frames a body was there.';
COMMENT ON COLUMN analytics.windows.seconds_covered IS 'Of the window: between frames half a second apart at most.';
COMMENT ON COLUMN analytics.windows.frames_per_s IS 'Of the time covered.';
COMMENT ON COLUMN analytics.windows.activity_mean IS 'Body scales a second: mean speed of the joints.';
COMMENT ON COLUMN analytics.windows.activity_peak IS 'Body scales a second: its greatest, smoothed over 0.25 s.';
COMMENT ON COLUMN analytics.windows.seconds_still IS
    'Of the time covered with a body: no wrist, ankle or head moved by a twentieth of a body scale for half a second.';
COMMENT ON COLUMN analytics.windows.left_wrist_travel IS 'Body scales: the way of the wrist around the shoulders.';
COMMENT ON COLUMN analytics.windows.ranges_deg IS 'By joint angle: least and greatest, degrees.';
COMMENT ON COLUMN analytics.windows.findings IS 'By kind: how many began, and how many seconds they lasted in it.';

CREATE VIEW activity_by_minute AS
SELECT
    stream_id,
    epoch,
    started_at AS minute,
    provisional,
    frames,
    late_frames,
    too_late_frames,
    frames_per_s,
    seconds_covered,
    round((100 * seconds_covered / length_s)::numeric, 1)::double precision AS covered_percent,
    round((100 * body_share)::numeric, 1)::double precision AS body_valid_percent,
    round((100 * face_share)::numeric, 1)::double precision AS face_valid_percent,
    round((100 * left_hand_share)::numeric, 1)::double precision AS left_hand_valid_percent,
    round((100 * right_hand_share)::numeric, 1)::double precision AS right_hand_valid_percent,
    activity_mean,
    activity_peak,
    seconds_still,
    seconds_moving,
    left_wrist_travel,
    right_wrist_travel,
    ranges_deg,
    findings,
    session_offset,
    stretch
FROM analytics.windows
WHERE kind = 'tumbling' AND length_s = 60;
COMMENT ON VIEW activity_by_minute IS
    'Each minute of each stream: how much was seen of it, how much the person moved, and what was found. '
    'A stream that fell silent and came back, or whose clock was set back, within a minute has two rows of it.';
COMMENT ON COLUMN activity_by_minute.covered_percent IS 'How much of the minute there were frames of.';
COMMENT ON COLUMN activity_by_minute.body_valid_percent IS 'In how many of its frames a body was seen.';
COMMENT ON COLUMN activity_by_minute.activity_mean IS 'Body scales (trunk lengths) a second: mean speed of the joints.';
COMMENT ON COLUMN activity_by_minute.findings IS 'By kind: how many began, and how many seconds they lasted in it.';
COMMENT ON COLUMN activity_by_minute.provisional IS 'The minute is not over yet.';
"""

_DOWNGRADE = """
DROP VIEW activity_by_minute;
DROP TABLE analytics.windows;
"""


def upgrade() -> None:
    op.execute(_UPGRADE)


def downgrade() -> None:
    op.execute(_DOWNGRADE)
