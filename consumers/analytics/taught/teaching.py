"""Teaching one gesture: from frames or labelled hands to a row of the table, and what to tell the teacher."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np

from consumers.analytics.features.geometry import Floats, find_aspect, turn_to_rows
from consumers.analytics.frame_facts import read_facts
from consumers.analytics.taught.counterexamples import PASSING_TIME, do_something_else, pass_time, show_hand_shapes
from consumers.analytics.taught.gesture import (
    GestureKind,
    MovementExamples,
    ShapeExamples,
    TaughtGesture,
    TaughtHand,
    check_name,
)
from consumers.analytics.taught.learning_movements import Performance, learn_movement
from consumers.analytics.taught.learning_shapes import HandsShown, learn_shape
from consumers.analytics.taught.lesson import Lesson, TeachingRefused
from consumers.analytics.taught.shapes import turn_examples
from keypoints.frame import FrameBatch
from keypoints.landmarks import HandLandmark, Part

_LONGEST_SOURCE = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What is taught, and from what."""

    name: str
    hand: TaughtHand
    source: str
    taught_at: datetime


def teach_shape(
    subject: Subject,
    shown: HandsShown,
    known: Sequence[TaughtGesture],
    *,
    upright: bool = False,
    unlike: Mapping[str, Floats] | None = None,
) -> tuple[TaughtGesture, Lesson[ShapeExamples]]:
    """Learn a shape, or more of one that is `known`. `unlike` are hands of other shapes, by name, as HandsShown has.

    Raises TeachingRefused and NameRefused.
    """
    earlier = _find_earlier(subject, GestureKind.SHAPE, known)
    others = dict(show_hand_shapes()) | dict(unlike or {})
    for gesture in known:
        if isinstance(gesture.examples, ShapeExamples) and gesture.name != subject.name:
            others[gesture.name] = turn_examples(gesture.examples)
    examples = earlier.examples if earlier is not None else None
    assert not isinstance(examples, MovementExamples)  # noqa: S101
    lesson = learn_shape(shown, others, examples, upright=upright)
    return _make(subject, GestureKind.SHAPE, lesson.examples, earlier), lesson


def teach_movement(
    subject: Subject, performances: Sequence[FrameBatch], known: Sequence[TaughtGesture]
) -> tuple[TaughtGesture, Lesson[MovementExamples]]:
    """Learn a movement, or more of one that is `known`; each batch is one performance.

    Raises TeachingRefused and NameRefused.
    """
    earlier = _find_earlier(subject, GestureKind.MOVEMENT, known)
    passing = _split_streams(pass_time())
    hands_alone = [[replace(facts, body=None) for facts in performance] for performance in passing]
    others: dict[str, list[Performance]] = {PASSING_TIME: [*passing, *hands_alone]}
    others |= {name: [read_facts(batch)] for name, batch in do_something_else()}
    taught = {
        gesture.name: gesture.examples
        for gesture in known
        if isinstance(gesture.examples, MovementExamples) and gesture.name != subject.name
    }
    examples = earlier.examples if earlier is not None else None
    assert not isinstance(examples, ShapeExamples)  # noqa: S101
    lesson = learn_movement([read_facts(batch) for batch in performances], subject.hand, others, taught, examples)
    return _make(subject, GestureKind.MOVEMENT, lesson.examples, earlier), lesson


def take_hands(batch: FrameBatch, hand: TaughtHand) -> tuple[HandsShown, TaughtHand]:
    """The hands of frames that show a shape, and whose they are: of `either`, the one that is held higher.

    Raises TeachingRefused when there is none.
    """
    sides = [TaughtHand.LEFT, TaughtHand.RIGHT] if hand is TaughtHand.EITHER else [hand]
    seen = {side: int(batch.present(_PARTS[side]).sum()) for side in sides}
    most = max(seen.values())
    if not most:
        raise TeachingRefused(
            f"no {'' if hand is TaughtHand.EITHER else hand + ' '}hand was seen in {len(batch)} frames",
            hint="choose another part of the source, or another --hand",
        )
    side = min((side for side in sides if 2 * seen[side] >= most), key=lambda side: _measure_height(batch, side))
    rows = np.flatnonzero(batch.present(_PARTS[side]))
    hands = turn_to_rows(batch.part(_PARTS[side])[rows], find_aspect(batch.width[rows], batch.height[rows]))
    hands[0] *= np.where(batch.mirrored[rows] ^ (side is TaughtHand.LEFT), -1.0, 1.0)
    return HandsShown(hands=hands, believed=False), side


def take_labelled(values: Floats) -> HandsShown:
    """Labelled hands (N, 42), x and y of each landmark from the wrist, as right ones."""
    hands = np.zeros((3, len(HandLandmark), len(values)))
    hands[:2] = values.reshape(-1, len(HandLandmark), 2).transpose(2, 1, 0)
    return HandsShown(hands=hands, believed=True)


_PARTS = {TaughtHand.LEFT: Part.LEFT_HAND, TaughtHand.RIGHT: Part.RIGHT_HAND}


def _measure_height(batch: FrameBatch, side: TaughtHand) -> float:
    """Of the image, from its top: the middle of where the wrist was."""
    part = _PARTS[side]
    return float(np.nanmedian(batch.part(part)[batch.present(part), HandLandmark.WRIST, 1]))


def _find_earlier(subject: Subject, kind: GestureKind, known: Sequence[TaughtGesture]) -> TaughtGesture | None:
    check_name(subject.name)
    earlier = next((gesture for gesture in known if gesture.name == subject.name), None)
    if earlier is not None and (earlier.kind, earlier.hand) != (kind, subject.hand):
        raise TeachingRefused(
            f"{subject.name} is a {earlier.kind} of {earlier.hand} hand already, not a {kind} of {subject.hand}",
            hint=f"take another name, or `holistic gestures remove {subject.name}` first",
        )
    return earlier


def _make(
    subject: Subject, kind: GestureKind, examples: ShapeExamples | MovementExamples, earlier: TaughtGesture | None
) -> TaughtGesture:
    source = subject.source if earlier is None else f"{subject.source}; {earlier.source}"[:_LONGEST_SOURCE]
    return TaughtGesture(
        name=subject.name, kind=kind, hand=subject.hand, examples=examples, taught_at=subject.taught_at, source=source
    )


def _split_streams(batch: FrameBatch) -> list[Performance]:
    facts = read_facts(batch)
    return [[row for row in facts if row.stream_id == stream] for stream in dict.fromkeys(batch.stream_id.tolist())]
