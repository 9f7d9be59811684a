"""Frames put into a sink."""

from consumers.analytics.sink import AnalyticsSink
from keypoints.frame import FrameBatch
from tests.consumers.analytics.made_hands import make_frames, make_hand


def feed(sink: AnalyticsSink, *batches: FrameBatch) -> None:
    for batch in batches:
        sink.put(batch)


def feed_and_save(sink: AnalyticsSink, *batches: FrameBatch) -> None:
    """Put each, and have all of it saved, state too, before the next."""
    for batch in batches:
        sink.put(batch)
        sink.flush()


def held_hand(frames: int, first_offset: int = 0) -> FrameBatch:
    """An open right hand, `frames` frames from the `first_offset`-th on."""
    made = make_frames([make_hand("open")] * (first_offset + frames))
    return FrameBatch.from_frames(made[first_offset:], first_offset=first_offset)
