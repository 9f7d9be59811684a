"""How far a body's ends have gone: counted in steps that are longer than landmarks tremble."""

from dataclasses import dataclass, field
from typing import Final

from consumers.analytics.facts import BodyFacts
from consumers.analytics.features.motion import LONGEST_STEP_US

STEP_SCALES: Final = 0.05
"""Body scales, about 2.5 cm: within it the landmarks of limbs that are still tremble."""
HEAD_STEP_SCALES: Final = 0.1
"""Body scales: who stands still sways by less."""
MOVING_US: Final = 500_000
"""So long after a step a body is moving."""


@dataclass(slots=True)
class Anchor:
    """Where one end of the body was when it last made a step; body scales."""

    x: float = 0.0
    y: float = 0.0
    seen_us: int | None = None
    """Event time it was last seen; None before it was seen at all, and after the stream ended."""

    def follow(self, at_us: int, x: float, y: float, step: float = STEP_SCALES) -> float | None:
        """By how far it stepped, 0 while it is nearer to its anchor than `step`.

        None when that cannot be told: it was not seen now, or not within half a second before.
        """
        right, up = x - self.x, y - self.y
        squared = right * right + up * up
        if squared != squared:  # NaN: it cannot be told where it is
            return None
        seen_us, self.seen_us = self.seen_us, at_us
        if seen_us is None or not 0 < at_us - seen_us <= LONGEST_STEP_US:
            self.x, self.y = x, y
            return None
        if squared < step * step:
            return 0.0
        self.x, self.y = x, y
        return float(squared**0.5)


@dataclass(slots=True)
class Anchors:
    """The head's way through the image, the wrists' around the shoulders, and the ankles' around the hips."""

    head: Anchor = field(default_factory=Anchor)
    left_wrist: Anchor = field(default_factory=Anchor)
    right_wrist: Anchor = field(default_factory=Anchor)
    left_ankle: Anchor = field(default_factory=Anchor)
    right_ankle: Anchor = field(default_factory=Anchor)
    stepped_us: int | None = None
    """Event time of the last step of any of them."""

    def follow(self, at_us: int, body: BodyFacts) -> tuple[float | None, float | None]:
        """Take a frame's body; returns how far the left and the right wrist stepped."""
        scale = body.scale
        head = self.head.follow(at_us, body.nose_x / scale, body.nose_y / scale, HEAD_STEP_SCALES)
        left = self.left_wrist.follow(at_us, body.left_wrist_right, body.left_wrist_up)
        right = self.right_wrist.follow(at_us, body.right_wrist_right, body.right_wrist_up)
        left_ankle = self.left_ankle.follow(at_us, body.left_ankle_right, body.left_ankle_up)
        right_ankle = self.right_ankle.follow(at_us, body.right_ankle_right, body.right_ankle_up)
        if head or left or right or left_ankle or right_ankle:
            self.stepped_us = at_us
        return left, right

    def is_moving(self, at_us: int) -> bool:
        """Whether a step was made within the last half second."""
        return self.stepped_us is not None and 0 <= at_us - self.stepped_us <= MOVING_US
