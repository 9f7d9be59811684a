"""Records that cannot be used become dead letters that say why, and nothing else is lost with them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence

import pytest

from connect_runtime.dead_letters import DeadLetter, Letter, LetterBox, read_dead_letter
from connect_runtime.letter_box import KafkaLetterBox, MemoryLetterBox
from connect_runtime.service import ConnectorSpec
from connect_runtime.sink import SinkFailed
from kafka_io.admin import delete_topic
from kafka_io.failure_headers import PREFIX
from kafka_io.publisher import BoundedPublisher, PublisherOptions
from kafka_io.settings import KafkaSettings
from kafka_io.whole_topic import read_whole_topic
from keypoints.errors import Terminal, Transient
from keypoints.frame import FrameBatch
from keypoints.topics import dead_letter_topic, retry_topic
from tests.connect_runtime.harness import (
    Broker,
    OnKafka,
    OnMemory,
    RecordingSink,
    Service,
    Store,
    encode_empty_frame,
    running,
    spec_for,
    wait_until,
)
from tests.connect_runtime.test_behaviour import DAMAGED, frames, labels, new_group

TEN_HEADERS = {
    "topic", "partition", "offset", "connector.name", "task.id", "stage", "class.name", "exception.class.name",
    "exception.message", "exception.stacktrace",
}  # fmt: skip
SKIPPED = "kafka_connect_task_error_total_records_skipped_total"
REQUESTS = "kafka_connect_task_error_deadletterqueue_produce_requests_total"
FAILURES = "kafka_connect_task_error_deadletterqueue_produce_failures_total"


class Letters:
    """Where a broker's dead letters are."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self.box: LetterBox
        if isinstance(broker, OnKafka):
            self.box = KafkaLetterBox(broker.settings)
        else:
            assert isinstance(broker, OnMemory)
            self.box = MemoryLetterBox(broker.broker)
        self.groups: list[str] = []

    def of(self, group: str) -> list[DeadLetter]:
        topic = dead_letter_topic(group)
        if isinstance(self._broker, OnKafka):
            return [read_dead_letter(record) for record in read_whole_topic(self._broker.settings, topic)]
        assert isinstance(self._broker, OnMemory)
        return [read_dead_letter(record) for record in self._broker.broker.records(topic)]

    def new_group(self) -> str:
        self.groups.append(new_group())
        return self.groups[-1]

    def close(self) -> None:
        self.box.close()
        if isinstance(self._broker, OnKafka):
            for group in self.groups:
                delete_topic(self._broker.settings, dead_letter_topic(group))
                delete_topic(self._broker.settings, retry_topic(group))


@pytest.fixture
def letters(broker: Broker) -> Iterator[Letters]:
    """The broker's dead letters; their topics are deleted after the test."""
    made = Letters(broker)
    yield made
    made.close()


def state(service: Service, group: str, name: str) -> bool:
    return service.sample("kafka_connect_connector_task_status", **labels(group), state=name) == 1


def test_bad_records_spread_among_good_ones_become_dead_letters_and_the_good_ones_land(
    broker: Broker, letters: Letters
) -> None:
    topic, group, store = broker.make_topic(2), letters.new_group(), Store()
    values = frames(5_050)
    bad = list(range(50, 5_050, 100))
    for offset in bad:
        values[offset] = b"rubbish %d" % offset
    for partition in range(2):
        broker.publish(topic, partition, values)
    with running(broker, spec_for(group, topic, store), letters=letters.box) as service:
        wait_until("all committed", lambda: broker.committed(group, topic) == {0: 5_050, 1: 5_050})
        assert service.sample(SKIPPED, **labels(group)) == 100
        assert service.sample(REQUESTS, **labels(group)) == 100
        assert service.sample(FAILURES, **labels(group)) == 0
    assert sorted(letter.source for letter in letters.of(group)) == [
        (topic, partition, offset) for partition in range(2) for offset in bad
    ]
    for partition in range(2):
        assert store.offsets(topic, partition) == [offset for offset in range(5_050) if offset not in bad]
    for letter in letters.of(group):
        assert letter.errors.keys() == TEN_HEADERS
        assert letter.value == b"rubbish %d" % letter.source[2]
        assert letter.key == b"ada"
        assert letter.errors["connector.name"] == group
        assert letter.errors["task.id"] == "0"
        assert letter.errors["stage"] == "VALUE_CONVERTER"
        assert letter.errors["exception.class.name"].endswith(".Undecodable")
        assert "Undecodable" in letter.errors["exception.stacktrace"]
        assert letter.attempt == 0


