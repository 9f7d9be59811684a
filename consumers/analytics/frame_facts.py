"""A batch of frames as facts: all arithmetic on landmarks happens here, in columns, once for all recognisers."""

from collections.abc import Sequence
from itertools import repeat
from typing import Any, Final, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from consumers.analytics.facts import BodyFacts, FaceFacts, FrameFacts, HandFacts
from consumers.analytics.features.bodies import measure_bodies
from consumers.analytics.features.faces import measure_faces
from consumers.analytics.features.geometry import Floats, find_aspect
from consumers.analytics.features.hands import measure_hands
from consumers.analytics.features.poses import take_poses
from consumers.analytics.shapes.scoring import score_shapes
from keypoints.frame import FrameBatch

Part = TypeVar("Part")

# What of a hand's facts is measured as the facts have it; palm_facing is turned by side, and scores are last.
_OF_HANDS: Final = tuple(name for name in HandFacts._fields if name not in ("palm_facing", "scores"))


class TaughtShapes(Protocol):
    """Hand shapes users taught."""

    def score(self, batch: FrameBatch) -> tuple[Floats, Floats]:
        """float64 (N, K) of the left and of the right hands of a batch of N rows: 0 … 1 for each of K taught shapes.
        What it says of a hand that is absent does not matter."""


def read_facts(batch: FrameBatch, taught: TaughtShapes | None = None) -> list[FrameFacts]:
    """One entry per row, in the batch's order; `motion` is None, for it takes the frames before.

    A hand with coordinates that are not finite counts as not there, and so does a body without a size.
    """
    if not len(batch):
        return []
    left, right = _read_hands(batch, taught)
    return list(
        map(
            FrameFacts,
            batch.stream_id.tolist(),
            batch.epoch.tolist(),
            batch.sequence.tolist(),
            batch.captured_at_us.tolist(),
            batch.identity_topic.tolist(),
            batch.identity_partition.tolist(),
            batch.identity_offset.tolist(),
            left,
            right,
            _read_bodies(batch),
            _read_faces(batch),
            repeat(None),
            find_aspect(batch.width, batch.height).tolist(),
            batch.mirrored.tolist(),
        )
    )


def _read_bodies(batch: FrameBatch) -> list[BodyFacts | None]:
    poses = take_poses(batch)
    if not len(poses.rows):
        return [None] * len(batch)
    return _spread(measure_bodies(poses, batch.mirrored[poses.rows]), poses.rows, len(batch))


def _read_faces(batch: FrameBatch) -> list[FaceFacts | None]:
    rows = np.flatnonzero(batch.face_present)
    if not len(rows):
        return [None] * len(batch)
    aspect = find_aspect(batch.width[rows], batch.height[rows])
    return _spread(measure_faces(batch.face[rows], aspect, batch.mirrored[rows]), rows, len(batch))


def _read_hands(
    batch: FrameBatch, taught: TaughtShapes | None
) -> tuple[list[HandFacts | None], list[HandFacts | None]]:
    """Both sides' hands are measured as one column."""
    lefts, rights = np.flatnonzero(batch.left_hand_present), np.flatnonzero(batch.right_hand_present)
    rows = np.concatenate([lefts, rights])
    if not len(rows):
        return [None] * len(batch), [None] * len(batch)
    hands = measure_hands(
        np.concatenate([batch.left_hand[lefts], batch.right_hand[rights]]), batch.width[rows], batch.height[rows]
    )
    scores = score_shapes(hands)
    if taught is not None:
        of_left, of_right = taught.score(batch)
        scores = np.concatenate([scores, np.concatenate([of_left[lefts], of_right[rights]])], axis=1)
    # A hand of the other side, and one seen in a mirror, look at us with what a right hand's back would be.
    is_left = np.arange(len(rows)) < len(lefts)
    facing = np.where(is_left ^ batch.mirrored[rows], -hands.palm_facing_as_right, hands.palm_facing_as_right)
    columns: dict[str, Any] = {name: getattr(hands, name).tolist() for name in _OF_HANDS}
    columns |= {"palm_facing": facing.tolist(), "scores": scores.tolist()}
    facts = list(map(HandFacts, *(columns[name] for name in HandFacts._fields)))
    split, measured = len(lefts), hands.measured
    return (
        _spread(facts[:split], lefts, len(batch), measured[:split]),
        _spread(facts[split:], rights, len(batch), measured[split:]),
    )


def _spread(
    parts: Sequence[Part], rows: NDArray[np.intp], length: int, measured: NDArray[np.bool_] | None = None
) -> list[Part | None]:
    """The parts at their rows among `length`, None in the others and where one was not measured."""
    spread: list[Part | None] = [None] * length
    told = [True] * len(parts) if measured is None else measured.tolist()
    for part, row, is_told in zip(parts, rows.tolist(), told, strict=True):
        if is_told:
            spread[row] = part
    return spread
