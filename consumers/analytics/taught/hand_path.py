"""Where one hand has been: the way taught movements are told from."""

from dataclasses import dataclass
from typing import Final

from consumers.analytics.facts import FrameFacts

LOST_US: Final = 300_000
"""After longer without the hand its way begins anew."""
_BODY_SCALES_PER_HAND_LENGTH: Final = 0.2


@dataclass(slots=True)
class HandPath:
    """Places in body scales, as a right hand's in an image that is no mirror: x to the image's right, y up.

    With a body they are from the middle of the shoulders (`placed`). Without one the wrist's steps are added up in hand
    lengths, and where that began is not known.
    """

    placed: bool = False
    at_us: int | None = None
    """When the hand was last seen."""
    x: float = 0.0
    y: float = 0.0
    openness: float | None = None
    before_us: int = 0
    """Where it was seen before that."""
    before_x: float = 0.0
    before_y: float = 0.0
    wrist_x: float = 0.0
    """Image heights, where no body says more."""
    wrist_y: float = 0.0
    frames: int = 0
    """The stream's frames so far, …"""
    seen: int = 0
    """… and in how many of them the hand was."""

    def follow(self, at_us: int, facts: FrameFacts, *, left: bool) -> bool | None:
        """Take a frame: True when the hand went on from where it was, False when its way begins, None when not seen."""
        self.frames += 1
        hand, body = (facts.left if left else facts.right), facts.body
        sign = -1.0 if left is not facts.mirrored else 1.0
        placed = False
        x = y = 0.0
        if body is not None:
            x, y = (
                (sign * body.left_wrist_right, body.left_wrist_up)
                if left
                else (sign * body.right_wrist_right, body.right_wrist_up)
            )
            # NaN is not equal to itself: a wrist that could not be told.
            placed = x == x and y == y
        if not placed and hand is None:
            return None
        last_us = self.at_us
        goes_on = last_us is not None and placed is self.placed and at_us - last_us <= LOST_US
        if not placed and hand is not None:
            if goes_on:
                per_height = _BODY_SCALES_PER_HAND_LENGTH / hand.scale
                x = self.x + sign * (hand.wrist_x - self.wrist_x) * per_height
                y = self.y - (hand.wrist_y - self.wrist_y) * per_height
            else:
                x = y = 0.0
            self.wrist_x, self.wrist_y = hand.wrist_x, hand.wrist_y
        if goes_on and last_us is not None:
            self.before_us, self.before_x, self.before_y = last_us, self.x, self.y
        self.at_us, self.x, self.y, self.placed = at_us, x, y, placed
        self.openness = None if hand is None or hand.openness != hand.openness else hand.openness
        self.seen += 1
        return goes_on

    def forget(self) -> None:
        """The hand's way is not gone on with."""
        self.at_us = None