class RowTooLoud(Terminal):
    """The store's word for a row it will not have."""


def name_row(sequence: int, row: int) -> Exception:
    return RowTooLoud(f"will not have {sequence}", row=row)


def name_no_row(sequence: int, row: int) -> Exception:
    return RowTooLoud(f"will not have {sequence}")


def meet_a_bug(sequence: int, row: int) -> Exception:
    return ValueError(f"will not have {sequence}")


def give_up(sequence: int, row: int) -> Exception:
    return SinkFailed(f"will not have {sequence}")


class Picky(RecordingSink):
    """Refuses rows with these sequence numbers."""

    def __init__(
        self, store: Store, refused: Sequence[int], refuse: Callable[[int, int], Exception] = name_no_row
    ) -> None:
        super().__init__(store)
        self._refused = refused
        self._refuse = refuse

    def put(self, batch: FrameBatch) -> None:
        for row, sequence in enumerate(batch.sequence.tolist()):
            if sequence in self._refused:
                raise self._refuse(sequence, row)
        super().put(batch)


@pytest.mark.parametrize("refuse", [name_row, name_no_row, meet_a_bug])
def test_a_row_the_sink_refuses_costs_only_that_row(
    broker: Broker, letters: Letters, refuse: Callable[[int, int], Exception]
) -> None:
    topic, group, store = broker.make_topic(1), letters.new_group(), Store()
    broker.publish(topic, 0, frames(400))
    refused = [0, 7, 8, 150, 399]
    config = {"topics": topic, "offset.flush.interval.ms": "100"}
    spec = ConnectorSpec(group, config, lambda: Picky(store, refused, refuse))
    with running(broker, spec, letters=letters.box) as service:
        wait_until("all committed, the refused last one too", lambda: broker.committed(group, topic) == {0: 400})
        assert service.sample(SKIPPED, **labels(group)) == len(refused)
        assert service.sample("kafka_connect_sink_task_sink_record_send_total", **labels(group)) == 395
        assert service.sample("kafka_connect_worker_connector_task_restart_total", **labels(group)) == 0
    assert store.offsets(topic, 0) == [offset for offset in range(400) if offset not in refused]
    found = letters.of(group)
    assert [letter.source[2] for letter in found] == refused
    assert [letter.value for letter in found] == [encode_empty_frame(offset) for offset in refused]
    assert {letter.errors["stage"] for letter in found} == {"TASK_PUT"}
    assert {letter.errors["class.name"] for letter in found} == {f"{__name__}.Picky"}
    assert all("will not have" in letter.errors["exception.message"] for letter in found)


def test_a_sink_that_cannot_go_on_fails_its_task_and_throws_nothing_away(broker: Broker, letters: Letters) -> None:
    topic, group, store = broker.make_topic(1), letters.new_group(), Store()
    broker.publish(topic, 0, frames(20))
    config = {"topics": topic, "offset.flush.interval.ms": "100"}
    spec = ConnectorSpec(group, config, lambda: Picky(store, range(20), give_up))
    with running(broker, spec, letters=letters.box) as service:
        wait_until("failed", lambda: state(service, group, "FAILED"))
    assert letters.of(group) == []
    assert broker.committed(group, topic) == {}


