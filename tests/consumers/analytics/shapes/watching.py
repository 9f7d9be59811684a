"""What is said of the hands of a recording or of a performer, frame by frame."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from consumers.analytics.facts import FrameFacts, HandFacts
from consumers.analytics.finding import Change, Moment, Phase
from consumers.analytics.shapes.holding import HandShapes
from consumers.analytics.shapes.scoring import score_hands
from keypoints.frame import FrameBatch


def read_hands(batch: FrameBatch) -> list[FrameFacts]:
    """Frames of which nothing but the hands' shapes is known; other numbers are NaN."""
    sides = [
        _score(batch, batch.left_hand, batch.left_hand_present),
        _score(batch, batch.right_hand, batch.right_hand_present),
    ]
    return [
        FrameFacts(
            stream_id=str(batch.stream_id[row]),
            epoch=int(batch.epoch[row]),
            sequence=int(batch.sequence[row]),
            captured_at_us=int(batch.captured_at_us[row]),
            topic=str(batch.identity_topic[row]),
            partition=int(batch.identity_partition[row]),
            offset=int(batch.identity_offset[row]),
            left=left,
            right=right,
            body=None,
            face=None,
        )
        for row, (left, right) in enumerate(zip(*sides, strict=True))
    ]


def hand_showing(scores: Sequence[float]) -> HandFacts:
    """A hand of which the shapes' scores are known and nothing else."""
    return HandFacts(*[np.nan] * (len(HandFacts._fields) - 1), scores=scores)


def watch(frames: Sequence[FrameFacts], shapes: HandShapes | None = None) -> list[tuple[FrameFacts, Change]]:
    """What happens, each with the frame it happens in."""
    shapes = shapes or HandShapes()
    return [
        (facts, change)
        for facts in frames
        for change in shapes.advance(Moment(facts.captured_at_us, facts.offset), facts)
    ]


def begun(happened: Sequence[tuple[FrameFacts, Change]]) -> list[tuple[str, str]]:
    """(hand, shape) of each that began."""
    return [(change.finding.subject, change.finding.kind) for _, change in happened if change.phase is Phase.START]


def _score(batch: FrameBatch, hands: NDArray[np.float32], present: NDArray[np.bool_]) -> list[HandFacts | None]:
    measured, scores = score_hands(hands, batch.width, batch.height)
    there = (measured & present).tolist()
    return [hand_showing(row) if shown else None for row, shown in zip(scores.tolist(), there, strict=True)]
