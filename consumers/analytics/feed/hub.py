"""Events handed on: the newest in memory, each once, to every reader that wants them and keeps up."""

import asyncio
import heapq
import logging
from collections import OrderedDict, deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Final, NamedTuple

import orjson

from consumers.analytics.feed.event import EventFilter, FeedEvent, UnreadableEvent, read_event
from consumers.analytics.feed.following import Follow, Polled, Standing
from consumers.analytics.feed.metrics import EVENTS_READ, EVENTS_REPEATED, EVENTS_UNREADABLE
from consumers.analytics.feed.positions import Positions, write_positions
from consumers.analytics.feed.stream_book import StreamBook
from keypoints.codec import RawRecord
from keypoints.errors import Transient
from observability.metrics import Metrics

log = logging.getLogger(__name__)

_REMEMBERED_IDS: Final = 20_000


class CutOff(Transient):
    """The reader is sent nothing more, because it does not keep up."""


class FeedClosing(Transient):
    """The reader is sent nothing more, because the service ends."""


_CLOSING: Final = FeedClosing("the service is stopping")


class Message(NamedTuple):
    """What readers are sent: an event, or a word of the feed's own (`state`, `gap`, `cut`), which has no id."""

    id: str | None
    event: str
    data: bytes


class Remembered(NamedTuple):
    """An event in memory, and the id by which a reader goes on after it."""

    event: FeedEvent
    id: str

    def message(self) -> Message:
        return Message(self.id, self.event.phase.value, self.event.body)


class SeenIds:
    """Ids of the newest events."""

    def __init__(self, most: int = _REMEMBERED_IDS) -> None:
        self._most = most
        self._ids: OrderedDict[str, None] = OrderedDict()

    def add(self, event_id: str) -> bool:
        """Whether it is new."""
        if event_id in self._ids:
            self._ids.move_to_end(event_id)
            return False
        self._ids[event_id] = None
        if len(self._ids) > self._most:
            self._ids.popitem(last=False)
        return True


class Reader:
    """One who reads along. What it has not taken yet is bounded."""

    def __init__(self, wanted: EventFilter, most_unread: int) -> None:
        self.wanted = wanted
        self.skips = SeenIds()
        """Ids it was sent before it joined."""
        self._most_unread = most_unread
        self._unread: deque[Message] = deque()
        self._arrived = asyncio.Event()
        self._cut: CutOff | FeedClosing | None = None

    def offer(self, message: Message) -> None:
        """Have it sent, or the reader cut off when too much waits already."""
        if self._cut is None and len(self._unread) >= self._most_unread:
            self.cut(CutOff(f"more than {self._most_unread} events were waiting to be read"))
        if self._cut is None:
            self._unread.append(message)
            self._arrived.set()

    def cut(self, why: CutOff | FeedClosing) -> None:
        """Send nothing more, and let go of what waits."""
        if self._cut is None:
            self._cut = why
            self._unread.clear()
            self._arrived.set()

    async def next(self, patience_s: float) -> Message | None:
        """The next message; None when there was none for so long. Raises CutOff or FeedClosing."""
        try:
            async with asyncio.timeout(patience_s):
                await self._arrived.wait()
        except TimeoutError:
            return None
        if self._cut is not None:
            raise self._cut
        message = self._unread.popleft()
        if not self._unread:
            self._arrived.clear()
        return message


