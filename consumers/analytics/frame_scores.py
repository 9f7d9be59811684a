"""A batch of frames as one score per shape and hand: all arithmetic on landmarks happens here, in columns."""

import numpy as np

from consumers.analytics.shapes.scoring import score_hands
from consumers.analytics.streams import FrameScores
from keypoints.frame import FrameBatch


def score_frames(batch: FrameBatch) -> list[FrameScores]:
    """One entry per row, in the batch's order. A hand with coordinates that are not finite counts as not there."""
    sides = (
        (batch.left_hand, np.flatnonzero(batch.left_hand_present)),
        (batch.right_hand, np.flatnonzero(batch.right_hand_present)),
    )
    rows = np.concatenate([present for _, present in sides])
    measured, scores = score_hands(
        np.concatenate([hands[present] for hands, present in sides]), batch.width[rows], batch.height[rows]
    )
    left: list[list[float] | None] = [None] * len(batch)
    right: list[list[float] | None] = [None] * len(batch)
    lefts = len(sides[0][1])
    for entry, (row, is_measured, hand_scores) in enumerate(
        zip(rows.tolist(), measured.tolist(), scores.tolist(), strict=True)
    ):
        if is_measured:
            (left if entry < lefts else right)[row] = hand_scores
    return list(
        map(
            FrameScores,
            batch.stream_id.tolist(),
            batch.epoch.tolist(),
            batch.sequence.tolist(),
            batch.captured_at_us.tolist(),
            batch.identity_topic.tolist(),
            batch.identity_partition.tolist(),
            batch.identity_offset.tolist(),
            left,
            right,
        )
    )
