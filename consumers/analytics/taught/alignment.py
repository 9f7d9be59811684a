"""A pattern laid on what a hand does, wherever it may have begun: dynamic time warping of a subsequence.

At each instant every way of laying it that is still good goes on by no, one or two instants of the pattern, and one may
begin. Of ways that have come to the same instant the best is kept; a way that gets too bad is dropped. So an instant
costs what there is to follow, which is nothing while a hand hangs.
"""

from dataclasses import dataclass, field
from typing import Final

from consumers.analytics.finding import Moment
from consumers.analytics.taught.hand_path import HandPath
from consumers.analytics.taught.likeness import Instant, measure_unlikeness

_SLOWEST: Final = 2.0
"""Times as long as the pattern; and a part of it, as its part."""
_FASTEST: Final = 0.5
_LEEWAY: Final = 2
"""Instants, at the beginning."""
_SURE: Final = 4
"""Instants, before what is matched says something."""
_DEBT: Final = 3.0
"""In what is allowed: how far a way may fall behind before it is dropped."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """An example as it is compared."""

    instants: tuple[Instant, ...]
    placed: bool


@dataclass(slots=True)
class Match:
    """The whole pattern, laid on what was seen."""

    cost: float
    """Mean unlikeness, …"""
    allowed: float
    """… and what it may be at most."""
    intervals: int
    example_intervals: int
    started_us: int
    last_us: int
    first_offset: int
    last_offset: int
    observed: float


@dataclass(slots=True)
class Way:
    """One way of laying a pattern's beginning on what was seen."""

    place: int
    """The pattern's instant it has come to."""
    credit: float
    """By how much less than allowed its instants differed, added up."""
    cost: float
    intervals: int
    started_us: int
    first_offset: int
    frames: int
    """How many frames the stream had before, …"""
    seen: int
    """… and how many of them the hand was in."""


@dataclass(slots=True)
class Alignment:
    """The ways that are still good, by place."""

    ways: list[Way] = field(default_factory=list)

    def advance(
        self, pattern: Pattern, allowed: float, instant: Instant, moment: Moment, path: HandPath
    ) -> Match | None:
        """Take what the hand does next; a match when a way has come to the pattern's end with it."""
        placed = pattern.placed and path.placed
        instants = pattern.instants
        opening = measure_unlikeness(instants[0], instant, placed=placed)
        if not self.ways and opening > allowed:
            return None
        last = len(instants) - 1
        costs: dict[int, float] = {0: opening}
        reached: dict[int, tuple[float, Way]] = {}
        for way in self.ways:
            for place in range(way.place, min(way.place + 2, last) + 1):
                if way.intervals >= _SLOWEST * (place + 1) + _LEEWAY:
                    continue
                cost = costs.get(place)
                if cost is None:
                    cost = costs[place] = measure_unlikeness(instants[place], instant, placed=placed)
                credit = way.credit + (allowed - cost)
                if credit < -_DEBT * allowed:
                    continue
                other = reached.get(place)
                if other is None or credit > other[0]:
                    reached[place] = (credit, way)
        ways = [
            Way(place, credit, way.cost + costs[place], way.intervals + 1, way.started_us, way.first_offset, way.frames,
                way.seen)
            for place, (credit, way) in sorted(reached.items())
        ]  # fmt: skip
        if opening <= allowed and (not ways or ways[0].place > 0 or ways[0].credit < allowed - opening):
            begun = Way(0, allowed - opening, opening, 1, moment.at_us, moment.offset, path.frames - 1, path.seen - 1)
            ways[: 1 if ways and ways[0].place == 0 else 0] = [begun]
        self.ways = ways
        return _match(ways[-1], len(instants), allowed, moment, path) if ways and ways[-1].place == last else None

    def may_better(self, match: Match) -> bool:
        """Whether something of the same performance may yet come to a better end."""
        return any(
            way.started_us < match.last_us and way.cost < match.cost * way.intervals and way.intervals >= _SURE
            for way in self.ways
        )

    def forget(self) -> None:
        """Nothing of what was seen belongs to the next performance."""
        self.ways.clear()


def _match(way: Way, instants: int, allowed: float, moment: Moment, path: HandPath) -> Match | None:
    cost = way.cost / way.intervals
    if cost > allowed or not _FASTEST * instants <= way.intervals <= _SLOWEST * instants:
        return None
    return Match(
        cost=cost,
        allowed=allowed,
        intervals=way.intervals,
        example_intervals=instants,
        started_us=way.started_us,
        last_us=moment.at_us,
        first_offset=way.first_offset,
        last_offset=moment.offset,
        observed=(path.seen - way.seen) / (path.frames - way.frames),
    )
