"""What became of everything that came in; in the end received = acknowledged + dropped + rejected."""

import threading
from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from keypoints.errors import HolisticError
from producer_service.capture.captured import RefusalReason, Refused

MAX_REFUSALS_LISTED: Final = 100


class SourceOutcome(StrEnum):
    """How reading a source ended."""

    PUBLISHED = "published"
    NO_PERSON = "no_person"
    PARTLY_REJECTED = "partly_rejected"
    REJECTED = "rejected"
    STOPPED = "stopped"
    NOT_DELIVERED = "not_delivered"


@dataclass(slots=True)
class SourceReport:
    """One source's part: frames published (and how many with a person), and what it could not read.

    `already_published` are its pictures whose frames an earlier run had put on the topic: counted here, nowhere else.
    """

    name: str
    stream_id: str
    epoch: int | None = None
    frames: int = 0
    frames_with_person: int = 0
    already_published: int = 0
    rejected: int = 0
    refusals: list[Refused] = field(default_factory=list)
    stopped: bool = False
    failed: bool = False

    def refuse(self, refused: Refused) -> None:
        """Count a refusal, and keep the first ones to be shown."""
        self.rejected += 1
        if len(self.refusals) < MAX_REFUSALS_LISTED:
            self.refusals.append(refused)

    @property
    def outcome(self) -> SourceOutcome:
        """The worst that can be said of it."""
        if self.failed:
            return SourceOutcome.NOT_DELIVERED
        if self.stopped:
            return SourceOutcome.STOPPED
        if self.rejected:
            return SourceOutcome.PARTLY_REJECTED if self.frames + self.already_published else SourceOutcome.REJECTED
        # Whether there was somebody in what was published already is not known.
        return SourceOutcome.PUBLISHED if self.frames_with_person + self.already_published else SourceOutcome.NO_PERSON

    def as_dict(self) -> dict[str, object]:
        """For machine output."""
        return {
            "source": self.name,
            "stream_id": self.stream_id,
            "epoch": self.epoch,
            "outcome": self.outcome.value,
            "frames": self.frames,
            "frames_with_person": self.frames_with_person,
            "already_published": self.already_published,
            "rejected": self.rejected,
            "refusals": [
                {"name": refused.name, "reason": refused.reason.value, "message": refused.message}
                for refused in self.refusals
            ],
        }


@dataclass(frozen=True, slots=True)
class LedgerCounts:
    """A moment's numbers. `received` counts pictures taken from capture, inputs that gave none, and the frames an
    earlier process left on disk (`recovered`); `spilled` are those that wait there now, acknowledged by nobody yet."""

    received: int
    frames_read: int
    frames_with_person: int
    published: int
    acknowledged: int
    dropped: dict[str, int]
    rejected: dict[str, int]
    recovered: int = 0
    spilled: int = 0

    @property
    def in_flight(self) -> int:
        """Received, and nothing has become of it yet, `spilled` among it; below zero something was counted twice."""
        return self.received - self.acknowledged - sum(self.dropped.values()) - sum(self.rejected.values())

    @property
    def adds_up(self) -> bool:
        """received = acknowledged + dropped + rejected, but for what waits on disk."""
        return self.in_flight == self.spilled

    def as_dict(self) -> dict[str, object]:
        """For machine output."""
        return {
            "received": self.received,
            "frames_read": self.frames_read,
            "frames_with_person": self.frames_with_person,
            "published": self.published,
            "acknowledged": self.acknowledged,
            "dropped": self.dropped,
            "rejected": self.rejected,
            "recovered": self.recovered,
            "spilled": self.spilled,
            "adds_up": self.adds_up,
        }


class Ledger:
    """Counts from several threads: capture's, and Kafka's for the acknowledgements."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._frames_read = 0
        self._frames_with_person = 0
        self._published = 0
        self._acknowledged = 0
        self._dropped: Counter[str] = Counter()
        self._rejected: Counter[str] = Counter()
        self._rejected_inputs = 0
        self._recovered = 0
        self._spilled = 0
        self.sources: list[SourceReport] = []
        self.error: HolisticError | None = None
        self.seconds = 0.0

    def count_frame_read(self) -> None:
        """A picture was taken from capture."""
        with self._lock:
            self._frames_read += 1

    def count_input_rejected(self, reason: RefusalReason) -> None:
        """An input gave no picture."""
        with self._lock:
            self._rejected_inputs += 1
            self._rejected[reason.value] += 1

    def count_frame_rejected(self, reason: RefusalReason) -> None:
        """A picture that was read gave no frame."""
        with self._lock:
            self._rejected[reason.value] += 1

    def count_published(self, *, with_person: bool) -> None:
        """A frame was handed to Kafka's client."""
        with self._lock:
            self._published += 1
            self._frames_with_person += with_person

    def count_acknowledged(self) -> None:
        """Kafka has a frame."""
        with self._lock:
            self._acknowledged += 1

    def count_dropped(self, reason: str, frames: int = 1) -> None:
        """Frames will not reach Kafka."""
        with self._lock:
            self._dropped[reason] += frames

    def count_recovered(self, frames: int) -> None:
        """Frames of an earlier process wait on disk."""
        with self._lock:
            self._recovered += frames
            self._spilled += frames

    def count_spilled(self) -> None:
        """A frame waits on disk."""
        with self._lock:
            self._spilled += 1

    def count_unspilled(self) -> None:
        """A frame waits on disk no more; what became of it is counted besides."""
        with self._lock:
            self._spilled -= 1

    def counts(self) -> LedgerCounts:
        """The numbers of this moment."""
        with self._lock:
            return LedgerCounts(
                received=self._frames_read + self._rejected_inputs + self._recovered,
                frames_read=self._frames_read,
                frames_with_person=self._frames_with_person,
                published=self._published,
                acknowledged=self._acknowledged,
                dropped=dict(self._dropped),
                rejected=dict(self._rejected),
                recovered=self._recovered,
                spilled=self._spilled,
            )

    @property
    def clean(self) -> bool:
        """Whether everything that was received is on the topic."""
        counts = self.counts()
        return self.error is None and counts.in_flight == 0 and not counts.dropped and not counts.rejected

    def as_dict(self) -> dict[str, object]:
        """For machine output: the counts, each source's part, and the error that ended the run, if one did."""
        return {
            **self.counts().as_dict(),
            "seconds": round(self.seconds, 3),
            "error": None if self.error is None else self.error.message,
            "sources": [source.as_dict() for source in self.sources],
        }
