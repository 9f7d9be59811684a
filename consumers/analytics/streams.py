"""The streams of one partition: every frame in order of its offset, and idle streams brought to their end."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from consumers.analytics.facts import FrameFacts, MotionFacts
from consumers.analytics.features.motion import Track, measure_motion, read_track, write_track_row
from consumers.analytics.finding import Category, Change
from consumers.analytics.repertoire import Repertoire
from consumers.analytics.results import Performance, ResultEvent, announce
from consumers.analytics.session import Session, begin_session
from consumers.analytics.timeline import Step, StreamKey, Timeline
from consumers.analytics.windows.window_row import WindowRow

_NOWHERE = -1


@dataclass(slots=True)
class Outcome:
    """What records caused, each with the position (offset in its partition) of the record that did."""

    events: list[tuple[int, ResultEvent]] = field(default_factory=list)
    windows: list[tuple[int, Session, WindowRow]] = field(default_factory=list)
    """Windows that closed."""
    late_frames: int = 0
    failures: int = 0
    """Frames at which a recogniser broke."""

    @property
    def has_fired(self) -> bool:
        """Whether a rule did."""
        return any(event.result.finding.category is Category.REACTION for _, event in self.events)

    def extend(self, later: "Outcome") -> None:
        self.events += later.events
        self.windows += later.windows
        self.late_frames += later.late_frames
        self.failures += later.failures

    def silence_before(self, position: int) -> None:
        """Keep nothing that records before a position caused."""
        if position:
            self.events = [entry for entry in self.events if entry[0] >= position]
            self.windows = [entry for entry in self.windows if entry[0] >= position]

    def forget(self, is_forgotten: Callable[[str, int], bool]) -> None:
        """Keep nothing of streams that `is_forgotten`, asked with a name and a time in microseconds since 1970."""
        self.events = [
            (position, event)
            for position, event in self.events
            if not is_forgotten(event.result.performance.stream_id, event.result.finding.started_us)
        ]
        self.windows = [
            (position, session, row)
            for position, session, row in self.windows
            if not is_forgotten(session.stream_id, row.start_us)
        ]


class PartitionStreams:
    """All streams of one partition. What comes out depends on the records and their order alone."""

    def __init__(self, sessions: Iterable[Session] = (), clock_us: int = 0) -> None:
        self._sessions = {session.key: session for session in sessions}
        self._timeline = Timeline(((session.key, session.place) for session in self._sessions.values()), clock_us)
        tracked = [session for session in self._sessions.values() if session.track is not None]
        self._tracks = read_track([session.track for session in tracked if session.track is not None])
        self._track_row = {session.key: row for row, session in enumerate(tracked)}
        self.unsaved: dict[tuple[StreamKey, int], Session] = {}
        """The sessions changed since `mark_saved`, those that have ended among them."""
        self.unshown = set(self._sessions)
        """Streams whose open windows may have changed since they were saved."""

    @property
    def clock_us(self) -> int:
        return self._timeline.clock_us

    def __len__(self) -> int:
        """How many streams are under way."""
        return len(self._sessions)

    def get(self, key: StreamKey) -> Session | None:
        """A stream that is under way; None for one that has ended or was never seen."""
        return self._sessions.get(key)

    def mark_saved(self, *, with_windows: bool) -> None:
        self.unsaved = {}
        if with_windows:
            self.unshown = set()

    def write_track(self, key: StreamKey) -> str | None:
        """Where the body of a stream was last, as plain state."""
        row = self._track_row.get(key)
        return None if row is None else write_track_row(self._tracks, row)

    def advance(
        self, facts: Sequence[FrameFacts], positions: Sequence[int], track: Track, repertoire: Repertoire
    ) -> Outcome:
        """Take the partition's next records. `positions` are their offsets in it, `track` has the same rows."""
        keys = [(frame.stream_id, frame.epoch) for frame in facts]
        steps = [
            self._timeline.take(key, frame.sequence, frame.captured_at_us)
            for key, frame in zip(keys, facts, strict=True)
        ]
        motions = self._measure_motion(keys, steps, track)
        outcome = Outcome(late_frames=sum(not step.verdict.is_judged for step in steps))
        for frame, key, step, position, motion in zip(facts, keys, steps, positions, motions, strict=True):
            session = self._sessions.get(key)
            if session is None:
                session = self._sessions[key] = begin_session(frame, position, step.place)
            frame.motion = motion
            self._note(session)
            failures = session.failures
            changes, closed = session.take(frame, step.verdict, repertoire)
            outcome.failures += session.failures - failures
            self._tell(outcome, position, session, changes, closed)
            for silent in step.silent:
                self._finish(outcome, position, silent, repertoire)
        return outcome

    def end_all(self, position: int, repertoire: Repertoire) -> Outcome:
        """End every stream, as if all had fallen silent."""
        outcome = Outcome()
        for key in list(self._sessions):
            self._finish(outcome, position, key, repertoire)
        self._timeline.drop(lambda _key, _place: True)
        return outcome

    def forget(self, is_forgotten: Callable[[str, int], bool]) -> None:
        """Drop streams, with what was counted of them and is not saved, as if they had never been.

        `is_forgotten` is asked with a stream's name and when it was last seen, microseconds since 1970.
        """
        gone = {key for key, each in self._sessions.items() if is_forgotten(each.stream_id, each.place.captured_at_us)}
        for key in gone:
            del self._sessions[key]
            self._track_row.pop(key, None)
        self._timeline.drop(lambda key, _place: key in gone)
        self.unsaved = {
            name: session
            for name, session in self.unsaved.items()
            if not is_forgotten(session.stream_id, session.place.captured_at_us)
        }

    def _measure_motion(
        self, keys: Sequence[StreamKey], steps: Sequence[Step], track: Track
    ) -> list[MotionFacts | None]:
        """Each row's motion since its stream's frame before; and remember each stream's last row."""
        carried = len(self._tracks)
        before = np.full(len(keys), _NOWHERE, dtype=np.intp)
        last: dict[StreamKey, int] = {}
        for row, (key, step) in enumerate(zip(keys, steps, strict=True)):
            if step.begins:
                last.pop(key, None)
                self._track_row.pop(key, None)
            if step.verdict.is_judged:
                if key in last:
                    before[row] = carried + last[key]
                else:
                    before[row] = self._track_row.get(key, _NOWHERE)
                last[key] = row
            for silent in step.silent:
                last.pop(silent, None)
                self._track_row.pop(silent, None)
        motions = measure_motion(self._tracks, track, before)
        kept = [key for key in self._track_row if key not in last]
        rows = [self._track_row[key] for key in kept] + [carried + row for row in last.values()]
        self._tracks = Track.concat([self._tracks, track]).take(np.array(rows, dtype=np.intp))
        self._track_row = {key: row for row, key in enumerate([*kept, *last])}
        return motions

    def _finish(self, outcome: Outcome, position: int, key: StreamKey, repertoire: Repertoire) -> None:
        session = self._sessions.pop(key)
        self._note(session)
        changes, closed = session.end(repertoire)
        self._tell(outcome, position, session, changes, closed)

    def _note(self, session: Session) -> None:
        self.unsaved[session.key, session.first_offset] = session
        self.unshown.add(session.key)

    @staticmethod
    def _tell(
        outcome: Outcome, position: int, session: Session, changes: Sequence[Change], closed: Sequence[WindowRow]
    ) -> None:
        if changes:
            performance = Performance(session.stream_id, session.epoch, session.topic, session.partition)
            outcome.events += [(position, announce(performance, *change)) for change in changes]
        if closed:
            outcome.windows += [(position, session, row) for row in closed]
