"""Streams of made hands, as they lie in a partition."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from keypoints.frame import FrameBatch, HolisticFrame
from tests.consumers.analytics.made_hands import START_US, make_frames, make_hand, thumbs_down, thumbs_up

SECOND_US = 1_000_000


def interleave(*streams: list[HolisticFrame], first_offset: int = 0) -> FrameBatch:
    """Streams as they lie interleaved in one partition: a frame of each in turn."""
    longest = max(len(frames) for frames in streams)
    return FrameBatch.from_frames(
        [frames[number] for number in range(longest) for frames in streams if number < len(frames)],
        first_offset=first_offset,
    )


def busy_minute(streams: int = 5, frames: int = 600) -> FrameBatch:
    """Hands that change shape every half second or so, with dropouts, faults and streams that stop early."""
    dice = np.random.default_rng(11)
    kinds = [*map(make_hand, ("open", "closed", "pointing", "victory", "ok")), thumbs_up(), thumbs_down(), None]
    all_streams = []
    for stream in range(streams):
        hands: list[NDArray[np.float32] | None] = []
        while len(hands) < frames // (1 + stream % 2):
            hand = kinds[dice.integers(len(kinds))]
            for _ in range(int(dice.integers(3, 30))):
                shaken = None if hand is None else hand + dice.normal(0, 0.002, hand.shape).astype(np.float32)
                hands.append(None if dice.random() < 0.1 else shaken)
        made = make_frames(hands, stream_id=f"performer-{stream}", start_us=START_US + stream * 3_600 * SECOND_US)
        late = [replace(made[50], sequence=len(made))]
        all_streams.append(made + late)
    return interleave(*all_streams)


def cut(batch: FrameBatch, rows: int) -> list[FrameBatch]:
    """The same records as polls of at most `rows` would bring them."""
    return [batch.take(np.arange(start, min(start + rows, len(batch)))) for start in range(0, len(batch), rows)]
