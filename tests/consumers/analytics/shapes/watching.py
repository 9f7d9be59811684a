"""What is said of the hands of a recording or of a performer, frame by frame."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from consumers.analytics.facts import FrameFacts, HandFacts
from consumers.analytics.finding import Change, Moment, Phase
from consumers.analytics.frame_facts import read_facts
from consumers.analytics.shapes.holding import HandShapes
from keypoints.frame import FrameBatch


def read_hands(batch: FrameBatch) -> list[FrameFacts]:
    """The facts of frames in which body and face were not seen: they take time, and nothing here asks for them."""
    nothing = np.zeros(len(batch), dtype=np.bool_)
    return read_facts(replace(batch, pose_present=nothing, face_points=np.zeros_like(batch.face_points)))


def hand_showing(scores: Sequence[float]) -> HandFacts:
    """A hand of which the shapes' scores are known and nothing else."""
    unknown = float("nan")
    return HandFacts(*(unknown,) * 9, scores)


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
