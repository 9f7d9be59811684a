"""Taught movements at work: dynamic time warping of what each hand does now to the examples of each movement."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final

from consumers.analytics.facts import FrameFacts
from consumers.analytics.finding import Category, Change, Finding, Moment, Phase
from consumers.analytics.taught.alignment import Alignment, Match, Pattern
from consumers.analytics.taught.gesture import MovementExamples, TaughtGesture, TaughtHand
from consumers.analytics.taught.hand_path import HandPath
from consumers.analytics.taught.likeness import Instant, find_slowest, list_instants, see_instant

_WAIT_INTERVALS: Final = 3
"""How long a match waits for a better one of the same performance."""
_MOST_PATTERNS: Final = 3
_UNPLACED: Final = 0.75


@dataclass(frozen=True, slots=True)
class TaughtMovement:
    """One movement, ready to be watched for."""

    name: str
    version: str
    hand: TaughtHand
    interval_us: int
    allowed: float
    allowed_unplaced: float
    """Where no body is seen: places, which add to how unlike a performance is, are not compared."""
    patterns: tuple[Pattern, ...]
    least_speed_squared: float
    """Body scales a second, squared: a hand that is slower begins none of the patterns."""


class MovementCatalogue:
    """The movements there are to watch for. Not part of any stream's state: replicas read it when they open."""

    def __init__(self, gestures: Iterable[TaughtGesture] = ()) -> None:
        self.movements: tuple[TaughtMovement, ...] = tuple(
            _prepare(gesture, gesture.examples)
            for gesture in sorted(gestures, key=lambda gesture: gesture.name)
            if isinstance(gesture.examples, MovementExamples)
        )
        told = "\n".join(f"{movement.name} {movement.version}" for movement in self.movements)
        self.version: str = sha256(told.encode()).hexdigest()[:8] if self.movements else ""
        """Changes with anything in it."""

    def version_of(self, name: str) -> str | None:
        """What `Finding.made_by` says of a taught movement; None of a name that is not taught."""
        return next((movement.version for movement in self.movements if movement.name == name), None)


@dataclass(slots=True)
class Watch:
    """One hand watched for one movement."""

    due_us: int = 0
    """When the next instant is looked at."""
    x: float = 0.0
    """Where the hand was at the last one."""
    y: float = 0.0
    alignments: list[Alignment] = field(default_factory=list)
    """One for each pattern."""
    best: Match | None = None

    def begin(self, movement: TaughtMovement, path: HandPath, at_us: int) -> None:
        """The hand's way begins."""
        self.due_us, self.x, self.y = at_us + movement.interval_us, path.x, path.y
        self.alignments = [Alignment() for _ in movement.patterns]

    def advance(self, movement: TaughtMovement, path: HandPath, moment: Moment) -> None:
        """Look at the instants that were due since the hand was last seen."""
        span_us = moment.at_us - path.before_us
        interval_s = movement.interval_us / 1e6
        least_step_squared = movement.least_speed_squared * interval_s * interval_s
        while self.due_us <= moment.at_us:
            share = (self.due_us - path.before_us) / span_us
            x = path.before_x + share * (path.x - path.before_x)
            y = path.before_y + share * (path.y - path.before_y)
            right, up = x - self.x, y - self.y
            if right * right + up * up >= least_step_squared or any(alignment.ways for alignment in self.alignments):
                instant = see_instant(self.x, self.y, x, y, interval_s, path.openness)
                self._align(movement, path, instant, moment)
            self.x, self.y = x, y
            self.due_us += movement.interval_us

    def settle(self, movement: TaughtMovement, at_us: int, subject: str) -> Change | None:
        """The movement, once no better match of the same performance is to be expected.

        A slow performance may at first look like a whole one that is done in haste: while it is matched better than
        that, it is awaited.
        """
        best = self.best
        if (
            best is None
            or at_us - best.last_us < _WAIT_INTERVALS * movement.interval_us
            or any(alignment.may_better(best) for alignment in self.alignments)
        ):
            return None
        return self.finish(movement, subject)

    def finish(self, movement: TaughtMovement, subject: str) -> Change | None:
        """The movement, if one was matched. What comes next is another performance."""
        best, self.best = self.best, None
        if best is None:
            return None
        for alignment in self.alignments:
            alignment.forget()
        return Change(Phase.OCCURRED, _describe(movement, best, subject))

    def _align(self, movement: TaughtMovement, path: HandPath, instant: Instant, moment: Moment) -> None:
        allowed = movement.allowed if path.placed else movement.allowed_unplaced
        for pattern, alignment in zip(movement.patterns, self.alignments, strict=True):
            match = alignment.advance(pattern, allowed, instant, moment, path)
            if match is not None and (self.best is None or match.cost <= self.best.cost):
                self.best = match


