"""The tables of analytics lost, and made anew from a dump of some time before."""

import signal
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from kafka_io.settings import KafkaSettings
from local_stack import Endpoints
from tests.consumers.analytics.conftest import query
from tests.consumers.analytics.made_streams import busy_minute
from tests.consumers.analytics.test_service import (
    PROGRESS,
    RESULTS,
    SAVED,
    STREAMS,
    publish,
    read_events,
    running,
    wait_until,
)
from tests.consumers.archive.backup.dumped import dump, lose, restore

pytestmark = [pytest.mark.servers, pytest.mark.long]


def test_a_restored_database_goes_on_from_its_own_offsets_to_the_same_results(
    kafka_settings: KafkaSettings,
    make_topic: Callable[..., str],
    make_database: Callable[[], str],
    stack: Endpoints,
    tmp_path: Path,
) -> None:
    topic, events_topic = make_topic(2, name="frames"), make_topic(1, name="events")
    database_url = make_database()
    batch = busy_minute(streams=4, frames=300)
    half = len(batch) // 2
    publish(kafka_settings, topic, batch.take(np.arange(half)))
    with running(topic, events_topic, database_url, kafka_settings) as process:
        wait_until(database_url, PROGRESS, half)
        dump(database_url, tmp_path / "analytics.dump")
        publish(kafka_settings, topic, batch.take(np.arange(half, len(batch))))
        wait_until(database_url, SAVED, len(batch))
        wait_until(database_url, "SELECT count(*) FROM analytics.outbox", 0, most=0)
        before = [query(database_url, statement) for statement in (RESULTS, STREAMS)]
        told = {event["event_id"]: event for event in read_events(kafka_settings, events_topic)}
        process.send_signal(signal.SIGKILL)
        process.wait()
    lose(database_url, stack.database_url)
    restore(tmp_path / "analytics.dump", database_url, stack.database_url)
    assert query(database_url, PROGRESS)[0][0] == half
    with running(topic, events_topic, database_url, kafka_settings) as process:
        wait_until(database_url, SAVED, len(batch))
        wait_until(database_url, "SELECT count(*) FROM analytics.outbox", 0, most=0)
    assert [query(database_url, statement) for statement in (RESULTS, STREAMS)] == before
    events = read_events(kafka_settings, events_topic)
    assert {event["event_id"]: event for event in events} == told
    assert all(told[event["event_id"]] == event for event in events), "one id, two stories"
