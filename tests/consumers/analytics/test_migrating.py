"""Tables that an earlier version made, with what it had found, brought to their newest form."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Engine, text

from connect_runtime.sink import TopicPartition
from consumers.analytics import migrations
from consumers.analytics.database import StoreRefused, connect, downgrade, migrate
from keypoints.topics import TRACKING_TOPIC
from tests.consumers.analytics.busy_stage import busy_stage
from tests.consumers.analytics.conftest import Bench
from tests.consumers.analytics.made_hands import make_frames, make_hand
from tests.consumers.analytics.made_streams import interleave

pytestmark = pytest.mark.servers

PARTITION = TopicPartition(TRACKING_TOPIC, 0)
_BEFORE = f"""
INSERT INTO analytics.sources VALUES ('{TRACKING_TOPIC}', 0, 'first', 900, 5, gen_random_uuid());
INSERT INTO analytics.streams VALUES ('{TRACKING_TOPIC}', 0, 'ada', 1, 900, 400, 500, 3, '{{"left": {{}}}}');
INSERT INTO analytics.gestures VALUES
    (gen_random_uuid(), 'ada', 1, 'open', 'left', '2026-01-02T03:04:05Z', '2026-01-02T03:04:06Z', 0.9, 1.0,
     'hand-shapes-1', '{TRACKING_TOPIC}', 0, 100, 130),
    (gen_random_uuid(), 'ada', 1, 'closed', 'right', '2026-01-02T03:05:00Z', NULL, 0.8, 1.0,
     'hand-shapes-1', '{TRACKING_TOPIC}', 0, 880, 890);
INSERT INTO analytics.outbox (topic, partition, stream_id, event_id, event)
    VALUES ('{TRACKING_TOPIC}', 0, 'ada', gen_random_uuid(), '{{}}');
"""


@pytest.fixture
def engine(bench: Bench) -> Iterator[Engine]:
    """A database as the first version left it."""
    engine = connect(bench.database_url)
    config = Config()
    config.set_main_option("script_location", next(iter(migrations.__path__)))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        connection.execute(text(_BEFORE))
    yield engine
    engine.dispose()


@pytest.mark.usefixtures("engine")
def test_gestures_found_by_the_first_version_stay_and_the_service_goes_on(bench: Bench) -> None:
    sink = bench.make_sink([PARTITION])
    assert sink.durable_offsets() == {}, "the group's own offset holds"
    at = datetime(2026, 1, 2, 3, 5, tzinfo=UTC)
    assert bench.query(
        "SELECT kind, hand, category, first_offset, ended_at >= started_at FROM gesture_events ORDER BY first_offset"
    ) == [("open", "left", "shape", 100, True), ("closed", "right", "shape", 880, True)]
    assert bench.query("SELECT started_at, provisional FROM gesture_events WHERE kind = 'closed'") == [(at, False)]
    assert bench.query("SELECT count(*) FROM analytics.outbox") == [(1,)]
    sink.put(interleave(make_frames([make_hand("open")] * 30), first_offset=900))
    sink.flush()
    assert bench.query("SELECT next_offset FROM analytics.sources") == [(930,)]
    assert bench.query("SELECT count(*) FROM gesture_events") == [(3,)]


def test_going_back_to_the_first_version_and_on_again_keeps_shapes_and_lets_the_service_go_on(
    bench: Bench, engine: Engine
) -> None:
    sink = bench.make_sink([PARTITION])
    sink.put(busy_stage(seconds=5.0))
    sink.flush()
    shapes = "SELECT kind, hand, first_offset FROM gesture_events {} ORDER BY 3, 1, 2"
    found = bench.query(shapes.format("WHERE category = 'shape'"))
    assert len(found) > 3
    config = Config()
    config.set_main_option("script_location", next(iter(migrations.__path__)))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "0001")
        assert [tuple(row) for row in connection.execute(text(shapes.format("")))] == found
        command.upgrade(config, "head")
    assert bench.query(shapes.format("")) == found
    again = bench.make_sink([PARTITION])
    again.put(busy_stage(seconds=5.0))
    again.flush()
    assert bench.query("SELECT count(*) > 0 FROM movement_counts") == [(True,)]


def test_going_back_names_its_steps_first_and_tables_of_a_newer_version_are_refused(bench: Bench) -> None:
    sink = bench.make_sink([PARTITION])
    engine = bench.engines[0]
    named = downgrade(engine, "0003", execute=False)
    assert [step[:4] for step in named] == ["0005", "0004"]
    assert downgrade(engine, "0005") == []
    with pytest.raises(StoreRefused, match="never at 0042"):
        downgrade(engine, "0042")
    bench.query("UPDATE analytics.alembic_version SET version_num = '9999' RETURNING 1")
    with pytest.raises(StoreRefused, match="9999") as refused:
        migrate(engine)
    assert "newer version" in str(refused.value.hint)
    # Who was there before goes on.
    sink.put(interleave(make_frames([make_hand("open")] * 30)))
    sink.flush()
    assert sink.durable_offsets() == {PARTITION: 30}
