"""Analytics as a sink: frames in, results saved and announced."""

import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Engine

from connect_runtime.forgetting.streams import ForgottenStreams
from connect_runtime.sink import Assignment, SinkFailed, TopicPartition
from consumers.analytics.announcing import Announcing
from consumers.analytics.database import migrate
from consumers.analytics.facts import FrameFacts
from consumers.analytics.features.motion import Track, track_bodies
from consumers.analytics.frame_facts import read_facts
from consumers.analytics.metrics import SinkMetrics
from consumers.analytics.open_partition import OpenPartition
from consumers.analytics.outbox import EventPublisher
from consumers.analytics.reactions.courier import WebhookCourier
from consumers.analytics.repertoire import Repertoire
from consumers.analytics.retention import Retention
from consumers.analytics.save_pacer import SavePacer
from consumers.analytics.store import AnalyticsStore, Unsaved
from consumers.analytics.streams import Outcome
from consumers.analytics.taught.store import TaughtStore
from keypoints.frame import FrameBatch
from observability.metrics import Metrics

SNAPSHOT_RECORDS: Final = 50_000
_OUTBOX_LOOK_S: Final = 1.0
_OUTBOX_COUNT_S: Final = 10.0
_SHORTEST_TICK_S: Final = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class SinkOptions:
    """What a sink may be told besides where its servers are."""

    snapshot_records: int = SNAPSHOT_RECORDS
    """So many records of a partition lie between two snapshots of its state."""
    courier: WebhookCourier | None = None
    """Knows the users' rules, and brings what they say to its receivers; it is the sink's from now on."""
    retention: Retention | None = None
    """None: everything is kept."""
    metrics: Metrics = field(default_factory=Metrics)
    pacer: SavePacer = field(default_factory=SavePacer)
    windows_pacer: SavePacer = field(default_factory=lambda: SavePacer(share=5))
    """Of windows that are not closed: with 1,000 streams they are most of what a save writes."""
    monotonic_s: Callable[[], float] = time.monotonic


class _Write(NamedTuple):
    """What is written in one transaction: with the state, or the news alone."""

    unsaved: Sequence[Unsaved]
    news_only: bool


