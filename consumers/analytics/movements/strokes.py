"""A value that goes up and down, cut into strokes where it turns."""

from dataclasses import dataclass
from typing import Final

from consumers.analytics.movements.marks import Mark

_NEAR: Final = 0.3
"""Of the least stroke: how near its turning point a value still is there."""
_FURTHER: Final = 0.25
"""Of the least stroke: by how much a value has to go on to arrive anew; less is noise, or drift."""

_REST_US: Final = 400_000


@dataclass(slots=True)
class Strokes:
    """The way a value is on, and the stroke it completed last.

    A stroke is complete when the value has come back from its farthest by the least stroke there is. It lasts from the
    last frame near where it began to the first one near where it ends: rests at its ends are no part of it.
    """

    rising: bool = True
    farthest: float | None = None
    reached: float = 0.0
    """Where it was when it arrived."""
    arrived: Mark | None = None
    left: Mark | None = None
    """The last frame near the farthest point."""
    from_value: float = 0.0
    from_mark: Mark | None = None
    """Where the stroke under way began."""
    size: float = 0.0
    """Of the stroke completed last; so are the next two."""
    first: Mark | None = None
    last: Mark | None = None

    def advance(self, value: float, mark: Mark, least: float) -> bool:
        """Take the next value, a finite number. True when a stroke is complete with it."""
        farthest = self.farthest
        if farthest is None:
            self.farthest = self.reached = self.from_value = value
            self.arrived = self.left = self.from_mark = mark
            return False
        ahead = value - farthest if self.rising else farthest - value
        if ahead > 0.0:
            self._go_on(value, mark, least)
            return False
        if ahead > -_NEAR * least:
            self.left = mark
            return False
        if ahead > -least:
            return False
        self.size = abs(farthest - self.from_value)
        self.first, self.last = self.from_mark, self.arrived
        self.from_value, self.from_mark = farthest, self.left
        self.rising = not self.rising
        self.farthest = self.reached = value
        self.arrived = self.left = mark
        return True

    def _go_on(self, value: float, mark: Mark, least: float) -> None:
        if (value - self.reached if self.rising else self.reached - value) > _FURTHER * least:
            arrived = self.arrived
            if arrived is not None and mark.at_us - arrived.at_us > _REST_US:
                # It had come to rest: what goes on the same way now is another stroke.
                self.from_value, self.from_mark = self.reached, self.left
            self.reached, self.arrived = value, mark
        self.farthest, self.left = value, mark

    @property
    def lasted_us(self) -> int:
        """How long the stroke completed last took."""
        return 0 if self.first is None or self.last is None else self.last.at_us - self.first.at_us
