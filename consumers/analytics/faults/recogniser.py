"""What is wrong with the capture of a stream, and what is therefore not to be believed of it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from consumers.analytics.facts import FrameFacts
from consumers.analytics.faults.arrivals import Arrivals
from consumers.analytics.faults.fault import FaultKind, tell_fault
from consumers.analytics.faults.limbs import Limbs
from consumers.analytics.faults.pace import Pace
from consumers.analytics.faults.picture import Picture, are_sides_exchanged, is_left_at_right, is_same, take_picture
from consumers.analytics.faults.presence import Presence
from consumers.analytics.faults.verdict import Verdict
from consumers.analytics.finding import Change, Moment, Phase
from consumers.analytics.span import Span

_FROZEN_FRAMES: Final = 4
"""So many frames alike in a row: a camera that repeats every second one is not frozen."""
_FROZEN_US: Final = 100_000
_SWAPPED_AT_MOST_US: Final = 5_000_000
"""Sides that stay exchanged were exchanged before."""
_ADJACENT_US: Final = 300_000
_TWO_FRAMES: Final = 2.5
"""Times the usual interval: frames further apart are not neighbours."""


@dataclass(slots=True)
class CaptureFaults:
    """Comes before all recognisers, with every record of a stream, the late ones too.

    It takes out of a frame what is not to be believed: all parts while the picture is frozen, body and hands while
    their sides are exchanged, the body and the hand of a limb that cannot be; and how the body moved where the frame
    before was not to be believed. What is left is what the person did.
    """

    arrivals: Arrivals = field(default_factory=Arrivals)
    pace: Pace = field(default_factory=Pace)
    presence: Presence = field(default_factory=Presence)
    limbs: Limbs = field(default_factory=Limbs)
    picture: Picture = field(default_factory=Picture)
    picture_us: int = 0
    """Of the newest picture, on the steady clock; so are the next two."""
    alike_since_us: int = 0
    swapped_since_us: int = 0
    alike: Span | None = None
    frozen: bool = False
    swapped: Span | None = None
    was_doubted: bool = False
    """Something of the frame before was not to be believed."""

    def advance(self, moment: Moment, facts: FrameFacts, verdict: Verdict) -> Sequence[Change]:
        """Take the stream's next record, in order of its offset; changes `facts`."""
        if verdict is Verdict.IMPOSSIBLE:
            return self.pace.take_impossible(moment)
        arrivals, pace = self.arrivals, self.pace
        if verdict is Verdict.LATE and not arrivals.goes_on(facts.sequence):
            return arrivals.take_old(moment, facts)
        is_next = arrivals.is_next(moment, facts.sequence)
        changes = pace.take(moment, verdict, is_next=is_next)
        changes += arrivals.take(moment, facts.sequence, pace.steady_us)
        changes += self.presence.take(moment, facts, pace.steady_us)
        changes += self._look(moment, facts)
        # Nobody else sees a frame that is not judged, so the next one's motion is not from it.
        self.was_doubted = self.was_doubted or not verdict.is_judged
        return changes

    def end(self) -> Sequence[Change]:
        """The stream is over, or its time was set back: end what goes on."""
        changes = [*self._thaw(), *self._straighten(), *self.limbs.end(), *self.presence.end()]
        changes += [*self.pace.end(), *self.arrivals.end()]
        self.picture = Picture()
        self.was_doubted = True
        return changes

    def _look(self, moment: Moment, facts: FrameFacts) -> list[Change]:
        """Hold the frame's picture against the one before, and take out what is not to be believed."""
        before, before_us = self.picture, self.picture_us
        now, now_us = take_picture(facts), self.pace.steady_us
        self.picture, self.picture_us = now, now_us
        if is_same(before, now):
            changes = self._stay_alike(moment, now_us)
        else:
            changes = self._thaw()
            self.alike, self.alike_since_us = None, now_us
        elapsed_us = now_us - before_us
        if self.swapped is not None or (
            elapsed_us <= max(_ADJACENT_US, _TWO_FRAMES * self.pace.interval_us) and are_sides_exchanged(before, now)
        ):
            changes += self._follow_sides(moment, before, now, elapsed_us, sees_face=facts.face is not None)
        doubted = self.frozen or self.swapped is not None
        if not doubted:
            changes += self.limbs.take(moment, facts.body, None if self.was_doubted else facts.motion)
        limb = self.limbs.doubted if not doubted else ""
        if doubted or limb:
            self._cleanse(facts, limb)
        if self.was_doubted:
            facts.motion = None
        self.was_doubted = doubted or limb != ""
        return changes

    def _stay_alike(self, moment: Moment, now_us: int) -> list[Change]:
        if self.alike is None:
            self.alike = Span.at(moment)
            return []
        self.alike.extend(moment)
        if self.frozen or self.alike.frames < _FROZEN_FRAMES - 1 or now_us - self.alike_since_us < _FROZEN_US:
            return []
        self.frozen = True
        return [self._tell_frozen(Phase.START, self.alike)]

    def _thaw(self) -> list[Change]:
        alike, frozen = self.alike, self.frozen
        self.alike, self.frozen = None, False
        return [self._tell_frozen(Phase.END, alike)] if frozen and alike is not None else []

    def _tell_frozen(self, phase: Phase, alike: Span) -> Change:
        return tell_fault(phase, FaultKind.FROZEN, alike, {"frames": alike.frames, "seconds": alike.seconds})

    def _follow_sides(
        self, moment: Moment, before: Picture, now: Picture, elapsed_us: int, *, sees_face: bool
    ) -> list[Change]:
        # Whose face is seen faces the camera, and then their left is at the image's right, or sides are exchanged.
        is_right = sees_face and is_left_at_right(now)
        swapped = self.swapped
        if swapped is None:
            if is_right:
                return []
            self.swapped, self.swapped_since_us = Span.at(moment), self.picture_us
            return [self._tell_swapped(Phase.START, self.swapped)]
        if (
            is_right
            or now.body is None
            or elapsed_us > _SWAPPED_AT_MOST_US
            or self.picture_us - self.swapped_since_us > _SWAPPED_AT_MOST_US
            or are_sides_exchanged(before, now)
        ):
            return self._straighten()
        swapped.extend(moment)
        return []

    def _straighten(self) -> list[Change]:
        swapped, self.swapped = self.swapped, None
        return [] if swapped is None else [self._tell_swapped(Phase.END, swapped)]

    def _tell_swapped(self, phase: Phase, swapped: Span) -> Change:
        evidence = {"frames": swapped.frames, "seconds": swapped.seconds}
        return tell_fault(phase, FaultKind.SIDES_SWAPPED, swapped, {**evidence})

    def _cleanse(self, facts: FrameFacts, limb: str) -> None:
        facts.is_doubted = True
        facts.body = facts.motion = None
        if not limb:
            facts.left = facts.right = None
        elif limb in {"left_upper_arm", "left_forearm"}:
            facts.left = None
        elif limb in {"right_upper_arm", "right_forearm"}:
            facts.right = None
        if self.frozen:
            facts.face = None
