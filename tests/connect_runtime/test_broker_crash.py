"""A broker that is killed and comes back: acknowledgements resume, and nothing acknowledged is lost."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from kafka_io.admin import create_topics, group_offsets
from kafka_io.publisher import BoundedPublisher, Delivery, PublisherOptions
from kafka_io.settings import KafkaSettings
from keypoints.errors import Transient
from keypoints.topics import TopicSpec
from local_stack import start_stack, stop_stack
from local_stack.layout import Layout
from local_stack.status import read_status
from tests.connect_runtime.harness import OnKafka, Store, encode_empty_frame, running, spec_for, wait_until
from tests.connect_runtime.test_behaviour import new_group

pytestmark = [pytest.mark.servers, pytest.mark.timeout(300)]


@pytest.fixture
def own_stack() -> Iterator[tuple[Path, KafkaSettings]]:
    """A stack of this test's own, for it kills its broker."""
    data_dir = Path(tempfile.mkdtemp(prefix="holistic-crash-"))
    try:
        yield data_dir, KafkaSettings(bootstrap_servers=start_stack(data_dir).kafka_bootstrap_servers)
    finally:
        stop_stack(data_dir)
        shutil.rmtree(data_dir, ignore_errors=True)


def kill_broker(data_dir: Path) -> int:
    status = read_status(Layout(data_dir))
    part = status.part("kafka") if status else None
    assert part is not None
    assert part.pid is not None
    os.kill(part.pid, signal.SIGKILL)
    return part.pid


def broker_pid(data_dir: Path) -> int | None:
    status = read_status(Layout(data_dir))
    part = status.part("kafka") if status else None
    return part.pid if part is not None and part.state == "running" else None


class SteadyPublisher:
    """Publishes a frame every few milliseconds, and again what could not be taken."""

    def __init__(self, settings: KafkaSettings, topic: str) -> None:
        self.offsets: list[int] = []
        self.failed: list[Delivery] = []
        self.most_in_flight_bytes = 0
        self._settings = settings
        self._topic = topic
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()

    def _settle(self, delivery: Delivery) -> None:
        if delivery.offset is None:
            self.failed.append(delivery)
        else:
            self.offsets.append(delivery.offset)

    def _run(self) -> None:
        options = PublisherOptions(max_in_flight_bytes=200_000, block_s=1.0)
        with BoundedPublisher(self._settings, options, self._settle) as publisher:
            sequence = 0
            while not self._stop.wait(0.005):
                try:
                    publisher.publish(self._topic, b"ada", encode_empty_frame(sequence))
                except Transient:
                    continue
                sequence += 1
                self.most_in_flight_bytes = max(self.most_in_flight_bytes, publisher.counts().in_flight_bytes)


def test_a_killed_broker_costs_neither_records_nor_the_task(own_stack: tuple[Path, KafkaSettings]) -> None:
    data_dir, settings = own_stack
    topic, group, store = "frames", new_group(), Store()
    create_topics(settings, [TopicSpec(topic, 1)])

    def make_no_topic(**_: object) -> str:
        return topic

    with running(OnKafka(settings, make_no_topic), spec_for(group, topic, store)) as service:
        publisher = SteadyPublisher(settings, topic)
        wait_until("read", lambda: store.count() > 50)
        before = kill_broker(data_dir)
        wait_until("the broker is back", lambda: broker_pid(data_dir) not in (None, before), 60)
        at_return = len(publisher.offsets)
        wait_until("acknowledged again", lambda: len(publisher.offsets) > at_return + 100, 60)
        publisher.stop()
        assert publisher.failed == []
        assert publisher.most_in_flight_bytes <= 200_000
        wait_until("all read", lambda: store.offsets(topic, 0) == sorted(publisher.offsets), 60)
        wait_until("committed", lambda: group_offsets(settings, group, topic) == {0: max(publisher.offsets) + 1})
        state = service.sample("kafka_connect_connector_task_status", connector=group, task="0", state="RUNNING")
        assert state == 1
    assert service.exit_code == 0
    assert len(set(publisher.offsets)) == len(publisher.offsets), "an offset was acknowledged twice"
    assert sorted(publisher.offsets) == list(range(len(publisher.offsets))), "a record is there twice"


def test_a_broker_that_answers_nothing_for_longer_than_the_session_costs_no_record(
    own_stack: tuple[Path, KafkaSettings],
) -> None:
    data_dir, settings = own_stack
    topic, group, store = "frames", new_group(), Store()
    create_topics(settings, [TopicSpec(topic, 1)])
    pid = broker_pid(data_dir)
    assert pid is not None

    def make_no_topic(**_: object) -> str:
        return topic

    spec = spec_for(
        group,
        topic,
        store,
        consumer_override_session_timeout_ms="6000",
        consumer_override_heartbeat_interval_ms="1000",
    )
    with running(OnKafka(settings, make_no_topic), spec) as service:
        publisher = SteadyPublisher(settings, topic)
        wait_until("read", lambda: store.count() > 50)
        os.kill(pid, signal.SIGSTOP)
        try:
            threading.Event().wait(12.0)
        finally:
            os.kill(pid, signal.SIGCONT)
        at_return = len(publisher.offsets)
        wait_until("acknowledged again", lambda: len(publisher.offsets) > at_return + 100, 60)
        publisher.stop()
        assert publisher.failed == []
        assert publisher.most_in_flight_bytes <= 200_000
        wait_until("all read", lambda: store.offsets(topic, 0) == sorted(publisher.offsets), 60)
        wait_until("committed", lambda: group_offsets(settings, group, topic) == {0: max(publisher.offsets) + 1})
        state = service.sample("kafka_connect_connector_task_status", connector=group, task="0", state="RUNNING")
        assert state == 1
    assert service.exit_code == 0
    assert sorted(publisher.offsets) == list(range(len(publisher.offsets))), "a record is there twice"
    assert set(store.rows.values()) == {1}
