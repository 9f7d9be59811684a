"""The time of one partition: which frames are in order, and which streams have fallen silent."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final, NamedTuple

from consumers.analytics.faults.verdict import Verdict
from consumers.analytics.results import MAX_TIME_US

StreamKey = tuple[str, int]
"""Stream and epoch."""

IDLE_US: Final = 10_000_000
"""A stream that is silent while its partition's other streams advance this much has ended."""
LATE_US: Final = 10_000_000
"""A frame up to this much older than its stream's newest is late; an older one means the clock was set back."""
LEAP_US: Final = 1_000_000
"""The most a single frame advances the partition's clock: a leap is a pause, or a camera's clock being set."""


@dataclass(slots=True)
class Place:
    """Where a stream stands in time."""

    sequence: int
    captured_at_us: int
    """Of its newest frame in order."""
    clock_us: int
    """The stream's place on its partition's clock."""
    seen_at_clock_us: int
    """What the partition's clock said at the stream's newest record."""
    leapt_us: int = 0
    """By how much its time last leapt ahead from one frame to the next; 0 when it never did, or has come back."""


class Step(NamedTuple):
    """What one record does to the time of its partition."""

    verdict: Verdict
    begins: bool
    """The stream was not under way: this is its first record."""
    place: Place
    """Where the stream stands; later records move it on."""
    silent: tuple[StreamKey, ...]
    """Streams that have ended by what time passed with this record, in the order they were last seen."""


class Timeline:
    """What comes out depends on the records and their order alone.

    The partition's clock (`clock_us`) advances by the event time its streams advance. Each stream is laid on it where
    the clock stood at the stream's first record, so that a recording of last week, a live camera and a camera with a
    wrong date can share a partition and time each other's silence.
    """

    def __init__(self, places: Iterable[tuple[StreamKey, Place]] = (), clock_us: int = 0) -> None:
        self.clock_us = clock_us
        # In the order of `seen_at_clock_us`, which never falls: the first is the one silent for longest.
        self._places = dict(sorted(places, key=lambda entry: (entry[1].seen_at_clock_us, entry[0])))

    def get(self, key: StreamKey) -> Place | None:
        """Where a stream that is under way stands."""
        return self._places.get(key)

    def take(self, key: StreamKey, sequence: int, captured_at_us: int) -> Step:
        """Take the next record of the partition."""
        place = self._places.pop(key, None)
        begins = place is None
        if place is None:
            place = Place(sequence - 1, captured_at_us - 1, self.clock_us, self.clock_us)
        elapsed_us = captured_at_us - place.captured_at_us
        if not 0 <= captured_at_us <= MAX_TIME_US:
            verdict = Verdict.IMPOSSIBLE
            if begins:
                place.captured_at_us = -1
        elif elapsed_us > 0:
            verdict = Verdict.IN_TIME
        elif sequence > place.sequence and (elapsed_us < -LATE_US or _is_taken_back(place.leapt_us, elapsed_us)):
            verdict = Verdict.SET_BACK
        else:
            verdict = Verdict.LATE
        if verdict.is_judged:
            place.clock_us += min(max(elapsed_us, 0), LEAP_US)
            self.clock_us = max(self.clock_us, place.clock_us)
            if verdict is Verdict.SET_BACK:
                place.leapt_us = 0
            elif elapsed_us > LEAP_US and sequence == place.sequence + 1:
                place.leapt_us = elapsed_us
            place.captured_at_us, place.sequence = captured_at_us, sequence
        place.seen_at_clock_us = self.clock_us
        self._places[key] = place
        return Step(verdict, begins, place, self._pop_silent())

    def drop(self, is_meant: Callable[[StreamKey, Place], bool]) -> None:
        """Drop streams as if they had never been."""
        self._places = {key: place for key, place in self._places.items() if not is_meant(key, place)}

    def _pop_silent(self) -> tuple[StreamKey, ...]:
        silent: list[StreamKey] = []
        for key, place in self._places.items():
            if self.clock_us - place.seen_at_clock_us < IDLE_US:
                break
            silent.append(key)
        for key in silent:
            del self._places[key]
        return tuple(silent)


def _is_taken_back(leapt_us: int, elapsed_us: int) -> bool:
    """Whether a step back is the leap ahead before it undone: the clock was wrong meanwhile, and no frame is late."""
    return leapt_us > 0 and abs(leapt_us + elapsed_us) <= LEAP_US
