"""The numbers by which one frame's picture is held against the next."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from consumers.analytics.facts import BodyFacts, FrameFacts, HandFacts

_FIRST: Final = BodyFacts._fields.index("nose_x")
_END: Final = BodyFacts._fields.index("hip_span") + 1
_NAMES: Final = BodyFacts._fields[_FIRST:_END]
_SAME: Final = 2e-5
"""Image heights or body scales: a hundredth of what a landmark trembles by."""
_PAIRS: Final = tuple(
    (place, _NAMES.index(name.replace("left", "right", 1)))
    for place, name in enumerate(_NAMES)
    if name.startswith("left_")
)
_SHOULDER_SPAN: Final = _NAMES.index("shoulder_span")
_HIP_SPAN: Final = _NAMES.index("hip_span")
_UNSEEN: Final = 0.2
"""Body scales: what a landmark counts that is told in one of two frames only."""
_TURNED: Final = 0.06
"""Body scales: by how much the span of the shoulders changes at least, when its ends are exchanged."""
_FACING: Final = 0.2
"""Body scales: who shows so much of a span of the shoulders is turned to the camera, or away from it."""
_EXCHANGED: Final = 0.35
_EXCHANGED_BY: Final = 0.25
"""Body scales, over all pairs: exchanged sides cost less than this share when crossed over, and this much less."""

Numbers = list[float | None]
"""None where a number cannot be told."""


@dataclass(slots=True)
class Picture:
    """What was seen of a person: places of a body, and of its hands; None for a part that was not there."""

    body: Numbers | None = None
    left: Numbers | None = None
    right: Numbers | None = None


def take_picture(facts: FrameFacts) -> Picture:
    """The picture a frame shows."""
    body, left, right = facts.body, facts.left, facts.right
    return Picture(
        None if body is None else _list_numbers(body[_FIRST:_END]),
        None if left is None else _list_numbers(_read_places(left)),
        None if right is None else _list_numbers(_read_places(right)),
    )


def is_same(before: Picture, now: Picture) -> bool:
    """Whether two pictures show somebody, and the same to well below what landmarks tremble by."""
    if now.body is None and now.left is None and now.right is None:
        return False
    return _is_same(before.body, now.body) and _is_same(before.left, now.left) and _is_same(before.right, now.right)


def are_sides_exchanged(before: Picture, now: Picture) -> bool:
    """Whether the left of one picture is the right of the next and the other way round, too suddenly for a turn.

    Landmarks stay where they were and change their names. Legs and arms that pass each other do so as well, but not
    the shoulders; of somebody seen from the side, whose far shoulder is hidden, the near side has to become the other.
    """
    was, body = before.body, now.body
    if was is None or body is None:
        return False
    was_span, span = was[_SHOULDER_SPAN], body[_SHOULDER_SPAN]
    if was_span is not None and span is not None and abs(was_span - span) >= _TURNED:
        if was_span * span >= 0.0:
            return False
    elif not _is_other_side_hidden(was, body):
        return False
    straight = crossed = 0.0
    for left, right in _PAIRS:
        straight += _part(was[left], body[left]) + _part(was[right], body[right])
        crossed += _part(was[left], body[right]) + _part(was[right], body[left])
    for place in (_SHOULDER_SPAN, _HIP_SPAN):
        was_span, span = was[place], body[place]
        if was_span is not None and span is not None:
            straight += abs(span - was_span)
            crossed += abs(span + was_span)
    return crossed < _EXCHANGED * straight and straight - crossed > _EXCHANGED_BY


def is_left_at_right(now: Picture) -> bool:
    """Whether the left shoulder is clearly at the image's right, as of everybody who faces the camera."""
    span = None if now.body is None else now.body[_SHOULDER_SPAN]
    return span is not None and span > _FACING


def _read_places(hand: HandFacts) -> tuple[float, float, float, float]:
    return hand.wrist_x, hand.wrist_y, hand.index_tip_x, hand.index_tip_y


def _list_numbers(values: Sequence[float]) -> Numbers:
    total = sum(values)
    return list(values) if total == total else [value if value == value else None for value in values]


def _is_same(before: Numbers | None, now: Numbers | None) -> bool:
    if before is None or now is None:
        return before is now
    for a, b in zip(before, now, strict=True):
        if a is None or b is None:
            if a is not b:
                return False
        elif not -_SAME <= a - b <= _SAME:
            return False
    return True


def _is_other_side_hidden(was: Numbers, body: Numbers) -> bool:
    for left, right in _PAIRS:
        if (was[left] is None) is not (was[right] is None):
            return (was[left] is None) is (body[right] is None) and (was[right] is None) is (body[left] is None)
    return False


def _part(a: float | None, b: float | None) -> float:
    if a is None or b is None:
        return 0.0 if a is b else _UNSEEN
    return abs(a - b)
