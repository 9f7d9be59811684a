"""Hypothesis strategies for frames and consumed records."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st

from keypoints.frame import Float32Array, HolisticFrame
from keypoints.landmarks import FACE_POINTS_WITHOUT_IRIS, PART_SHAPES, Part
from keypoints.topics import Headers

LONGS = st.integers(min_value=-(2**63), max_value=2**63 - 1)
MICROS_FASTAVRO_CAN_HOLD = st.integers(min_value=-62_135_596_800_000_000, max_value=253_402_300_799_999_999)
INTS = st.integers(min_value=-(2**31), max_value=2**31 - 1)
STREAM_IDS = st.text(st.characters(blacklist_characters="\x00", blacklist_categories=["Cs"]), min_size=1, max_size=64)


@dataclass(frozen=True)
class Consumed:
    """A record as a consumer hands it over."""

    value: bytes | None
    offset: int = 0
    partition: int = 0
    topic: str = "frames"
    timestamp: int = 1_700_000_000_000
    key: bytes | None = b"ada"
    headers: Headers = ()


@st.composite
def parts(draw: st.DrawFn, part: Part) -> Float32Array | None:
    """A part with hostile numbers (NaN, infinities, subnormals), or None."""
    if draw(st.booleans()):
        return None
    points, width = PART_SHAPES[part]
    if part is Part.FACE and draw(st.booleans()):
        points = FACE_POINTS_WITHOUT_IRIS
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    values = rng.normal(size=(points, width)).astype(np.float32)
    special = draw(st.sampled_from([None, np.nan, np.inf, -np.inf, 0.0, -0.0, 1e-45, 3.4e38]))
    if special is not None:
        values[draw(st.integers(0, points - 1)), draw(st.integers(0, width - 1))] = special
    return values


@st.composite
def frames(draw: st.DrawFn, micros: st.SearchStrategy[int] = MICROS_FASTAVRO_CAN_HOLD) -> HolisticFrame:
    """Any frame at all."""
    return HolisticFrame(
        stream_id=draw(STREAM_IDS),
        sequence=draw(LONGS),
        epoch=draw(LONGS),
        captured_at_us=draw(micros),
        processed_at_us=draw(micros),
        width=draw(INTS),
        height=draw(INTS),
        mirrored=draw(st.booleans()),
        model=draw(st.text(st.characters(blacklist_categories=["Cs"]), max_size=20)),
        pose=draw(parts(Part.POSE)),
        pose_world=draw(parts(Part.POSE_WORLD)),
        face=draw(parts(Part.FACE)),
        left_hand=draw(parts(Part.LEFT_HAND)),
        right_hand=draw(parts(Part.RIGHT_HAND)),
    )


def make_frame(sequence: int = 0, stream_id: str = "ada", *, absent: tuple[Part, ...] = ()) -> HolisticFrame:
    """A plain frame with every part but those named."""
    rng = np.random.default_rng(sequence)
    draw: Callable[[Part], Float32Array | None] = lambda part: (  # noqa: E731
        None if part in absent else rng.normal(size=PART_SHAPES[part]).astype(np.float32)
    )
    return HolisticFrame(
        stream_id=stream_id,
        sequence=sequence,
        epoch=1,
        captured_at_us=1_700_000_000_000_000 + sequence * 33_333,
        processed_at_us=1_700_000_000_000_000 + sequence * 33_333 + 20_000,
        width=1280,
        height=720,
        model="test",
        pose=draw(Part.POSE),
        pose_world=draw(Part.POSE_WORLD),
        face=draw(Part.FACE),
        left_hand=draw(Part.LEFT_HAND),
        right_hand=draw(Part.RIGHT_HAND),
    )
