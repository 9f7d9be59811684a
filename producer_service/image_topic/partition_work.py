"""One partition of the topic of images: what was read of it, what became of each record, and how far to commit."""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum, auto

from keypoints.codec import RawRecord
from producer_service.image_topic.image_record import ImageRecord
from producer_service.image_topic.positions import OutputPositions


class Phase(Enum):
    """Where a partition is between being assigned and being revoked."""

    LOOKING_BACK = auto()
    """What its last owner published without committing it is being looked for."""
    OPENING = auto()
    """Nothing is handed to a stream before it is committed where one would find what becomes of it."""
    RUNNING = auto()
    """Records are read and handed to their streams."""
    FAILING = auto()
    """A frame did not reach Kafka: what is under way is waited for, then it is read again from the first gap."""
    GIVEN_UP = auto()
    """Somebody else's by now, or soon: what still becomes of its records is nobody's business here."""


@dataclass(slots=True, eq=False)
class Entry:
    """A record that was read. `handed_at` are the ends of the topic of frames when its picture was handed over."""

    record: RawRecord
    image: ImageRecord | None = None
    handed_at: tuple[int, ...] | None = None
    done: bool = False


@dataclass(slots=True, eq=False)
class PartitionWork:
    """What a member does with a partition between an assignment and its end; `next_offset` is the one to commit.

    `published` are offsets from there on that need no frame any more; `published_from` is where they were found.
    """

    partition: int
    next_offset: int
    phase: Phase
    published: frozenset[int] = frozenset()
    published_from: tuple[int, ...] | None = None
    committed: tuple[int, OutputPositions | None] | None = None
    committed_s: float = 0.0
    paused: bool = True
    short_of_room: bool = False
    """A stream of it waits for a landmarker."""
    failures: int = 0
    again_s: float = 0.0
    """When a failing one is read again."""
    under_way: int = 0
    """Entries that are handed over, or dead letters not acknowledged yet."""
    waiting: dict[str, deque[Entry]] = field(default_factory=dict)
    waiting_records: int = 0
    waiting_bytes: int = 0
    _entries: deque[Entry] = field(default_factory=deque)

    def add(self, entry: Entry) -> None:
        """A record was read; they come in the order of their offsets."""
        self._entries.append(entry)

    def let_wait(self, entry: Entry, stream_id: str) -> None:
        """Its stream is to get it when there is room."""
        self.waiting.setdefault(stream_id, deque()).append(entry)
        self.waiting_records += 1
        self.waiting_bytes += len(entry.record.value or b"")

    def hand_over(self, stream_id: str, ends: tuple[int, ...]) -> Entry:
        """The first that waits of a stream goes on its way."""
        queue = self.waiting[stream_id]
        entry = queue.popleft()
        if not queue:
            del self.waiting[stream_id]
        self.waiting_records -= 1
        self.waiting_bytes -= len(entry.record.value or b"")
        entry.handed_at = ends
        self.begin()
        return entry

    def begin(self) -> None:
        """What becomes of an entry is to be waited for."""
        self.under_way += 1

    def note_done(self, entry: Entry) -> None:
        """A frame or a dead letter is acknowledged."""
        self.under_way -= 1
        entry.done = True

    def take_nothing_more(self) -> None:
        """What waits is left for whoever reads it next."""
        self.waiting.clear()
        self.waiting_records = self.waiting_bytes = 0

    def advance(self) -> int:
        """Go on over what is done; the offset to commit."""
        while self._entries and self._entries[0].done:
            self.next_offset = self._entries.popleft().record.offset + 1
        return self.next_offset

    def find_positions(self, topic: str, ends: tuple[int, ...]) -> OutputPositions:
        """Where in `topic`, which now ends there, one finds what was published of images from `next_offset` on."""
        handed = [entry.handed_at for entry in self._entries if entry.handed_at is not None]
        if self.published_from is not None and any(offset >= self.next_offset for offset in self.published):
            handed.append(self.published_from)
        # Ends only grow, so that the earliest of them are the least in every partition.
        return OutputPositions(topic, min([ends, *handed]))

    @property
    def left_nothing(self) -> bool:
        """Whether no image from `next_offset` on was published, or may yet be."""
        return (
            not self.under_way
            and not any(entry.handed_at or entry.done for entry in self._entries)
            and not any(offset >= self.next_offset for offset in self.published)
        )

    def begin_again(self, positions: OutputPositions) -> None:
        """Read again from `next_offset`; what is done behind it stays done. Nothing may be under way."""
        done = frozenset(entry.record.offset for entry in self._entries if entry.done)
        self.published = frozenset(offset for offset in self.published if offset >= self.next_offset) | done
        self.published_from = positions.offsets
        self.take_nothing_more()
        self._entries.clear()
        self.phase = Phase.LOOKING_BACK

    def add_published(self, offsets: Iterable[int], positions: OutputPositions) -> None:
        """These were found as frames, from those positions on."""
        self.published |= frozenset(offsets)
        self.published_from = positions.offsets
        self.phase = Phase.OPENING