def test_a_topic_full_of_rubbish_halts_the_task_and_is_not_drained_by_its_restarts(
    broker: Broker, letters: Letters
) -> None:
    topic, group, store = broker.make_topic(1), letters.new_group(), Store()
    broker.publish(topic, 0, [*frames(10), *[b"rubbish"] * 300])
    spec = spec_for(group, topic, store, errors_halt_run_length="40", task_restart_delay_max_ms="100")
    with running(broker, spec, letters=letters.box) as service:
        restarts = "kafka_connect_worker_connector_task_restart_total"
        wait_until("failed again and again", lambda: service.sample(restarts, **labels(group)) >= 3)
        wait_until("failed", lambda: state(service, group, "FAILED"))
        wait_until("committed what is accounted for", lambda: broker.committed(group, topic) == {0: 50})
    assert len(letters.of(group)) == 40
    assert store.offsets(topic, 0) == list(range(10))


def test_a_store_that_refuses_every_row_halts_the_task(broker: Broker, letters: Letters) -> None:
    topic, group, store = broker.make_topic(1), letters.new_group(), Store()
    broker.publish(topic, 0, frames(300))
    config = {"topics": topic, "errors.halt.run.length": "20", "task.restart.delay.max.ms": "100"}
    spec = ConnectorSpec(group, config, lambda: Picky(store, range(5, 300)))
    with running(broker, spec, letters=letters.box) as service:
        restarts = "kafka_connect_worker_connector_task_restart_total"
        wait_until("failed again and again", lambda: service.sample(restarts, **labels(group)) >= 2)
    assert [letter.source[2] for letter in letters.of(group)] == list(range(5, 25))


def test_more_than_half_bad_halts_the_task_and_no_limit_lets_all_of_it_pass(broker: Broker, letters: Letters) -> None:
    topic, store = broker.make_topic(1), Store()
    mixed: list[bytes | None] = []
    for value in frames(700):
        mixed += [value, b"rubbish", b"rubbish"]
    broker.publish(topic, 0, mixed)
    halted, patient = letters.new_group(), letters.new_group()
    with running(broker, spec_for(halted, topic, store), letters=letters.box) as service:
        wait_until("failed", lambda: state(service, halted, "FAILED"))
        assert len(letters.of(halted)) < 700
    spec = spec_for(patient, topic, store, errors_halt_ratio="0", errors_halt_run_length="0")
    with running(broker, spec, letters=letters.box):
        wait_until("all passed", lambda: broker.committed(patient, topic) == {0: 2_100})
    assert len(letters.of(patient)) == 1_400


def test_without_tolerance_nothing_is_sent_and_the_record_is_named(broker: Broker, letters: Letters) -> None:
    topic, group, store = broker.make_topic(1), letters.new_group(), Store()
    broker.publish(topic, 0, [*frames(7), DAMAGED[0], *frames(3)])
    spec = spec_for(group, topic, store, errors_tolerance="none")
    with running(broker, spec, letters=letters.box) as service:
        wait_until("failed", lambda: state(service, group, "FAILED"))
        wait_until("committed up to it", lambda: broker.committed(group, topic) == {0: 7})
    assert letters.of(group) == []


class ClosedBox:
    """A dead-letter topic that takes nothing while it is closed."""

    def __init__(self, box: LetterBox) -> None:
        self._box = box
        self.closed = threading.Event()
        self.refused = 0
        self.prepare = box.prepare
        self.close = box.close

    def send(self, dead_letter_topic: str, letters: Sequence[Letter]) -> None:
        if self.closed.is_set():
            self.refused += 1
            raise Transient("no acknowledgement")
        self._box.send(dead_letter_topic, letters)


def test_no_offset_passes_a_bad_record_before_its_dead_letter_is_acknowledged(broker: Broker, letters: Letters) -> None:
    topic, group, store, box = broker.make_topic(1), letters.new_group(), Store(), ClosedBox(letters.box)
    box.closed.set()
    broker.publish(topic, 0, [DAMAGED[0], *frames(10)])
    with running(broker, spec_for(group, topic, store), letters=box) as service:
        wait_until("tried again", lambda: box.refused >= 3)
        assert broker.committed(group, topic) == {}
        assert service.sample(FAILURES, **labels(group)) >= 3
        assert service.sample(SKIPPED, **labels(group)) == 0
        box.closed.clear()
        wait_until("all committed", lambda: broker.committed(group, topic) == {0: 11})
    assert [letter.source[2] for letter in letters.of(group)] == [0]


