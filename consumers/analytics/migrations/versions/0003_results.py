"""Results of every kind, sessions of streams, windows, and snapshots of state that a replay starts from."""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_UPGRADE = """
DROP VIEW gesture_events;
ALTER TABLE analytics.gestures RENAME TO results;
ALTER TABLE analytics.results RENAME COLUMN gesture_id TO result_id;
ALTER TABLE analytics.results RENAME COLUMN hand TO subject;
ALTER TABLE analytics.results ADD COLUMN category text NOT NULL DEFAULT 'shape';
ALTER TABLE analytics.results ADD COLUMN severity text;
ALTER TABLE analytics.results ADD COLUMN evidence jsonb NOT NULL DEFAULT '{}';
ALTER TABLE analytics.results ALTER COLUMN category DROP DEFAULT, ALTER COLUMN evidence DROP DEFAULT;
ALTER INDEX analytics.gestures_pkey RENAME TO results_pkey;
ALTER INDEX analytics.gestures_of_stream RENAME TO results_of_stream;
ALTER INDEX analytics.gestures_by_time RENAME TO results_by_time;
CREATE INDEX results_by_kind ON analytics.results (category, kind, started_at);
-- Earlier state is of another make: what was open in it is over, and streams begin anew.
UPDATE analytics.results SET ended_at = started_at WHERE ended_at IS NULL;
COMMENT ON TABLE analytics.results IS 'Everything found in streams: shapes, movements, anomalies, faults, reactions.';

CREATE INDEX outbox_by_event ON analytics.outbox (event_id);
CREATE INDEX outbox_of_partition ON analytics.outbox (topic, partition, id);

ALTER TABLE analytics.sources ADD COLUMN state_offset bigint, ADD COLUMN quiet_until bigint;
COMMENT ON COLUMN analytics.sources.state_offset IS
    'The offset the state belongs to, where that is not next_offset: offsets were moved, and a snapshot was taken up.';
COMMENT ON COLUMN analytics.sources.quiet_until IS
    'Records before this offset are read for the state alone: what they cause was said before.';

DROP TABLE analytics.streams;
CREATE TABLE analytics.streams (
    topic text NOT NULL,
    partition integer NOT NULL,
    stream_id text NOT NULL,
    epoch bigint NOT NULL,
    first_offset bigint NOT NULL,
    frames bigint NOT NULL,
    body_observed bigint NOT NULL,
    face_observed bigint NOT NULL,
    left_observed bigint NOT NULL,
    right_observed bigint NOT NULL,
    late_frames bigint NOT NULL,
    seen_at timestamptz NOT NULL,
    state bytea,
    PRIMARY KEY (topic, partition, stream_id, epoch, first_offset)
);
-- Compressed already.
ALTER TABLE analytics.streams ALTER COLUMN state SET STORAGE EXTERNAL;
COMMENT ON TABLE analytics.streams IS
    'Each session of a stream and epoch, from its first record until it fell silent: how much of it there was to see.';
COMMENT ON COLUMN analytics.streams.first_offset IS 'The record the session began with.';
COMMENT ON COLUMN analytics.streams.body_observed IS 'Frames, of those in time, in which a body was there.';
COMMENT ON COLUMN analytics.streams.face_observed IS 'Frames, of those in time, in which a face was there.';
COMMENT ON COLUMN analytics.streams.left_observed IS 'Frames, of those in time, in which the left hand was there.';
COMMENT ON COLUMN analytics.streams.right_observed IS 'Frames, of those in time, in which the right hand was there.';
COMMENT ON COLUMN analytics.streams.late_frames IS 'Frames out of order of time: counted, not judged.';
COMMENT ON COLUMN analytics.streams.seen_at IS 'When its newest frame was taken.';
COMMENT ON COLUMN analytics.streams.state IS 'All that is remembered of it, JSON in zstd; null when it has ended.';
CREATE INDEX streams_going_on ON analytics.streams (topic, partition) WHERE state IS NOT NULL;
CREATE INDEX streams_by_time ON analytics.streams (seen_at) WHERE state IS NULL;
CREATE INDEX streams_by_name ON analytics.streams (stream_id);

CREATE TABLE analytics.snapshots (
    topic text NOT NULL,
    partition integer NOT NULL,
    next_offset bigint NOT NULL,
    topic_id text NOT NULL,
    number bigint NOT NULL,
    clock_us bigint NOT NULL,
    PRIMARY KEY (topic, partition, next_offset)
);
COMMENT ON TABLE analytics.snapshots IS
    'Where each partition stood at some offsets: a replay starts from the newest before.';
CREATE TABLE analytics.snapshot_streams (
    topic text NOT NULL,
    partition integer NOT NULL,
    next_offset bigint NOT NULL,
    stream_id text NOT NULL,
    epoch bigint NOT NULL,
    first_offset bigint NOT NULL,
    frames bigint NOT NULL,
    body_observed bigint NOT NULL,
    face_observed bigint NOT NULL,
    left_observed bigint NOT NULL,
    right_observed bigint NOT NULL,
    late_frames bigint NOT NULL,
    seen_at timestamptz NOT NULL,
    state bytea,
    PRIMARY KEY (topic, partition, next_offset, stream_id, epoch, first_offset),
    FOREIGN KEY (topic, partition, next_offset) REFERENCES analytics.snapshots ON DELETE CASCADE
);
COMMENT ON TABLE analytics.snapshot_streams IS 'The sessions that were under way at a snapshot, with their state.';
ALTER TABLE analytics.snapshot_streams ALTER COLUMN state SET STORAGE EXTERNAL;
CREATE INDEX snapshot_streams_by_name ON analytics.snapshot_streams (stream_id);

DELETE FROM analytics.sources;

CREATE VIEW gesture_events AS
SELECT
    stream_id,
    category,
    kind,
    CASE WHEN subject IN ('left', 'right') THEN subject END AS hand,
    subject,
    started_at,
    ended_at,
    extract(epoch FROM ended_at - started_at)::double precision AS duration_s,
    ended_at IS NULL AS provisional,
    confidence,
    observed,
    evidence,
    epoch,
    source_topic,
    source_partition,
    first_offset,
    last_offset,
    rules_version,
    result_id AS gesture_id
FROM analytics.results
WHERE category IN ('shape', 'movement');
COMMENT ON VIEW gesture_events IS
    'Every hand shape and movement recognised: who, what, of which part, from when to when.';
COMMENT ON COLUMN gesture_events.category IS 'shape (held by a hand) or movement.';
COMMENT ON COLUMN gesture_events.kind IS 'Which: thumbs_up, wave, squat …, or the name of a gesture that was taught.';
COMMENT ON COLUMN gesture_events.hand IS 'left or right, the person''s own; null where it is not about one hand.';
COMMENT ON COLUMN gesture_events.subject IS 'left, right, both, head, face or body.';
COMMENT ON COLUMN gesture_events.started_at IS 'When the first frame that shows it was taken.';
COMMENT ON COLUMN gesture_events.ended_at IS 'When the last frame that shows it was taken; null while it goes on.';
COMMENT ON COLUMN gesture_events.provisional IS
    'It still goes on; confidence, observed and last_offset are those of its start.';
COMMENT ON COLUMN gesture_events.confidence IS '0 to 1: how clearly its frames showed it.';
COMMENT ON COLUMN gesture_events.observed IS
    '0 to 1: in how many of the frames between start and end what it is read from was there.';
COMMENT ON COLUMN gesture_events.evidence IS 'The numbers it stands on, units in their names.';
COMMENT ON COLUMN gesture_events.first_offset IS 'Offset of the first frame that shows it.';
COMMENT ON COLUMN gesture_events.last_offset IS 'Offset of the last frame that shows it.';
COMMENT ON COLUMN gesture_events.rules_version IS 'The rules it was recognised by.';
COMMENT ON COLUMN gesture_events.gesture_id IS 'The same whenever it is worked out again from the same frames.';

CREATE VIEW movement_counts AS
SELECT
    stream_id,
    epoch,
    kind,
    subject,
    count(*) AS count,
    min(started_at) AS first_at,
    max(coalesce(ended_at, started_at)) AS last_at,
    sum(extract(epoch FROM ended_at - started_at))::double precision AS seconds,
    avg(confidence) AS confidence
FROM analytics.results
WHERE category = 'movement'
GROUP BY stream_id, epoch, kind, subject;
COMMENT ON VIEW movement_counts IS 'How often each movement was made: repetitions of exercises, waves, nods, blinks.';
COMMENT ON COLUMN movement_counts.seconds IS 'How long they lasted together.';
COMMENT ON COLUMN movement_counts.confidence IS '0 to 1, on average.';

CREATE VIEW anomalies AS
SELECT
    stream_id,
    CASE category WHEN 'fault' THEN 'capture' ELSE 'person' END AS concerns,
    kind,
    subject,
    severity,
    started_at,
    ended_at,
    extract(epoch FROM ended_at - started_at)::double precision AS duration_s,
    ended_at IS NULL AS provisional,
    confidence,
    observed,
    evidence,
    epoch,
    source_topic,
    source_partition,
    first_offset,
    last_offset,
    rules_version,
    result_id AS anomaly_id
FROM analytics.results
WHERE category IN ('anomaly', 'fault');
COMMENT ON VIEW anomalies IS
    'What somebody may have to look at: of the person (a fall), or of the capture (a frozen picture).';
COMMENT ON COLUMN anomalies.concerns IS 'person, or capture: then what is seen meanwhile is not to be believed.';
COMMENT ON COLUMN anomalies.subject IS 'body, left, right (the person''s own) or capture.';
COMMENT ON COLUMN anomalies.severity IS 'info, warning or critical.';
COMMENT ON COLUMN anomalies.evidence IS 'The numbers it stands on, units in their names.';
COMMENT ON COLUMN anomalies.provisional IS 'It still goes on.';
"""

