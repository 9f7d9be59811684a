"""How a frame shows the person, whatever they do."""

from typing import NamedTuple

from consumers.analytics.facts import BodyFacts


class View(NamedTuple):
    """What the arms' recognisers need of the whole frame."""

    frames: int
    """Frames of the stream up to this one."""
    body: BodyFacts | None
    """Straightened."""
    left_is: float
    """1 where the person's left is the image's right, -1 where it is its left."""
    unmirrored: float
    """-1 in a mirror's image, else 1."""
    claps: bool
    """The hands are clapping."""
