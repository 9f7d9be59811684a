"""A sink behind the ledger: what reaches it, what counts as done, and what is on record."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pytest

from connect_runtime.forgetting.sink import ForgettingSink
from connect_runtime.forgetting.streams import NOBODY, ForgottenStream, ForgottenStreams, digest_name
from connect_runtime.sink import Assignment, TickingSink, TopicPartition
from keypoints.errors import Terminal
from keypoints.frame import FrameBatch, HolisticFrame
from tests.connect_runtime.harness import StoreDown

SALT = "0a0b"
PLACE = TopicPartition("frames", 0)
OTHER = TopicPartition("frames", 1)
MOMENT_US = 1_000_000


def forgotten(*names: str, until_us: int | None = MOMENT_US) -> ForgottenStreams:
    return ForgottenStreams([ForgottenStream(SALT, digest_name(SALT, name), until_us, 0) for name in names])


def rows(names: str, first: int = 0, captured_at_us: int = 0, partition: int = 0) -> FrameBatch:
    """One row for each letter, a stream of that name."""
    frames = [
        HolisticFrame(
            stream_id=name, sequence=0, epoch=1, captured_at_us=captured_at_us, processed_at_us=0, width=1, height=1
        )
        for name in names
    ]
    return FrameBatch.from_frames(frames, topic="frames", partition=partition, first_offset=first)


@dataclass
class FakeLedger:
    forgotten: ForgottenStreams = NOBODY
    coming: ForgottenStreams | None = None
    closed: bool = False

    def catch_up(self) -> None:
        self.look()

    def look(self) -> bool:
        if self.coming is None:
            return False
        self.forgotten, self.coming = self.coming, None
        return True

    def close(self) -> None:
        self.closed = True


@dataclass
class FakeSink:
    """Durable with a flush, as the Parquet sink is."""

    tick_interval_s: float = 1.0
    taken: list[str] = field(default_factory=list)
    batches: list[FrameBatch] = field(default_factory=list)
    durable: dict[TopicPartition, int] = field(default_factory=dict)
    refuses: str = ""
    away: bool = False
    calls: list[str] = field(default_factory=list)

    def open(self, assignment: Assignment) -> Mapping[TopicPartition, int]:
        self.calls.append("open")
        return {}

    def put(self, batch: FrameBatch) -> None:
        for row, name in enumerate(batch.stream_id.tolist()):
            if name == self.refuses:
                raise Terminal("this one not", row=row)
        self.batches.append(batch)
        self.taken += batch.stream_id.tolist()

    def tick(self) -> None:
        self.calls.append("tick")

    def flush(self) -> None:
        if self.away:
            raise StoreDown("the store is away")
        self.calls.append("flush")
        for batch in self.batches:
            self.durable |= {TopicPartition(batch.topic, part): at for part, at in batch.next_offsets().items()}
        self.batches.clear()

    def durable_offsets(self) -> Mapping[TopicPartition, int]:
        return self.durable

    def close(self, revoked: Sequence[TopicPartition]) -> None:
        self.calls.append("close")

    def alter_offsets(self, offsets: Mapping[TopicPartition, int | None]) -> None:
        self.calls.append("alter")

    def stop(self) -> None:
        self.calls.append("stop")


@dataclass
class Behind:
    """A sink behind a ledger, and what was put on record."""

    ledger: FakeLedger
    inner: FakeSink = field(default_factory=FakeSink)
    noted: list[int] = field(default_factory=list)
    counted: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.sink = ForgettingSink(self.inner, self.ledger, self._note, self.counted.append)
        self.sink.open(Assignment((PLACE, OTHER), 1, "member", 0))

    def _note(self, batch: FrameBatch) -> None:
        self.noted += batch.identity_offset.tolist()


def test_with_nobody_forgotten_the_very_batch_is_passed_on() -> None:
    behind = Behind(FakeLedger())
    batch = rows("aba")
    behind.sink.put(batch)
    assert behind.inner.batches[0] is batch
    assert isinstance(behind.sink, TickingSink)
    assert behind.sink.tick_interval_s == behind.inner.tick_interval_s


def test_rows_of_a_forgotten_stream_are_kept_back_and_counted() -> None:
    behind = Behind(FakeLedger(forgotten("b")))
    behind.sink.put(rows("abacb"))
    assert behind.inner.taken == ["a", "a", "c"]
    assert behind.counted == [2]


def test_what_is_kept_back_last_is_done_without_a_flush_once_nothing_else_is_on_its_way() -> None:
    behind = Behind(FakeLedger(forgotten("b")))
    behind.sink.put(rows("ab"))
    for _ in range(3):
        behind.sink.tick()
    assert behind.noted == [], "row 0 is on its way still"
    behind.inner.flush()
    behind.sink.tick()
    assert behind.noted == [1]
    assert behind.sink.durable_offsets() == {PLACE: 2}
    behind.sink.put(rows("b", first=2))
    behind.sink.tick()
    assert behind.noted == [1], "more may come, to be noted together"
    behind.sink.tick()
    assert behind.noted == [1, 2]
    assert behind.sink.durable_offsets() == {PLACE: 3}


def test_rows_behind_one_that_is_not_on_record_yet_do_not_count_though_they_are_durable() -> None:
    behind = Behind(FakeLedger(forgotten("b")))
    behind.sink.put(rows("aba"))
    behind.inner.flush()
    assert behind.sink.durable_offsets() == {PLACE: 1}
    behind.sink.flush()
    assert behind.sink.durable_offsets() == {PLACE: 3}


def test_what_is_kept_back_is_done_once_all_before_it_is_durable_and_it_is_on_record() -> None:
    behind = Behind(FakeLedger(forgotten("b")))
    behind.sink.put(rows("ab"))
    assert behind.sink.durable_offsets() == {}, "row 0 is not durable yet"
    behind.sink.flush()
    assert behind.noted == [1]
    assert behind.sink.durable_offsets() == {PLACE: 2}
    behind.sink.put(rows("bb", first=2))
    assert behind.sink.durable_offsets() == {PLACE: 2}
    behind.sink.flush()
    assert behind.sink.durable_offsets() == {PLACE: 4}, "of a batch that was kept back whole"
    assert behind.noted == [1, 2, 3]
    behind.sink.put(rows("a", first=4))
    behind.sink.flush()
    assert behind.sink.durable_offsets() == {PLACE: 5}
    assert behind.noted == [1, 2, 3]


def test_a_refused_row_holds_up_the_forgotten_ones_after_it_and_is_named_by_its_own_place() -> None:
    behind = Behind(FakeLedger(forgotten("b")), FakeSink(refuses="x"))
    with pytest.raises(Terminal) as refused:
        behind.sink.put(rows("bbaxb"))
    assert refused.value.fields["row"] == 3
    behind.sink.flush()
    assert behind.noted == []
    assert behind.sink.durable_offsets() == {}


def test_the_sink_is_flushed_when_somebody_is_entered_before_it_gets_another_row() -> None:
    behind = Behind(FakeLedger())
    behind.sink.put(rows("ab"))
    behind.ledger.coming = forgotten("b")
    behind.sink.tick()
    assert behind.inner.calls == ["open", "flush", "tick"]
    behind.ledger.coming = forgotten("b", "c")
    behind.sink.put(rows("ac", first=2))
    assert behind.inner.calls == ["open", "flush", "tick", "flush"]
    assert behind.inner.taken == ["a", "b", "a"]


def test_while_the_store_is_away_the_flush_stays_due() -> None:
    behind = Behind(FakeLedger())
    behind.sink.put(rows("ab"))
    behind.ledger.coming = forgotten("b")
    behind.inner.away = True
    for _ in range(2):
        with pytest.raises(StoreDown):
            behind.sink.put(rows("ac", first=2))
    behind.inner.away = False
    behind.sink.put(rows("ac", first=2))
    assert behind.inner.calls == ["open", "flush"]
    assert behind.inner.taken == ["a", "b", "a", "c"]


def test_what_comes_after_the_moment_is_kept_unless_it_is_for_ever() -> None:
    behind = Behind(FakeLedger(forgotten("b")))
    behind.sink.put(rows("b", captured_at_us=MOMENT_US - 1))
    behind.sink.put(rows("b", first=1, captured_at_us=MOMENT_US))
    assert behind.inner.taken == ["b"]
    for_ever = Behind(FakeLedger(forgotten("b", until_us=None)))
    for_ever.sink.put(rows("b", captured_at_us=2**60))
    assert for_ever.inner.taken == []


def test_partitions_that_are_gone_are_not_spoken_of() -> None:
    behind = Behind(FakeLedger(forgotten("b")))
    behind.sink.put(rows("b"))
    behind.sink.put(rows("b", partition=1, first=10))
    behind.sink.close([PLACE])
    behind.sink.flush()
    assert behind.sink.durable_offsets() == {OTHER: 11}
    assert behind.noted == [10]
    behind.sink.stop()
    assert behind.ledger.closed