class AnalyticsSink:
    """Works out results in memory, and saves them with the state and offsets they stand on.

    At each flush everything is saved. What began or ended is told before, so that it is known at once (but where that
    takes long, less often), with the offset up to which all is told. Where the state goes on, and from where on it is
    news, is the store's word, so a restart in the middle of a gesture neither loses nor repeats it.
    """

    def __init__(
        self,
        engine: Engine,
        make_publisher: Callable[[], EventPublisher],
        topic_id: Callable[[str], str],
        options: SinkOptions | None = None,
    ) -> None:
        """`make_publisher` connects to the topic of events; `topic_id` names the topic of that name there is now."""
        options = options or SinkOptions()
        self._engine = engine
        self._topic_id = topic_id
        self._store = AnalyticsStore(engine, options.snapshot_records)
        self._announcing = Announcing(self._store, make_publisher)
        self._monotonic_s = options.monotonic_s
        self._taught = TaughtStore(engine)
        self._courier = options.courier
        self._retention = options.retention
        self._metrics = SinkMetrics(options.metrics)
        self._repertoire = Repertoire()
        self._open: dict[TopicPartition, OpenPartition] = {}
        self._outcomes: dict[TopicPartition, Outcome] = {}
        self._pacer = options.pacer
        self._windows_pacer = options.windows_pacer
        self._puts_windows_off = False
        self._looked_s = self._monotonic_s()
        self._counted_s = self._looked_s - _OUTBOX_COUNT_S
        # One id until the write has gone through, so that trying again is known for what it is.
        self._save_id = uuid.uuid4()
        self._unheard: _Write | None = None

    def open(self, assignment: Assignment) -> Mapping[TopicPartition, int]:
        """Load what the partitions' streams are in the middle of, and publish what a predecessor could not."""
        self._prepare()
        self._metrics.opened(assignment.task_id)
        topic_ids = {topic: self._topic_id(topic) for topic in {each.topic for each in assignment.partitions}}
        self._repertoire = Repertoire.of(
            self._taught.read_usable(), () if self._courier is None else self._courier.rules
        )
        self._outcomes, self._save_id, self._puts_windows_off, self._unheard = {}, uuid.uuid4(), False, None
        self._open = {
            partition: self._store.load(partition, topic_ids[partition.topic]) for partition in assignment.partitions
        }
        self._announcing.begin(self._open.keys())
        self._note_standing()
        return self.durable_offsets()

    def put(self, batch: FrameBatch) -> None:
        """Take frames in; rows before the partition's next offset were taken in before, and are skipped."""
        facts, track = read_facts(batch, self._repertoire.taught_shapes), track_bodies(batch)
        for number in np.unique(batch.partition).tolist():
            rows = np.flatnonzero(batch.partition == number)
            self._take(TopicPartition(batch.topic, number), batch.offset, rows, facts, track)
        self._tell_when_due()

    def flush(self) -> None:
        """Save what was taken in; windows that are not over, which are in the state, as often as there is time for."""
        is_due = self._windows_pacer.is_due(self._monotonic_s())
        self._save(self._open, provisional=is_due)
        self._puts_windows_off = not is_due
        # Ticks come when there is nothing else to do, which in a long backlog is never.
        self._look_after_outbox()

    @property
    def tick_interval_s(self) -> float:
        """How often what waits to be saved, and the outbox, are looked after."""
        return max(_SHORTEST_TICK_S, self._pacer.wait_s) if self._has_news else _OUTBOX_LOOK_S

    def tick(self) -> None:
        """Save what is due, publish again what the topic did not acknowledge, and drop what it did."""
        self._tell_when_due()
        if self._puts_windows_off and self._windows_pacer.is_due(self._monotonic_s()):
            self._save(self._open, provisional=True)
            self._puts_windows_off = False
        self._look_after_outbox()

    def durable_offsets(self) -> Mapping[TopicPartition, int]:
        """What is saved. Events not acknowledged yet are saved too, in the outbox."""
        return {
            partition: opened.saved_offset
            for partition, opened in self._open.items()
            if opened.saved_offset is not None
        }

    def forget(self, forgotten: ForgottenStreams) -> None:
        """Drop what these streams are in the middle of: else a gesture would be said to end once they are idle."""

        def is_forgotten(stream_id: str, at_us: int) -> bool:
            return forgotten.holds(stream_id, at_us, at_us // 1000)

        for opened in self._open.values():
            opened.streams.forget(is_forgotten)
        for outcome in self._outcomes.values():
            outcome.forget(is_forgotten)

    def close(self, revoked: Sequence[TopicPartition]) -> None:
        """Forget what was not saved of these partitions; whoever gets them works it out again."""
        for partition in revoked:
            self._open.pop(partition, None)
            self._outcomes.pop(partition, None)
        self._note_standing()

    def alter_offsets(self, offsets: Mapping[TopicPartition, int | None]) -> None:
        """Move offsets and state: it becomes what it was there, as far as snapshots reach back."""
        self._prepare()
        self._store.move(offsets, {topic: self._topic_id(topic) for topic in {each.topic for each in offsets}})

    def stop(self) -> None:
        """Let go of the topic and the database."""
        try:
            self._announcing.close()
        finally:
            if self._courier is not None:
                self._courier.stop()
            self._engine.dispose()

    @property
    def _has_news(self) -> bool:
        return bool(self._find_news())

    def _find_news(self) -> set[TopicPartition]:
        return {partition for partition, outcome in self._outcomes.items() if outcome.events}

    def _prepare(self) -> None:
        if not self._announcing.is_connected:
            migrate(self._engine)
            if self._courier is not None:
                self._courier.start()
            self._announcing.connect()

    def _take(
        self,
        partition: TopicPartition,
        offsets: NDArray[np.int64],
        rows: NDArray[np.intp],
        facts: Sequence[FrameFacts],
        track: Track,
    ) -> None:
        opened = self._open[partition]
        if opened.next_offset is not None:
            rows = rows[offsets[rows] >= opened.next_offset]
        if not len(rows):
            return
        positions = offsets[rows].tolist()
        if opened.next_offset is None:
            opened.first_offset = positions[0]
        try:
            outcome = opened.streams.advance(
                [facts[row] for row in rows.tolist()], positions, track.take(rows), self._repertoire
            )
        except Exception as error:
            # The streams have gone on halfway: nothing may be put into them again, they are to be loaded anew.
            raise SinkFailed(
                f"the streams of {partition.topic}/{partition.partition} cannot go on: {error!r}",
                topic=partition.topic,
                partition=partition.partition,
                first_offset=positions[0],
            ) from error
        self._metrics.took(outcome.late_frames, outcome.failures)
        outcome.silence_before(opened.quiet_until)
        self._outcomes.setdefault(partition, Outcome()).extend(outcome)
        opened.next_offset = positions[-1] + 1

    def _tell_when_due(self) -> None:
        self._repeat_unheard()
        news = self._find_news()
        if not news or not self._pacer.is_due(self._monotonic_s()):
            return
        began_s = self._monotonic_s()
        chosen = {partition: self._open[partition] for partition in news}
        if all(opened.saved_by is not None for opened in chosen.values()):
            self._tell(chosen)
        else:
            self._save(chosen, provisional=False)
        # A flush, which saves all, has a pace of its own: news need not pay for it.
        self._pacer.note(began_s, self._monotonic_s())

    def _look_after_outbox(self) -> None:
        now_s = self._monotonic_s()
        if now_s - self._looked_s < _OUTBOX_LOOK_S:
            return
        self._looked_s = now_s
        self._prepare()
        self._announcing.look_after(self._open.keys())
        if self._retention is not None:
            self._retention.retire(self._engine, now_s)
        if now_s - self._counted_s >= _OUTBOX_COUNT_S:
            self._counted_s = now_s
            self._metrics.undelivered(self._store.count_undelivered(self._open))

    def _note_standing(self) -> None:
        opened = self._open.values()
        self._metrics.stands(
            sum(len(each.streams) for each in opened),
            sum(each.quiet_records for each in opened),
            sum(each.streams.clock_us for each in opened),
        )

    def _tell(self, chosen: Mapping[TopicPartition, OpenPartition]) -> None:
        """Save what was found, without the state: that is several times as much, and can wait for the flush."""
        untold = [Unsaved(opened, self._outcomes[partition], False) for partition, opened in chosen.items()]
        self._write(_Write(untold, news_only=True))

    def _save(self, chosen: Mapping[TopicPartition, OpenPartition], *, provisional: bool) -> None:
        self._repeat_unheard()
        began_s = self._monotonic_s()
        unsaved = [
            Unsaved(opened, self._outcomes.get(partition, Outcome()), provisional)
            for partition, opened in chosen.items()
            if not opened.is_saved or (provisional and opened.streams.unshown)
        ]
        if unsaved:
            self._write(_Write(unsaved, news_only=False))
        if provisional:
            self._windows_pacer.note(began_s, self._monotonic_s())

    def _repeat_unheard(self) -> None:
        """A write whose answer was lost is known to the store as that very write, and so comes before any other."""
        if self._unheard is not None:
            self._write(self._unheard)

    def _write(self, write: _Write) -> None:
        began_s = self._monotonic_s()
        self._prepare()
        self._unheard = write
        if write.news_only:
            rows = self._store.tell(self._save_id, write.unsaved)
        else:
            rows = self._store.save(self._save_id, write.unsaved, self._announcing.collect_delivered())
            self._announcing.note_dropped()
        self._unheard = None
        written_id, self._save_id = self._save_id, uuid.uuid4()
        for opened, _, provisional in write.unsaved:
            self._outcomes.pop(opened.topic_partition, None)
            if write.news_only:
                opened.mark_told(written_id)
            else:
                # Of what is past the windows that are open are not written: the tables know more.
                opened.mark_saved(written_id, with_windows=provisional and not opened.is_quiet)
        if self._courier is not None and any(each.outcome.has_fired for each in write.unsaved):
            self._courier.wake()
        self._announcing.announce(rows)
        self._note_standing()
        self._report(write.unsaved, began_s)

    def _report(self, written: Sequence[Unsaved], began_s: float) -> None:
        self._metrics.saved(
            [event for each in written for _, event in each.outcome.events],
            sum(len(each.outcome.windows) for each in written),
            self._monotonic_s() - began_s,
        )