@dataclass(slots=True)
class TaughtMovements:
    """A Recogniser, but that the catalogue is given with each frame, for it is no state.

    A catalogue that has changed is watched for from the beginning.
    """

    version: str = ""
    left: HandPath = field(default_factory=HandPath)
    right: HandPath = field(default_factory=HandPath)
    left_watches: list[Watch] = field(default_factory=list)
    """One for each movement; that of a movement of the other hand stays idle."""
    right_watches: list[Watch] = field(default_factory=list)

    def advance(self, moment: Moment, facts: FrameFacts, catalogue: MovementCatalogue) -> Sequence[Change]:
        """Take the stream's next frame, in order of time."""
        if self.version != catalogue.version:
            self._begin(catalogue)
        if not catalogue.movements:
            return ()
        changes: list[Change] = []
        at_us = moment.at_us
        for hand, path, watches in (
            (TaughtHand.LEFT, self.left, self.left_watches),
            (TaughtHand.RIGHT, self.right, self.right_watches),
        ):
            goes_on = path.follow(at_us, facts, left=hand is TaughtHand.LEFT)
            for movement, watch in zip(catalogue.movements, watches, strict=True):
                if movement.hand is not hand and movement.hand is not TaughtHand.EITHER:
                    continue
                if goes_on:
                    if watch.due_us <= at_us:
                        watch.advance(movement, path, moment)
                elif goes_on is not None:
                    if change := watch.finish(movement, hand):
                        changes.append(change)
                    watch.begin(movement, path, at_us)
                if watch.best is not None and (change := watch.settle(movement, at_us, hand)):
                    changes.append(change)
        return changes

    def end(self, catalogue: MovementCatalogue) -> Sequence[Change]:
        """The stream is over, or its time was set back: tell what was matched, and forget what was building up."""
        changes: list[Change] = []
        if self.version == catalogue.version:
            for hand, watches in ((TaughtHand.LEFT, self.left_watches), (TaughtHand.RIGHT, self.right_watches)):
                for movement, watch in zip(catalogue.movements, watches, strict=True):
                    if change := watch.finish(movement, hand):
                        changes.append(change)
        self._begin(catalogue)
        return changes

    def _begin(self, catalogue: MovementCatalogue) -> None:
        self.version = catalogue.version
        self.left.forget()
        self.right.forget()
        self.left_watches = [Watch() for _ in catalogue.movements]
        self.right_watches = [Watch() for _ in catalogue.movements]


def _prepare(gesture: TaughtGesture, examples: MovementExamples) -> TaughtMovement:
    patterns = tuple(
        Pattern(list_instants(track, examples.interval_s), track.placed) for track in examples.tracks[:_MOST_PATTERNS]
    )
    interval_us = round(examples.interval_s * 1e6)
    slowest = find_slowest((pattern.instants[0] for pattern in patterns), examples.allowed)
    unplaced = examples.allowed * (_UNPLACED if any(pattern.placed for pattern in patterns) else 1.0)
    return TaughtMovement(
        name=gesture.name,
        version=gesture.version,
        hand=gesture.hand,
        interval_us=interval_us,
        allowed=examples.allowed,
        allowed_unplaced=unplaced,
        patterns=patterns,
        least_speed_squared=slowest,
    )


def _describe(movement: TaughtMovement, match: Match, subject: str) -> Finding:
    interval_s = movement.interval_us / 1e6
    return Finding(
        category=Category.MOVEMENT,
        kind=movement.name,
        subject=str(subject),
        started_us=match.started_us,
        last_us=match.last_us,
        first_offset=match.first_offset,
        last_offset=match.last_offset,
        confidence=1.0 - 0.5 * match.cost / match.allowed,
        observed=match.observed,
        evidence={
            "unlikeness": match.cost,
            "unlikeness_allowed": match.allowed,
            "duration_s": match.intervals * interval_s,
            "example_duration_s": match.example_intervals * interval_s,
        },
        made_by=movement.version,
    )