class Hub:
    """Everything of it is called on the loop's thread."""

    def __init__(self, book: StreamBook, metrics: Metrics, memory_events: int, unread_events: int) -> None:
        self._book = book
        self._metrics = metrics
        self._memory: deque[Remembered] = deque()
        self._memory_events = memory_events
        self._unread_events = unread_events
        self._seen = SeenIds()
        self._readers: set[Reader] = set()
        self._standings = {"events": Standing(), "skeletons": Standing()}
        self.begun = asyncio.Event()
        """Set once the events of before are in memory."""
        self.closing = asyncio.Event()
        """Set when every reader is to go."""
        self.floor: dict[int, int] = {}
        """From these offsets on every event is in memory."""
        self.positions: dict[int, int] = {}
        """The next offsets to be read."""

    def begin(self, starts: Mapping[int, int]) -> None:
        """The topic is read from there. What follows a break without a gap leaves the memory as it is."""
        for partition, start in starts.items():
            if self.positions.get(partition) != start:
                self.floor[partition] = start
                self._memory = deque(one for one in self._memory if one.event.partition != partition)
        self.positions = dict(starts)
        self.floor = {partition: self.floor[partition] for partition in starts}

    def take(self, polled: Polled) -> None:
        """Records of the topic, in the order of their partitions."""
        for record in merge_by_time(polled):
            self._metrics.counter(EVENTS_READ).inc()
            self.positions[record.partition] = record.offset + 1
            try:
                event = read_event(record)
            except UnreadableEvent as error:
                self._metrics.counter(EVENTS_UNREADABLE).inc()
                log.warning("skipped: %s", error.message, extra=error.fields)
                continue
            if self._seen.add(event.event_id):
                self._hand_on(event)
            else:
                self._metrics.counter(EVENTS_REPEATED).inc()

    def note(self, topic: str, standing: Standing) -> None:
        """How it stands with `events` or `skeletons`; every reader is told."""
        self._standings[topic] = standing
        if self.is_following:
            self.begun.set()
        for reader in self._readers:
            reader.offer(self.state())

    def standing(self, topic: str) -> Standing:
        """How it stands with `events` or `skeletons`."""
        return self._standings[topic]

    def state(self) -> Message:
        """How it stands, as readers are told."""
        said = {
            topic: {"state": standing.follow.value, "message": standing.message}
            for topic, standing in self._standings.items()
        }
        return Message(None, "state", orjson.dumps(said))

    @property
    def is_following(self) -> bool:
        """Whether events come as they are published."""
        return self._standings["events"].follow is Follow.FOLLOWING

    @contextmanager
    def join(self, wanted: EventFilter) -> Iterator[Reader]:
        """A reader of everything from now on, for the length of the block."""
        reader = Reader(wanted, self._unread_events)
        if self.closing.is_set():
            reader.cut(_CLOSING)
        self._readers.add(reader)
        try:
            yield reader
        finally:
            self._readers.discard(reader)

    def recall(self, wanted: EventFilter, newest: int) -> list[Remembered]:
        """The newest events in memory, oldest first."""
        fitting = [one for one in self._memory if wanted.admits(one.event)]
        return fitting[max(0, len(fitting) - newest) :] if newest else []

    def recall_after(self, wanted: EventFilter, after: Positions) -> list[Remembered]:
        """The events in memory that stand at or behind these offsets."""
        return [
            one
            for one in self._memory
            if one.event.offset >= after.get(one.event.partition, 0) and wanted.admits(one.event)
        ]

    def close(self) -> None:
        """Let every reader go, and whoever comes from now on."""
        self.closing.set()
        for reader in self._readers:
            reader.cut(_CLOSING)

    def _hand_on(self, event: FeedEvent) -> None:
        remembered = Remembered(event, write_positions(self.positions))
        self._memory.append(remembered)
        if len(self._memory) > self._memory_events:
            oldest = self._memory.popleft().event
            self.floor[oldest.partition] = oldest.offset + 1
        self._book.note_event(event)
        message = remembered.message()
        for reader in self._readers:
            if reader.wanted.admits(event) and reader.skips.add(event.event_id):
                reader.offer(message)


def merge_by_time(records: Mapping[int, Sequence[RawRecord]]) -> Iterator[RawRecord]:
    """Records of several partitions in the order they were published, each partition's own order kept."""
    return heapq.merge(*records.values(), key=lambda record: record.timestamp)
