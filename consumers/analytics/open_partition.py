"""A partition at work: where its streams stand, and how much of that is in the store."""

import uuid
from dataclasses import dataclass, field

from connect_runtime.sink import TopicPartition
from consumers.analytics.streams import PartitionStreams


@dataclass(slots=True)
class OpenPartition:
    """A partition at work: its streams, how far they have come, and how far that is saved."""

    topic_partition: TopicPartition
    topic_id: str
    streams: PartitionStreams = field(default_factory=PartitionStreams)
    saved_by: uuid.UUID | None = None
    """The save, telling or move of offsets that the store has last seen; None when it has never seen the partition."""
    saved_offset: int | None = None
    """The offset the saved state belongs to."""
    next_offset: int | None = None
    """The offset after the last record taken into `streams`; None before the first."""
    first_offset: int | None = None
    """The first record ever taken, by a member that found nothing saved."""
    quiet_until: int = 0
    """Records before this are taken for the state alone: what they cause was said before."""
    snapshot_offset: int = 0
    """Where the newest snapshot is."""
    snapshot_records: int = 0
    """So many records lie between two."""

    @property
    def is_saved(self) -> bool:
        return self.next_offset == self.saved_offset and not self.streams.unsaved

    @property
    def is_quiet(self) -> bool:
        """Whether what it stands at is past: the tables know more."""
        return self.quiet_records > 0

    @property
    def quiet_records(self) -> int:
        """How many records are still to be taken for the state alone, at most."""
        return 0 if self.next_offset is None else max(0, self.quiet_until - self.next_offset)

    @property
    def is_snapshot_due(self) -> bool:
        """Whether the next save is to keep one."""
        begins = self.first_offset if self.saved_by is None and self.first_offset is not None else self.snapshot_offset
        return self.next_offset is not None and self.next_offset - begins >= self.snapshot_records

    def mark_saved(self, save_id: uuid.UUID, *, with_windows: bool) -> None:
        """All of it is in the store, open windows too if they were written."""
        if self.is_snapshot_due and self.next_offset is not None:
            self.snapshot_offset = self.next_offset
        elif self.saved_by is None and self.first_offset is not None:
            self.snapshot_offset = self.first_offset
        self.saved_by, self.saved_offset = save_id, self.next_offset
        self.streams.mark_saved(with_windows=with_windows)

    def mark_told(self, news_id: uuid.UUID) -> None:
        """What was found so far is in the store; the state is where it was."""
        self.saved_by = news_id
