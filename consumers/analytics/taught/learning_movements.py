"""Learning a movement from a few performances: the hand's ways in them, and how far from them it ends."""

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from math import hypot, inf
from typing import Final

from consumers.analytics.facts import FrameFacts
from consumers.analytics.finding import Moment
from consumers.analytics.taught.counterexamples import PASSING_TIME
from consumers.analytics.taught.gesture import (
    FEWEST_POINTS,
    MOST_POINTS,
    GestureKind,
    MovementExamples,
    PathPoint,
    TaughtGesture,
    TaughtHand,
    Track,
)
from consumers.analytics.taught.hand_path import HandPath
from consumers.analytics.taught.lesson import FEWEST_TRACKS, Lesson, TeachingRefused, describe_consistency
from consumers.analytics.taught.likeness import list_instants, warp
from consumers.analytics.taught.movements import MovementCatalogue, TaughtMovements

Performance = Sequence[FrameFacts]

_SHORTEST_S: Final = 0.4
_LONGEST_S: Final = 10.0
_SHORTEST_WAY: Final = 0.6
"""Body scales: a hand that goes less far shows a shape."""
_STILL_SCALES_PER_S: Final = 0.35
_STEP_S: Final = 0.1
_SHORTEST_INTERVAL_S: Final = 0.05
_USUAL: Final = 0.35
"""Of performers a body, a rate and 0.7 to 1.5 times the speed make 0.05 to 0.2, another movement mostly 0.5 and more.
"""
_OWN_SPREADS: Final = 1.5
_WIDEST: Final = 0.6
_LEAST: Final = 0.15
_WAY_TO_ANOTHER: Final = 0.75
_MOST_TRACKS: Final = 8
_DECIMALS: Final = 4


@dataclass(slots=True)
class Way:
    """Where one hand was, as long as it was seen without a gap: seconds, and points."""

    placed: bool
    at_s: list[float] = field(default_factory=list)
    points: list[PathPoint] = field(default_factory=list)

    @property
    def seconds(self) -> float:
        return self.at_s[-1] - self.at_s[0] if self.at_s else 0.0

    @property
    def length(self) -> float:
        """Body scales."""
        return sum(hypot(after[0] - before[0], after[1] - before[1]) for before, after in pairwise(self.points))


def learn_movement(
    performances: Sequence[Performance],
    hand: TaughtHand,
    others: Mapping[str, Sequence[Performance]],
    taught: Mapping[str, MovementExamples],
    earlier: MovementExamples | None = None,
) -> Lesson[MovementExamples]:
    """The movement of the performances and of the `earlier` examples, apart from what `others` do, by name.

    `taught` are other movements it may resemble.

    Raises TeachingRefused when the hand was not seen, hardly moved, or took too short or too long.
    """
    ways = [_find_way(number, performance, hand) for number, performance in enumerate(performances, start=1)]
    longest_s = max([way.seconds for way in ways] + ([_last_s(earlier)] if earlier else []))
    interval_s = round(max(_SHORTEST_INTERVAL_S, longest_s / (MOST_POINTS - 1)), 3)
    if earlier is not None:
        ways += [_as_way(track, earlier.interval_s) for track in earlier.tracks]
    # The newest first: they are what is kept when there are many.
    tracks = _order([_resample(way, interval_s) for way in ways][:_MOST_TRACKS], interval_s)
    spread = _measure_spread(tracks, interval_s)
    wanted = min(max(_USUAL, _OWN_SPREADS * spread), _WIDEST)
    allowed, resembles = wanted, list[str]()
    for name, doing in others.items():
        nearest = _find_nearest(MovementExamples(tracks=tracks, interval_s=interval_s, allowed=allowed), hand, doing)
        if nearest < allowed:
            narrower = _WAY_TO_ANOTHER * nearest
            if narrower < max(_LEAST, 1.1 * spread) and name != PASSING_TIME:
                resembles.append(name)
            else:
                allowed = max(narrower, _LEAST)
    for name, examples in taught.items():
        alike = (_as_way(track, examples.interval_s) for track in examples.tracks)
        if min(_compare(track, _resample(way, interval_s), interval_s) for way in alike for track in tracks) < allowed:
            resembles.append(name)
    return Lesson(
        examples=MovementExamples(tracks=tracks, interval_s=interval_s, allowed=round(allowed, _DECIMALS)),
        taken=len(performances),
        left_out=0,
        kept=len(tracks),
        consistency=describe_consistency(spread / _USUAL) if len(tracks) > 1 else "not known of a single example",
        spread=round(spread, _DECIMALS),
        resembles=tuple(resembles),
        missing=_list_missing(tracks, narrowed=allowed < max(_LEAST, spread)),
    )


def _find_way(number: int, performance: Performance, hand: TaughtHand) -> Way:
    sides = [TaughtHand.LEFT, TaughtHand.RIGHT] if hand is TaughtHand.EITHER else [hand]
    ways = [way for side in sides for way in _follow(performance, left=side is TaughtHand.LEFT)]
    trimmed = [_trim(way) for way in ways if len(way.points) > 1]
    if not trimmed:
        raise TeachingRefused(f"example {number}: the hand was not seen", hint="choose another segment, or --hand")
    way = max(trimmed, key=lambda way: way.length)
    if way.length < _SHORTEST_WAY:
        raise TeachingRefused(
            f"example {number}: the hand hardly moves, {way.length:.1f} trunk lengths in all",
            hint="a hand held still is taught with --kind shape",
        )
    if not _SHORTEST_S <= way.seconds <= _LONGEST_S:
        raise TeachingRefused(
            f"example {number}: the hand moves for {way.seconds:.1f} s",
            hint=f"one performance takes {_SHORTEST_S} to {_LONGEST_S:.0f} s: give each its own --segment FROM-TO",
        )
    return way


