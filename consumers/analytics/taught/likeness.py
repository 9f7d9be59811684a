"""How alike two instants of movements are: mostly by the direction the hand moves in, a little by its place and shape.

Directions do not depend on how large, and hardly on how fast, somebody moves; nor on where they stand.
"""

from collections.abc import Iterable, Sequence
from math import sqrt
from typing import Final, NamedTuple

from consumers.analytics.taught.gesture import Track

_SLOW_SCALES_PER_S: Final = 0.6
"""A hand much slower than this moves in no direction."""
_OF_PLACE: Final = 0.25
"""Squared weights: a body scale away, …"""
_OF_OPENNESS: Final = 0.06
"""… and a fist for an open hand."""


class Instant(NamedTuple):
    """What a hand does at one point of its way."""

    along_x: float
    """-1 … 1: direction, the shorter the slower."""
    along_y: float
    x: float
    y: float
    openness: float | None


def see_instant(
    before_x: float, before_y: float, x: float, y: float, interval_s: float, openness: float | None
) -> Instant:
    """A hand that came to x, y in so many seconds; body scales."""
    right, up = (x - before_x) / interval_s, (y - before_y) / interval_s
    speed = sqrt(right * right + up * up + _SLOW_SCALES_PER_S * _SLOW_SCALES_PER_S)
    return Instant(right / speed, up / speed, x, y, openness)


def list_instants(track: Track, interval_s: float) -> tuple[Instant, ...]:
    """Those of an example, one fewer than its points."""
    return tuple(
        see_instant(before[0], before[1], point[0], point[1], interval_s, point[2])
        for before, point in zip(track.points, track.points[1:], strict=False)
    )


def measure_unlikeness(one: Instant, other: Instant, *, placed: bool) -> float:
    """0 the same; about 1 a hand that moves and one that does not; 2 opposite directions."""
    along_x, along_y, x, y, openness = one
    other_along_x, other_along_y, other_x, other_y, other_openness = other
    along_x -= other_along_x
    along_y -= other_along_y
    square = along_x * along_x + along_y * along_y
    if placed:
        x -= other_x
        y -= other_y
        square += _OF_PLACE * (x * x + y * y)
    if openness is not None and other_openness is not None:
        openness -= other_openness
        square += _OF_OPENNESS * openness * openness
    return sqrt(square)


def find_slowest(openings: Iterable[Instant], allowed: float) -> float:
    """Body scales a second, squared: a hand slower than this is too unlike all of the openings to begin any."""
    shortest = min(sqrt(opening.along_x * opening.along_x + opening.along_y * opening.along_y) for opening in openings)
    least = max(shortest - allowed, 0.0)
    return _SLOW_SCALES_PER_S * _SLOW_SCALES_PER_S * least * least / (1.0 - least * least)


def warp(example: Sequence[Instant], performed: Sequence[Instant], *, placed: bool) -> float:
    """The mean unlikeness of two whole performances, the one warped in time to fit the other at best.

    At each instant performed the example goes on by no, one or two instants; infinite where that cannot fit them.
    """
    infinite = float("inf")
    costs = [infinite] * len(example)
    for number, instant in enumerate(performed):
        earlier = costs
        costs = []
        for place, wanted in enumerate(example):
            best = min(earlier[max(place - 2, 0) : place + 1])
            if number == 0:
                best = 0.0 if place == 0 else infinite
            costs.append(infinite if best == infinite else best + measure_unlikeness(wanted, instant, placed=placed))
    return costs[-1] / len(performed)
