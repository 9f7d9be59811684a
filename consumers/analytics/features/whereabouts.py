"""Where a person is in the image and where to, so that who walks out of it is told from who is lost in the middle."""

from dataclasses import dataclass
from typing import Final

from consumers.analytics.facts import FrameFacts

_SMOOTHED_OVER_S: Final = 0.25
_AHEAD_S: Final = 0.15
"""The next frame may be lost as soon as half of a person is out: so far ahead their way is followed."""
_SIDE_SCALES: Final = 0.7
"""Body scales from the left or right edge, where a person's outer arm is out of the image."""
_TOP_SCALES: Final = 0.1
_BOTTOM_SCALES: Final = 0.2
"""Body scales: a head hardly leaves upwards or downwards but wholly, and who jumps or falls is still there."""
_OUTWARD_SCALES_PER_S: Final = 0.25
_FORGET_S: Final = 1.0


@dataclass(slots=True)
class Whereabouts:
    """The head's place and speed where a person was last seen, in image heights; and the last frame's time."""

    x: float = 0.0
    y: float = 0.0
    speed_x: float = 0.0
    """Image heights a second; so is the next."""
    speed_y: float = 0.0
    scale: float = 0.0
    """Image heights; 0 as long as nobody was seen."""
    at_us: int = 0

    def follow(self, at_us: int, facts: FrameFacts) -> None:
        """Take a frame with a body; one whose head cannot be told changes nothing."""
        body = facts.body
        if body is None:
            return
        x, y = body.nose_x, body.nose_y
        if not (x == x and y == y):
            return
        elapsed_s = (at_us - self.at_us) / 1e6
        if self.scale > 0.0 and 0.0 < elapsed_s <= _FORGET_S:
            share = elapsed_s / (elapsed_s + _SMOOTHED_OVER_S)
            self.speed_x += share * ((x - self.x) / elapsed_s - self.speed_x)
            self.speed_y += share * ((y - self.y) / elapsed_s - self.speed_y)
        else:
            self.speed_x = self.speed_y = 0.0
        self.x, self.y, self.scale, self.at_us = x, y, body.scale, at_us

    def edge(self, image_width: float) -> str | None:
        """The edge the person was about to cross when last seen: left, right, top or bottom of the image, or None.

        `image_width` in image heights.
        """
        if self.scale <= 0.0:
            return None
        scale, outward = self.scale, _OUTWARD_SCALES_PER_S * self.scale
        x, y = self.x + _AHEAD_S * self.speed_x, self.y + _AHEAD_S * self.speed_y
        if self.speed_x < -outward and x < _SIDE_SCALES * scale:
            return "left"
        if self.speed_x > outward and x > image_width - _SIDE_SCALES * scale:
            return "right"
        if self.speed_y > outward and y > 1.0 - _BOTTOM_SCALES * scale:
            return "bottom"
        if self.speed_y < -outward and y < _TOP_SCALES * scale:
            return "top"
        return None

    def distance_scales(self, facts: FrameFacts) -> float | None:
        """Body scales between where the person was and where the frame shows them."""
        body = facts.body
        if body is None or not self.scale > 0.0:
            return None
        right, down = body.nose_x - self.x, body.nose_y - self.y
        distance = (right * right + down * down) ** 0.5 / self.scale
        return distance if distance == distance else None
