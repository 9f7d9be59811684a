"""One stream, from its first record in an epoch until it falls silent: what is counted, remembered and recognised."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field

from consumers.analytics.facts import FrameFacts
from consumers.analytics.faults.verdict import Verdict
from consumers.analytics.finding import Change, Moment
from consumers.analytics.repertoire import Repertoire
from consumers.analytics.results import RULES_VERSION
from consumers.analytics.timeline import Place, StreamKey
from consumers.analytics.watch import Watch
from consumers.analytics.windows.window_row import WindowRow

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class Counts:
    """How much of a stream there was to see, in frames; those of parts are of frames in time."""

    frames: int = 0
    body: int = 0
    face: int = 0
    left: int = 0
    right: int = 0
    late: int = 0
    """Frames out of their order of time, or with an impossible one: counted, not judged."""


@dataclass(slots=True)
class Session:
    """Plain data throughout: it is what is saved. `topic` and `partition` are the identity of its newest record."""

    stream_id: str
    epoch: int
    first_offset: int
    """The position of its first record."""
    topic: str
    partition: int
    place: Place
    counts: Counts = field(default_factory=Counts)
    watch: Watch = field(default_factory=Watch)
    failures: int = 0
    """How often a recogniser broke at a frame of it."""
    rules_version: str = RULES_VERSION
    """By which rules this was worked out: others cannot go on with it."""
    track: str | None = None
    """Where its body was last, written when the session is saved; while it is under way its partition knows."""

    @property
    def key(self) -> StreamKey:
        return self.stream_id, self.epoch

    def take(
        self, frame: FrameFacts, verdict: Verdict, repertoire: Repertoire
    ) -> tuple[Sequence[Change], Sequence[WindowRow]]:
        """Take the stream's next record. Returns what changed, and the windows that closed.

        A recogniser that breaks is said in the log; the stream goes on with new ones, and the others undisturbed.
        """
        try:
            return self._take(frame, verdict, repertoire)
        except Exception as error:  # noqa: BLE001 - whatever it is, the other streams go on
            self._report_failure(error, frame.offset)
            return self.watch.give_up(repertoire)

    def _take(
        self, frame: FrameFacts, verdict: Verdict, repertoire: Repertoire
    ) -> tuple[Sequence[Change], Sequence[WindowRow]]:
        counts = self.counts
        counts.frames += 1
        moment = Moment(frame.captured_at_us, frame.offset)
        if not verdict.is_judged:
            counts.late += 1
            return self.watch.take_late(moment, frame, verdict, repertoire), ()
        counts.body += frame.body is not None
        counts.face += frame.face is not None
        counts.left += frame.left is not None
        counts.right += frame.right is not None
        self.topic, self.partition = frame.topic, frame.partition
        if verdict is not Verdict.SET_BACK:
            return self.watch.advance(moment, frame, verdict, repertoire)
        ended, closed = self.watch.end(self.stream_id, repertoire)
        changes, closed_too = self.watch.advance(moment, frame, verdict, repertoire)
        return [*ended, *changes], [*closed, *closed_too]

    def end(self, repertoire: Repertoire) -> tuple[Sequence[Change], Sequence[WindowRow]]:
        """End what is open, each with the last frame that showed it."""
        try:
            return self.watch.end(self.stream_id, repertoire)
        except Exception as error:  # noqa: BLE001 - as above
            self._report_failure(error, None)
            return self.watch.give_up(repertoire)

    def _report_failure(self, error: Exception, offset: int | None) -> None:
        """Say so, the first time and then ever more rarely: the next frame may break it again."""
        self.failures += 1
        if self.failures & (self.failures - 1) == 0:
            logger.error(
                "a recogniser broke, and the stream is watched anew",
                exc_info=error,
                extra={
                    "stream_id": self.stream_id,
                    "epoch": self.epoch,
                    "topic": self.topic,
                    "partition": self.partition,
                    "offset": offset,
                    "failures": self.failures,
                },
            )


def begin_session(frame: FrameFacts, position: int, place: Place) -> Session:
    """A session whose first record this is; `place` is its partition's, which moves it on."""
    return Session(frame.stream_id, frame.epoch, position, frame.topic, frame.partition, place)
