"""Offsets of a running service moved over its REST API, as a user of Kafka Connect moves them."""

import uuid
from collections.abc import Callable

import pytest
from pydantic import SecretStr

from consumers.analytics.run import make_connector
from consumers.analytics.settings import AnalyticsSettings
from kafka_io.settings import KafkaSettings
from tests.connect_runtime.offsets.served import serving
from tests.consumers.analytics.busy_stage import busy_stage
from tests.consumers.analytics.conftest import query
from tests.consumers.analytics.test_faults import IN_WINDOWS, read_tables
from tests.consumers.analytics.test_service import PROGRESS, publish, read_events, wait_until

pytestmark = [pytest.mark.servers, pytest.mark.long, pytest.mark.timeout(120)]


def test_a_reset_over_rest_takes_the_state_back_and_leaves_the_same_tables(
    kafka_settings: KafkaSettings, make_topic: Callable[..., str], make_database: Callable[[], str]
) -> None:
    topic, events_topic, database_url = make_topic(1, name="frames"), make_topic(1, name="events"), make_database()
    batch = busy_stage()
    publish(kafka_settings, topic, batch)
    name = f"analytics-{uuid.uuid4().hex[:8]}"
    settings = AnalyticsSettings(database_url=SecretStr(database_url), topic=topic)
    config = {"name": name, "events.topic": events_topic, "snapshot.interval.records": "500"}
    state = "SELECT next_offset, coalesce(state_offset, next_offset) FROM analytics.sources"
    with serving(kafka_settings, [make_connector(settings, kafka_settings, config)]) as served:
        wait_until(database_url, PROGRESS, len(batch))
        wait_until(database_url, IN_WINDOWS, len(batch))
        served.stop_connector(name)
        before, said = (
            read_tables(database_url),
            {event["event_id"] for event in read_events(kafka_settings, events_topic)},
        )
        for offset in (0, 777, 1_900):
            partition = {"kafka_topic": topic, "kafka_partition": 0}
            body = {"offsets": [{"partition": partition, "offset": {"kafka_offset": offset}}]}
            assert served.call("PATCH", f"/connectors/{name}/offsets", body)[0] == 200
            [(next_offset, state_offset)] = query(database_url, state)
            assert next_offset == offset
            assert 0 <= state_offset <= offset, "a snapshot of before"
            served.call("PUT", f"/connectors/{name}/resume")
            wait_until(database_url, PROGRESS, len(batch))
            wait_until(database_url, IN_WINDOWS, len(batch))
            served.stop_connector(name)
            assert read_tables(database_url) == before
        again = read_events(kafka_settings, events_topic)
    assert {event["event_id"] for event in again} == said
    assert len(again) > len(said), "what comes after the offset is said again, under the same id"