def test_a_halt_whose_letters_are_not_taken_at_once_passes_over_no_row(broker: Broker, letters: Letters) -> None:
    topic, group, store, box = broker.make_topic(1), letters.new_group(), Store(), ClosedBox(letters.box)
    box.closed.set()
    broker.publish(topic, 0, frames(50))
    config = {"topics": topic, "errors.halt.run.length": "3", "offset.flush.interval.ms": "100"}
    spec = ConnectorSpec(group, config, lambda: Picky(store, range(5, 10)))
    with running(broker, spec, letters=box) as service:
        wait_until("tried again", lambda: box.refused >= 3)
        box.closed.clear()
        wait_until("failed", lambda: state(service, group, "FAILED"))
    assert [letter.source[2] for letter in letters.of(group)] == [5, 6, 7]
    assert set(store.offsets(topic, 0)) <= set(range(5))
    assert broker.committed(group, topic).get(0, 0) <= 5


def test_a_service_stops_in_time_while_its_dead_letters_are_not_taken(broker: Broker, letters: Letters) -> None:
    topic, group, store, box = broker.make_topic(1), letters.new_group(), Store(), ClosedBox(letters.box)
    box.closed.set()
    broker.publish(topic, 0, [DAMAGED[0], *frames(10)])
    with running(broker, spec_for(group, topic, store), letters=box) as service:
        wait_until("tried", lambda: box.refused >= 1)
    assert service.exit_code == 0
    assert broker.committed(group, topic) == {}


def test_without_a_topic_of_dead_letters_records_are_logged_and_passed(broker: Broker, letters: Letters) -> None:
    topic, group, store = broker.make_topic(1), letters.new_group(), Store()
    broker.publish(topic, 0, [DAMAGED[0], *frames(3)])
    spec = spec_for(group, topic, store)
    spec = ConnectorSpec(group, {**spec.config, "errors.deadletterqueue.topic.name": ""}, spec.make_sink)
    with running(broker, spec, letters=letters.box) as service:
        wait_until("all passed", lambda: broker.committed(group, topic) == {0: 4})
        assert service.sample(SKIPPED, **labels(group)) == 1
        assert service.sample(REQUESTS, **labels(group)) == 0


@pytest.mark.servers
def test_records_as_large_as_their_topic_allows_are_dead_lettered_with_all_headers(
    kafka_settings: KafkaSettings, make_topic: Callable[..., str]
) -> None:
    broker = OnKafka(kafka_settings, make_topic)
    found = Letters(broker)
    group, store = found.new_group(), Store()
    limit = 3 * 1024 * 1024
    topic = make_topic(1, max_message_bytes=str(limit))
    largest = b"\xff" * (limit - 300)
    with BoundedPublisher(kafka_settings, PublisherOptions(max_request_bytes=2 * limit)) as publisher:
        publisher.publish(topic, b"ada", largest, [("note", b"as it was")], 1_700_000_000_000)
        publisher.publish(topic, b"ada", encode_empty_frame(1))
        publisher.flush()
        assert publisher.counts().failed == 0
    with running(broker, spec_for(group, topic, store), letters=found.box):
        wait_until("all committed", lambda: broker.committed(group, topic) == {0: 2})
    [letter] = found.of(group)
    found.close()
    assert letter.value == largest
    assert letter.errors.keys() == TEN_HEADERS
    assert letter.headers == (("note", b"as it was"),)
    assert letter.timestamp_ms == 1_700_000_000_000
    assert store.offsets(topic, 0) == [1]


def test_headers_have_connect_s_common_beginning() -> None:
    assert PREFIX + "exception.stacktrace" == "__connect.errors.exception.stacktrace"
