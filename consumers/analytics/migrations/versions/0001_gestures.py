"""Gestures, the state they are worked out from, and the events on their way to the topic."""

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_UPGRADE = """
CREATE TABLE analytics.sources (
    topic text NOT NULL,
    partition integer NOT NULL,
    topic_id text NOT NULL,
    next_offset bigint NOT NULL,
    clock_us bigint NOT NULL,
    save_id uuid NOT NULL,
    PRIMARY KEY (topic, partition)
);
COMMENT ON TABLE analytics.sources IS
    'How far each partition has been worked through; state, results and outbox are those of exactly this offset.';
COMMENT ON COLUMN analytics.sources.topic_id IS 'A topic deleted and made again has another id, and starts anew.';
COMMENT ON COLUMN analytics.sources.clock_us IS 'The partition''s clock: microseconds its streams advanced.';
COMMENT ON COLUMN analytics.sources.save_id IS 'The save that wrote the row: tells a commit of unknown outcome.';

CREATE TABLE analytics.streams (
    topic text NOT NULL,
    partition integer NOT NULL,
    stream_id text NOT NULL,
    epoch bigint NOT NULL,
    frames bigint NOT NULL,
    left_observed bigint NOT NULL,
    right_observed bigint NOT NULL,
    late_frames bigint NOT NULL,
    state jsonb,
    PRIMARY KEY (topic, partition, stream_id, epoch)
);
COMMENT ON TABLE analytics.streams IS
    'Each stream and epoch: how much of it there was to see, and where its hands stand.';
COMMENT ON COLUMN analytics.streams.left_observed IS 'Frames, of those in time, in which the left hand was there.';
COMMENT ON COLUMN analytics.streams.right_observed IS 'Frames, of those in time, in which the right hand was there.';
COMMENT ON COLUMN analytics.streams.late_frames IS 'Frames out of order of time: counted, not judged.';
COMMENT ON COLUMN analytics.streams.state IS 'Null when the stream fell silent and was ended.';
CREATE INDEX streams_going_on ON analytics.streams (topic, partition) WHERE state IS NOT NULL;

CREATE TABLE analytics.gestures (
    gesture_id uuid PRIMARY KEY,
    stream_id text NOT NULL,
    epoch bigint NOT NULL,
    kind text NOT NULL,
    hand text NOT NULL,
    started_at timestamptz NOT NULL,
    ended_at timestamptz,
    confidence double precision NOT NULL,
    observed double precision NOT NULL,
    rules_version text NOT NULL,
    source_topic text NOT NULL,
    source_partition integer NOT NULL,
    first_offset bigint NOT NULL,
    last_offset bigint NOT NULL
);
CREATE INDEX gestures_of_stream ON analytics.gestures (stream_id, started_at);
CREATE INDEX gestures_by_time ON analytics.gestures (started_at);

CREATE TABLE analytics.outbox (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    topic text NOT NULL,
    partition integer NOT NULL,
    stream_id text NOT NULL,
    event_id uuid NOT NULL,
    event bytea NOT NULL
);
COMMENT ON TABLE analytics.outbox IS 'Events the topic has not acknowledged yet, in the order they happened.';

CREATE VIEW gesture_events AS
SELECT
    stream_id,
    kind,
    hand,
    started_at,
    ended_at,
    extract(epoch FROM ended_at - started_at)::double precision AS duration_s,
    ended_at IS NULL AS provisional,
    confidence,
    observed,
    epoch,
    source_topic,
    source_partition,
    first_offset,
    last_offset,
    rules_version,
    gesture_id
FROM analytics.gestures;
COMMENT ON VIEW gesture_events IS 'Every gesture recognised: who, what, which hand, from when to when.';
COMMENT ON COLUMN gesture_events.kind IS 'open, closed, pointing, thumbs_up, thumbs_down, victory or ok.';
COMMENT ON COLUMN gesture_events.hand IS 'left or right, the person''s own.';
COMMENT ON COLUMN gesture_events.started_at IS 'When the first frame that shows it was taken.';
COMMENT ON COLUMN gesture_events.ended_at IS 'When the last frame that shows it was taken; null while it is held.';
COMMENT ON COLUMN gesture_events.provisional IS
    'The gesture is still held; confidence, observed and last_offset are those of its start.';
COMMENT ON COLUMN gesture_events.confidence IS '0 to 1: how clearly its frames showed the shape, on average.';
COMMENT ON COLUMN gesture_events.observed IS
    '0 to 1: in how many of the frames between start and end the hand was there.';
COMMENT ON COLUMN gesture_events.first_offset IS 'Offset of the first frame that shows it.';
COMMENT ON COLUMN gesture_events.last_offset IS 'Offset of the last frame that shows it.';
COMMENT ON COLUMN gesture_events.rules_version IS 'The rules it was recognised by.';
COMMENT ON COLUMN gesture_events.gesture_id IS 'The same whenever it is worked out again from the same frames.';
"""

_DOWNGRADE = """
DROP VIEW gesture_events;
DROP TABLE analytics.outbox, analytics.gestures, analytics.streams, analytics.sources;
"""


def upgrade() -> None:
    op.execute(_UPGRADE)


def downgrade() -> None:
    op.execute(_DOWNGRADE)
