"""The streams of one partition in time: every frame in order of its offset, and idle streams brought to their end."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from consumers.analytics.results import MAX_TIME_US, GestureEvent, announce
from consumers.analytics.shapes.hold import HandHold, Moment, Phase, Run
from consumers.analytics.shapes.rules import GestureRules

HANDS: Final = ("left", "right")

StreamKey = tuple[str, int]
"""Stream and epoch."""


class FrameScores(NamedTuple):
    """What one frame says: who, when, and one score per shape of each hand that was there."""

    stream_id: str
    epoch: int
    sequence: int
    captured_at_us: int
    topic: str
    partition: int
    offset: int
    left: Sequence[float] | None
    right: Sequence[float] | None


@dataclass(slots=True)
class StreamCounts:
    """How much of a stream there was to see."""

    frames: int = 0
    left_observed: int = 0
    right_observed: int = 0
    late: int = 0
    """Frames out of their order of time, or with an impossible one: counted, not judged."""


@dataclass(slots=True)
class StreamState:
    """One stream and epoch. `topic` and `partition` are the identity of its newest record."""

    stream_id: str
    epoch: int
    topic: str
    partition: int
    sequence: int
    captured_at_us: int
    clock_us: int
    """The stream's place on its partition's clock."""
    seen_at_clock_us: int
    """What the partition's clock said at the stream's newest record."""
    holds: dict[str, HandHold] = field(default_factory=lambda: {hand: HandHold() for hand in HANDS})

    @property
    def key(self) -> StreamKey:
        return self.stream_id, self.epoch

    def end(self) -> list[GestureEvent]:
        """End what is open, each with the last frame that showed it."""
        return [self.announce(hand, phase, run) for hand, hold in self.holds.items() for phase, run in hold.end()]

    def announce(self, hand: str, phase: Phase, run: Run) -> GestureEvent:
        return announce(
            phase,
            run,
            stream_id=self.stream_id,
            epoch=self.epoch,
            hand=hand,
            topic=self.topic,
            partition=self.partition,
        )


class PartitionStreams:
    """All streams of one partition. What comes out depends on the records and their order alone.

    The partition's clock (`clock_us`) advances by the event time its streams advance. Each stream is laid on it where
    the clock stood at the stream's first record, so that a recording of last week, a live camera and a camera with a
    wrong date can share a partition and time each other's silence.
    """

    def __init__(self, rules: GestureRules, streams: Sequence[StreamState] = (), clock_us: int = 0) -> None:
        self._rules = rules
        self.clock_us = clock_us
        self.unsaved: dict[StreamKey, StreamCounts] = {}
        """The streams changed since `mark_saved`, and what was counted of each since then."""
        # In the order of `seen_at_clock_us`, which never falls: the first is the one silent for longest.
        self._streams = {
            state.key: state for state in sorted(streams, key=lambda state: (state.seen_at_clock_us, state.key))
        }

    def get(self, key: StreamKey) -> StreamState | None:
        """A stream that goes on; None for one that has ended or was never seen."""
        return self._streams.get(key)

    def mark_saved(self) -> None:
        self.unsaved = {}

    def advance(self, frame: FrameScores) -> list[GestureEvent]:
        """Take the next record. Returns the events it causes, those of other streams' silence included."""
        key = (frame.stream_id, frame.epoch)
        counts = self._count(key)
        state = self._streams.pop(key, None) or self._begin(frame)
        events = self._take(state, frame, counts)
        state.seen_at_clock_us = self.clock_us
        self._streams[key] = state
        for silent in self._pop_silent():
            events += silent.end()
        return events

    def end_all(self) -> list[GestureEvent]:
        """End every stream, as if all had fallen silent."""
        events: list[GestureEvent] = []
        for state in self._streams.values():
            self._count(state.key)
            events += state.end()
        self._streams.clear()
        return events

    def forget(self, is_forgotten: Callable[[str, int], bool]) -> None:
        """Drop streams, with what was counted of them and is not saved, as if they had never been.

        `is_forgotten` is asked with a stream's name and when it was last seen, microseconds since 1970.
        """
        self._streams = {
            key: state
            for key, state in self._streams.items()
            if not is_forgotten(state.stream_id, state.captured_at_us)
        }
        self.unsaved = {
            key: counts for key, counts in self.unsaved.items() if key in self._streams or not is_forgotten(key[0], 0)
        }

    def _count(self, key: StreamKey) -> StreamCounts:
        return self.unsaved.setdefault(key, StreamCounts())

    def _begin(self, frame: FrameScores) -> StreamState:
        return StreamState(
            frame.stream_id,
            frame.epoch,
            frame.topic,
            frame.partition,
            sequence=frame.sequence - 1,
            captured_at_us=frame.captured_at_us - 1,
            clock_us=self.clock_us,
            seen_at_clock_us=self.clock_us,
        )

    def _take(self, state: StreamState, frame: FrameScores, counts: StreamCounts) -> list[GestureEvent]:
        rules = self._rules
        counts.frames += 1
        elapsed_us = frame.captured_at_us - state.captured_at_us
        set_back = elapsed_us < -rules.late_us and frame.sequence > state.sequence
        if not 0 <= frame.captured_at_us <= MAX_TIME_US or (elapsed_us <= 0 and not set_back):
            counts.late += 1
            return []
        events = state.end() if set_back else []
        counts.left_observed += frame.left is not None
        counts.right_observed += frame.right is not None
        # A leap, forward or back, is a pause or a camera's clock being set, and not time the others were silent for.
        state.clock_us += min(max(elapsed_us, 0), rules.silence_us)
        self.clock_us = max(self.clock_us, state.clock_us)
        state.captured_at_us, state.sequence = frame.captured_at_us, frame.sequence
        state.topic, state.partition = frame.topic, frame.partition
        moment = Moment(frame.captured_at_us, frame.offset)
        for hand, scores in zip(HANDS, (frame.left, frame.right), strict=True):
            for phase, run in state.holds[hand].advance(moment, scores, rules):
                events.append(state.announce(hand, phase, run))
        return events

    def _pop_silent(self) -> list[StreamState]:
        silent: list[StreamState] = []
        for state in self._streams.values():
            if self.clock_us - state.seen_at_clock_us < self._rules.idle_us:
                break
            silent.append(state)
        for state in silent:
            self._count(state.key)
            del self._streams[state.key]
        return silent
