"""Encode and decode a frame, ours against fastavro on the same frames in the same run.

python benchmarks/bench_codec.py [--json]
"""

import io
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import fastavro
import numpy as np

from benchmarks.figures import print_figures
from keypoints import HolisticFrame, decode, decode_records, encode
from keypoints.avro import SINGLE_OBJECT_HEADER
from keypoints.landmarks import PART_SHAPES, Part
from keypoints.schemas import FRAME_SCHEMA

FRAMES = 500
FEW = 40
"""Frames a round for the slower ways."""
ROUNDS = 15


@dataclass(frozen=True)
class Record:
    """A record as a consumer hands it over."""

    value: bytes
    offset: int
    topic: str = "frames"
    partition: int = 0
    timestamp: int = 1_700_000_000_000
    key: bytes | None = b"dancer"
    headers: tuple[tuple[str, bytes | None], ...] = (("content-type", b"avro/binary"), ("schema-version", b"1"))


def make_frames(seed: int) -> list[HolisticFrame]:
    """Full frames of a few interleaved streams, every third without a left hand."""
    rng = np.random.default_rng(seed)
    return [
        HolisticFrame(
            stream_id=f"dancer-{index % 7}",
            sequence=index,
            epoch=1_700_000_000_000_000,
            captured_at_us=1_700_000_000_000_000 + index * 33_333,
            processed_at_us=1_700_000_000_020_000 + index * 33_333,
            width=1280,
            height=720,
            model="mediapipe-holistic-0.10.21",
            **draw_parts(rng, absent=() if index % 3 else (Part.LEFT_HAND,)),
        )
        for index in range(FRAMES)
    ]


def draw_parts(rng: np.random.Generator, absent: tuple[Part, ...]) -> dict[str, Any]:
    """Random points for every part but those absent."""
    return {
        part.value: rng.normal(size=shape).astype(np.float32)
        for part, shape in PART_SHAPES.items()
        if part not in absent
    }


def time_each_us(works: dict[str, tuple[Callable[[], object], int]]) -> dict[str, float]:
    """Microseconds a frame of each piece of work, given with its number of frames: the best of several rounds.

    The pieces take turns within a round, so that whatever else the machine does meets all of them.
    """
    best = dict.fromkeys(works, float("inf"))
    for _ in range(ROUNDS):
        for name, (work, frames) in works.items():
            started_s = time.perf_counter()
            work()
            best[name] = min(best[name], (time.perf_counter() - started_s) / frames * 1e6)
    return best


def measure() -> dict[str, float]:
    """Microseconds a frame of each way, and the ratios that matter."""
    frames = make_frames(seed=0)
    values = [encode(frame) for frame in frames]
    records = [Record(value, offset) for offset, value in enumerate(values)]
    schema = fastavro.parse_schema(FRAME_SCHEMA)
    bodies = [value[len(SINGLE_OBJECT_HEADER) :] for value in values[:FEW]]
    fields = [fastavro.schemaless_reader(io.BytesIO(body), schema, None) for body in bodies]
    took = time_each_us(
        {
            "encode_us": (lambda: [encode(frame) for frame in frames], FRAMES),
            "decode_us": (lambda: [decode(value) for value in values], FRAMES),
            "decode_in_batch_us": (lambda: decode_records(records), FRAMES),
            "fastavro_encode_us": (
                lambda: [fastavro.schemaless_writer(io.BytesIO(), schema, row) for row in fields],
                FEW,
            ),
            "fastavro_decode_us": (
                lambda: [fastavro.schemaless_reader(io.BytesIO(body), schema, None) for body in bodies],
                FEW,
            ),
        }
    )
    return {
        **took,
        "encode_times_faster": took["fastavro_encode_us"] / took["encode_us"],
        "decode_times_faster": took["fastavro_decode_us"] / took["decode_us"],
        "decode_in_batch_times_faster": took["fastavro_decode_us"] / took["decode_in_batch_us"],
        "frame_bytes": sum(map(len, values)) / FRAMES,
    }


if __name__ == "__main__":
    figures = {name: round(value, 2) for name, value in measure().items()}
    print_figures(figures)