# The tables of before hold shapes alone; what else was found can be worked out again by a replay.
_DOWNGRADE = """
DROP VIEW anomalies;
DROP VIEW movement_counts;
DROP VIEW gesture_events;
DROP TABLE analytics.snapshot_streams, analytics.snapshots, analytics.streams;
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
CREATE INDEX streams_going_on ON analytics.streams (topic, partition) WHERE state IS NOT NULL;

DELETE FROM analytics.sources;
ALTER TABLE analytics.sources DROP COLUMN state_offset, DROP COLUMN quiet_until;
DROP INDEX analytics.outbox_by_event, analytics.outbox_of_partition, analytics.results_by_kind;

DELETE FROM analytics.results WHERE category <> 'shape';
ALTER TABLE analytics.results DROP COLUMN category, DROP COLUMN severity, DROP COLUMN evidence;
UPDATE analytics.results SET ended_at = started_at WHERE ended_at IS NULL;
COMMENT ON TABLE analytics.results IS NULL;
ALTER TABLE analytics.results RENAME COLUMN subject TO hand;
ALTER TABLE analytics.results RENAME COLUMN result_id TO gesture_id;
ALTER INDEX analytics.results_by_time RENAME TO gestures_by_time;
ALTER INDEX analytics.results_of_stream RENAME TO gestures_of_stream;
ALTER INDEX analytics.results_pkey RENAME TO gestures_pkey;
ALTER TABLE analytics.results RENAME TO gestures;
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
"""


def upgrade() -> None:
    op.execute(_UPGRADE)


def downgrade() -> None:
    op.execute(_DOWNGRADE)
