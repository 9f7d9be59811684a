"""What a user taught: examples, and how much else may differ from them."""

import hashlib
import re
from enum import StrEnum
from math import isfinite
from typing import Annotated, Final

import orjson
from pydantic import AfterValidator, AwareDatetime, Field, TypeAdapter
from pydantic.dataclasses import dataclass

from consumers.analytics.shapes.hand_shape import HandShape
from keypoints.errors import Terminal
from keypoints.landmarks import HandLandmark

FORMAT: Final = 1
LONGEST_NAME: Final = 48
FEWEST_POINTS: Final = 5
"""Of a movement's example; so is the next."""
MOST_POINTS: Final = 32
_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
# Those of other rooms by name, for recognisers do not import each other.
BUILT_IN: Final = frozenset(shape.value for shape in HandShape) | {
    "wave", "swipe_left", "swipe_right", "swipe_up", "swipe_down", "circle_clockwise", "circle_counter_clockwise",
    "clap", "nod", "shake", "raised_hand", "crossed_arms", "t_pose", "jump", "walk", "sit_down", "sitting", "stand_up",
    "blink", "speaking", "squat", "push_up", "jumping_jack", "curl",
    "half_squat", "half_push_up", "half_jumping_jack", "half_curl",
    "fall", "lying_down", "immobility", "tremor", "left_frame", "unusual_motion",
    "frozen", "dropout", "time_jump", "sides_swapped", "missing", "late", "duplicate", "limb", "rate_drop",
}  # fmt: skip


class NameRefused(Terminal):
    """A name a gesture cannot have. Fields: name."""


class GestureKind(StrEnum):
    SHAPE = "shape"
    MOVEMENT = "movement"


class TaughtHand(StrEnum):
    """Which of the person's own hands makes it."""

    LEFT = "left"
    RIGHT = "right"
    EITHER = "either"


def _check_finite(value: float) -> float:
    if not isfinite(value):
        raise ValueError("a number that is not finite")
    return value


Finite = Annotated[float, AfterValidator(_check_finite)]
Point = Annotated[list[Finite], Field(min_length=3, max_length=3)]
Hand = Annotated[list[Point], Field(min_length=len(HandLandmark), max_length=len(HandLandmark))]
PathPoint = tuple[Finite, Finite, Finite | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class ShapeExamples:
    """Hands as a right one shows them, in hand lengths from the wrist, x and y as in the image, z away from it."""

    hands: Annotated[list[Hand], Field(min_length=1, max_length=64)]
    reaches: Annotated[list[Annotated[float, Field(gt=0, le=10)]], Field(min_length=1, max_length=64)]
    """How far from each example a hand still has the shape, in the space of `hand_vectors`."""
    flat: bool
    """The examples have no depth: hands are compared as they are seen in the image."""
    upright: bool
    """The direction in the image matters."""

    def __post_init__(self) -> None:
        if len(self.hands) != len(self.reaches):
            raise ValueError(f"{len(self.hands)} hands have {len(self.reaches)} reaches")


@dataclass(frozen=True, slots=True, kw_only=True)
class Track:
    """One performance: where the wrist was at equal intervals, as a right hand does it in an image that is no mirror.

    Points are x to the image's right and y up, body scales, and how open the hand was, 0 … 1, or None.
    """

    points: Annotated[list[PathPoint], Field(min_length=FEWEST_POINTS, max_length=MOST_POINTS)]
    placed: bool
    """The points are from the middle of the shoulders; else from where the movement began, for no body was seen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MovementExamples:
    """Performances of one movement."""

    tracks: Annotated[list[Track], Field(min_length=1, max_length=16)]
    interval_s: Annotated[float, Field(gt=0, le=2)]
    """Between two points."""
    allowed: Annotated[float, Field(gt=0, le=2)]
    """How much a performance may differ from the nearest example, on average over its way (see `likeness`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaughtGesture:
    """One row of `analytics.taught_gestures`. Raises pydantic's ValidationError, and NameRefused."""

    name: str
    kind: GestureKind
    hand: TaughtHand
    examples: ShapeExamples | MovementExamples
    taught_at: AwareDatetime
    source: str

    def __post_init__(self) -> None:
        _check_letters(self.name)
        if isinstance(self.examples, ShapeExamples) is not (self.kind is GestureKind.SHAPE):
            raise ValueError(f"{self.name} is called a {self.kind}, and its examples are none of one")

    @property
    def is_built_in(self) -> bool:
        """Whether it was taught under a name that is built in by now: then it gives way."""
        return self.name.lower() in BUILT_IN

    @property
    def version(self) -> str:
        """`taught-` and eight digits of the digest of what it is recognised by."""
        told = {"format": FORMAT, "kind": self.kind, "hand": self.hand, "examples": self.examples}
        digest = hashlib.sha256(orjson.dumps(told, option=orjson.OPT_SORT_KEYS)).hexdigest()
        return f"taught-{digest[:8]}"


GESTURE: Final = TypeAdapter(TaughtGesture)


def check_name(name: str) -> None:
    """Raises NameRefused for a name that nothing can be taught under."""
    _check_letters(name)
    if name.lower() in BUILT_IN:
        raise NameRefused(f"{name.lower()} is a built-in gesture", hint="take another name, say my_" + name, name=name)


def _check_letters(name: str) -> None:
    if not _NAME.fullmatch(name) or len(name) > LONGEST_NAME:
        raise NameRefused(
            f"{name!r} is no name for a gesture",
            hint=f"letters, digits and underscores, a letter first, at most {LONGEST_NAME}",
            name=name,
        )