def _follow(performance: Performance, *, left: bool) -> list[Way]:
    path, ways = HandPath(), list[Way]()
    for facts in performance:
        goes_on = path.follow(facts.captured_at_us, facts, left=left)
        if goes_on is None:
            continue
        if not goes_on:
            ways.append(Way(path.placed))
        ways[-1].at_s.append(facts.captured_at_us / 1e6)
        ways[-1].points.append((path.x, path.y, path.openness))
    return ways


def _trim(way: Way) -> Way:
    """Without the rest before and after; told from steps so long that noise moves the hand less than a person does."""
    count = int(way.seconds / _STEP_S)
    at_s = [way.at_s[0] + number * _STEP_S for number in range(count + 1)]
    places = [_interpolate(way, moment_s) for moment_s in at_s]
    steps = [
        hypot(after[0] - before[0], after[1] - before[1]) > _STILL_SCALES_PER_S * _STEP_S
        for before, after in pairwise(places)
    ]
    moving = [number for number, (one, other) in enumerate(pairwise(steps)) if one and other]
    if not moving:
        return Way(way.placed, way.at_s[:1], way.points[:1])
    from_s, to_s = at_s[moving[0]], at_s[moving[-1] + 2]
    kept = [number for number, moment_s in enumerate(way.at_s) if from_s <= moment_s <= to_s]
    return Way(way.placed, [way.at_s[number] for number in kept], [way.points[number] for number in kept])


def _interpolate(way: Way, at_s: float) -> PathPoint:
    """Where the hand was then; its openness is that of the nearer frame."""
    after = min(max(bisect_left(way.at_s, at_s), 1), len(way.at_s) - 1)
    (x, y, openness), (next_x, next_y, next_openness) = way.points[after - 1], way.points[after]
    share = min(max((at_s - way.at_s[after - 1]) / (way.at_s[after] - way.at_s[after - 1]), 0.0), 1.0)
    return x + share * (next_x - x), y + share * (next_y - y), next_openness if share >= 0.5 else openness


def _resample(way: Way, interval_s: float) -> Track:
    count = max(FEWEST_POINTS, min(MOST_POINTS, round(way.seconds / interval_s) + 1))
    step_s = way.seconds / (count - 1)
    seen = [_interpolate(way, way.at_s[0] + number * step_s) for number in range(count)]
    points: list[PathPoint] = [
        (round(x, _DECIMALS), round(y, _DECIMALS), None if openness is None else round(openness, 2))
        for x, y, openness in seen
    ]
    return Track(points=points, placed=way.placed)


def _as_way(track: Track, interval_s: float) -> Way:
    return Way(track.placed, [number * interval_s for number in range(len(track.points))], list(track.points))


def _last_s(examples: MovementExamples) -> float:
    return max((len(track.points) - 1) * examples.interval_s for track in examples.tracks)


def _order(tracks: list[Track], interval_s: float) -> list[Track]:
    """The most typical first, for those are watched for."""
    total = {
        number: sum(min(_compare(track, other, interval_s), 2.0) for other in tracks)
        for number, track in enumerate(tracks)
    }
    return [tracks[number] for number in sorted(total, key=lambda number: (total[number], number))]


def _measure_spread(tracks: Sequence[Track], interval_s: float) -> float:
    """How unlike all others an example is, at most; 0 of one alone."""
    return max(
        (
            min(_compare(other, track, interval_s) for other in tracks if other is not track)
            for track in tracks
            if len(tracks) > 1
        ),
        default=0.0,
    )


def _compare(one: Track, other: Track, interval_s: float) -> float:
    unlike = warp(list_instants(one, interval_s), list_instants(other, interval_s), placed=one.placed and other.placed)
    return unlike if unlike < inf else 2.0


def _find_nearest(examples: MovementExamples, hand: TaughtHand, doing: Iterable[Performance]) -> float:
    """The least that would have to be allowed for people who do something else to be recognised; infinite if more."""
    gesture = TaughtGesture(
        name="taught", kind=GestureKind.MOVEMENT, hand=hand, examples=examples, taught_at=datetime.now(UTC), source=""
    )
    catalogue = MovementCatalogue([gesture])
    nearest = inf
    for performance in doing:
        recogniser = TaughtMovements()
        changes = [
            change
            for facts in performance
            for change in recogniser.advance(Moment(facts.captured_at_us, facts.offset), facts, catalogue)
        ]
        for change in [*changes, *recogniser.end(catalogue)]:
            nearest = min(nearest, 2.0 * (1.0 - change.finding.confidence) * examples.allowed)
    return nearest


def _list_missing(tracks: Sequence[Track], *, narrowed: bool) -> tuple[str, ...]:
    missing = []
    if len(tracks) < FEWEST_TRACKS:
        missing.append(f"{FEWEST_TRACKS - len(tracks)} more: {FEWEST_TRACKS} examples at least")
    if not all(track.placed for track in tracks):
        missing.append("a body: where the hand is cannot be told in some examples, only how it moves")
    if narrowed:
        missing.append("distance from people who stand and walk: only performances much like these will be recognised")
    return tuple(missing)
