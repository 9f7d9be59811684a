"""A range worked out again beside the live group."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from pydantic import SecretStr
from sqlalchemy import text

from connect_runtime.offsets.replay_plan import PlannedRange
from connect_runtime.sink import TopicPartition
from consumers.analytics.database import connect
from consumers.analytics.run import make_bounded_replay
from consumers.analytics.settings import AnalyticsSettings
from kafka_io.admin import topic_end_offsets, topic_id
from kafka_io.settings import KafkaSettings
from tests.consumers.analytics.busy_stage import busy_stage
from tests.consumers.analytics.conftest import Bench, query
from tests.consumers.analytics.made_streams import cut
from tests.consumers.analytics.test_service import publish

pytestmark = pytest.mark.servers


def test_what_is_missing_of_a_range_comes_back_and_the_live_group_notices_nothing(
    kafka_settings: KafkaSettings, make_topic: Callable[..., str], bench: Bench
) -> None:
    topic = make_topic(1, name="frames")
    batch = busy_stage()
    publish(kafka_settings, topic, batch)
    partition = TopicPartition(topic, 0)
    bench.topic_id = topic_id(kafka_settings, topic)
    bench.snapshot_records = 300
    live = bench.make_sink([partition])
    for part in cut(replace(batch, topic=topic, identity_topic=np.full(len(batch), topic, dtype=object)), 100):
        live.put(part)
        live.flush()
    before, sources = bench.results(), bench.query("SELECT * FROM analytics.sources")
    outbox = bench.query("SELECT count(*) FROM analytics.outbox")
    first = 777
    engine = connect(bench.database_url)
    with engine.begin() as connection:
        gone = connection.execute(
            text("DELETE FROM analytics.results WHERE last_offset >= :first AND ended_at IS NOT NULL RETURNING kind"),
            {"first": first},
        ).all()
    engine.dispose()
    assert len(gone) > 20

    settings = AnalyticsSettings(database_url=SecretStr(bench.database_url), topic=topic)
    replay = make_bounded_replay(settings, kafka_settings)
    [planned] = replay.keep_within([PlannedRange(partition, first, len(batch))])
    assert planned.first == 600, "it reads from a snapshot on"
    assert planned.end == len(batch)
    assert any(str(first) in warning for warning in planned.warnings)
    replay.run(kafka_settings, [planned])
    assert bench.results() == before
    assert bench.query("SELECT * FROM analytics.sources") == sources
    assert bench.query("SELECT count(*) FROM analytics.outbox") == outbox


def test_what_the_live_group_has_not_come_to_is_left_to_it(
    kafka_settings: KafkaSettings, make_topic: Callable[..., str], make_database: Callable[[], str]
) -> None:
    partition = TopicPartition(make_topic(1, name="frames"), 0)
    settings = AnalyticsSettings(database_url=SecretStr(make_database()), topic=partition.topic)
    replay = make_bounded_replay(settings, kafka_settings)
    [planned] = replay.keep_within([PlannedRange(partition, 10, 20)])
    assert planned.records == 0
    assert "works it out itself" in planned.warnings[0]


def test_a_topic_may_have_partitions_of_which_no_range_is_asked_for(
    kafka_settings: KafkaSettings, make_topic: Callable[..., str], make_database: Callable[[], str]
) -> None:
    topic, database_url = make_topic(8, name="frames"), make_database()
    publish(kafka_settings, topic, busy_stage().take(np.arange(600)))
    settings = AnalyticsSettings(database_url=SecretStr(database_url), topic=topic)
    replay = make_bounded_replay(settings, kafka_settings)
    wanted = [
        PlannedRange(TopicPartition(topic, number), replay.lead_in(TopicPartition(topic, number), 0), end)
        for number, end in topic_end_offsets(kafka_settings, topic).items()
        if end > 0 and replay.limit(TopicPartition(topic, number)) == 0
    ]
    assert 0 < len(wanted) < 8
    assert replay.run(kafka_settings, wanted).records == 600
    assert query(database_url, "SELECT count(*) > 0 FROM analytics.results") == [(True,)]
