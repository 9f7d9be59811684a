"""What the publisher's linger and compression cost and save: acknowledgement latency, bytes, processor time.

python benchmarks/bench_publish.py [--json] [--seconds N]

Frames of four streams, of a recorded person where the recording is there, else of a made-up one, paced as inference
gives them and as fast as they go. Needs KAFKA_BOOTSTRAP_SERVERS.
"""

import argparse
import json
import os
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any, Final

import numpy as np
from rich.console import Console
from rich.table import Table

from kafka_io.admin import create_topics, delete_topic, open_admin
from kafka_io.publisher import BoundedPublisher, Compression, Delivery, PublisherOptions
from kafka_io.settings import KafkaSettings, read_kafka_settings
from keypoints import HolisticFrame, encode
from keypoints.landmarks import PART_SHAPES
from keypoints.topics import TopicSpec, frame_headers, record_key

PARTITIONS: Final = 6
STREAMS: Final = 4
LINGERS_MS: Final = (0, 1, 5)
COMPRESSIONS: Final[tuple[Compression, ...]] = ("none", "lz4", "zstd")
PACES: Final[tuple[int | None, ...]] = (30, 120, 800, None)
FLAT_OUT_FRAMES: Final = 8_000
MADE_FRAMES: Final = 2_000
WARM_UP_FRAMES: Final = 50
WARM_UP_ROUNDS: Final = 3


@dataclass(frozen=True, slots=True)
class Measured:
    """One combination at one pace."""

    linger_ms: int
    compression: Compression
    pace: int | None
    frames_per_s: float
    p50_ms: float
    p99_ms: float
    bytes_a_frame: float
    cpu_ms_a_frame: float
    late_p99_ms: float
    """How late the pacing itself was: what the machine's other work adds to the latencies."""

    @property
    def name(self) -> str:
        """As a figure's beginning."""
        pace = "flat_out" if self.pace is None else f"{self.pace}_a_second"
        return f"{pace}_linger_{self.linger_ms}_{self.compression}"


def make_frames() -> list[HolisticFrame]:
    """Frames as alike as those of a person in front of a camera."""
    folder = Path(os.environ.get("HOLISTIC_SHARED_DATA") or Path(__file__).resolve().parents[2] / "shared" / "data")
    recording = folder / "recordings" / "example.pose"
    if recording.is_file():
        from benchmarks.recorded_motion import resample_recording

        batch = resample_recording(recording, MADE_FRAMES, "recorded", time.time_ns() // 1000)
        return [batch.frame(row) for row in range(len(batch))]
    rng = np.random.default_rng(3)
    at_rest = {part.value: rng.random(shape) for part, shape in PART_SHAPES.items()}

    def parts() -> dict[str, Any]:
        return {
            name: (points + rng.normal(0, 0.001, points.shape)).astype(np.float32) for name, points in at_rest.items()
        }

    now_us = time.time_ns() // 1000
    return [
        HolisticFrame(
            stream_id="made-up",
            sequence=sequence,
            epoch=1,
            captured_at_us=now_us,
            processed_at_us=now_us,
            width=1280,
            height=720,
            **parts(),
        )
        for sequence in range(MADE_FRAMES)
    ]


@contextmanager
def own_topic(kafka: KafkaSettings) -> Iterator[str]:
    """A topic of this measure's own."""
    topic = f"bench-publish-{uuid.uuid4().hex[:8]}"
    create_topics(kafka, [TopicSpec(topic, PARTITIONS)])
    try:
        yield topic
    finally:
        delete_topic(kafka, topic)


def measure(
    kafka: KafkaSettings,
    values: list[bytes],
    linger_ms: int,
    compression: Compression,
    pace: int | None,
    seconds: float,
) -> Measured:
    """Publish, and note when each acknowledgement came."""
    handed_s: list[float] = []
    late_ms: list[float] = []
    acknowledged_s: dict[int, float] = {}

    def note(delivery: Delivery) -> None:
        if delivery.error is None and isinstance(delivery.tag, int):
            acknowledged_s[delivery.tag] = time.perf_counter()

    options = PublisherOptions(linger_ms=linger_ms, compression=compression)
    # The first second is everybody's warm-up: connections, caches, the broker's compiler.
    skipped = 0 if pace is None else pace
    frames = FLAT_OUT_FRAMES if pace is None else skipped + round(pace * seconds)
    keys = [record_key(f"stream-{index}") for index in range(STREAMS)]
    with own_topic(kafka) as topic, BoundedPublisher(kafka, options, note) as publisher:

        def publish(index: int, tag: int | None) -> None:
            publisher.publish(topic, keys[index % STREAMS], values[index % len(values)], frame_headers(), tag=tag)

        for index in range(WARM_UP_FRAMES):
            publish(index, None)
        publisher.flush()
        before = topic_bytes(kafka, topic)
        cpu_s, began_s = time.process_time(), time.perf_counter()
        for index in range(frames):
            if pace is not None:
                time.sleep(max(0.0, began_s + index / pace - time.perf_counter()))
            handed_s.append(time.perf_counter())
            if pace is not None:
                late_ms.append((handed_s[-1] - began_s - index / pace) * 1000)
            publish(index, index)
        publisher.flush()
        took_s, cpu_s = time.perf_counter() - began_s, time.process_time() - cpu_s
        size = topic_bytes(kafka, topic) - before
    latencies_ms = [(acknowledged_s[index] - handed) * 1000 for index, handed in enumerate(handed_s)][skipped:]
    p50_ms, p99_ms = (float(np.percentile(latencies_ms, percent)) for percent in (50, 99))
    late_p99_ms = float(np.percentile(late_ms[skipped:], 99)) if late_ms else 0.0
    return Measured(
        linger_ms, compression, pace, frames / took_s, p50_ms, p99_ms, size / frames, cpu_s * 1000 / frames, late_p99_ms
    )


def topic_bytes(kafka: KafkaSettings, topic: str) -> int:
    """Bytes of a topic's log, which are those that came over the wire: the broker keeps batches as they are."""
    with open_admin(kafka, "weighing a topic") as admin:
        answers = admin.describe_log_dirs([topic])
    return sum(
        partition["partition_size"]
        for broker in answers
        for log_dir in broker["log_dirs"]
        for found in log_dir["topics"]
        if found["name"] == topic
        for partition in found["partitions"]
    )


def print_table(measured: list[Measured], console: Console) -> None:
    """For people."""
    table = Table("pace", "linger", "codec", "frames/s", "p50 ms", "p99 ms", "bytes", "CPU ms", "late p99")
    for one in measured:
        table.add_row(
            "flat out" if one.pace is None else f"{one.pace}/s",
            f"{one.linger_ms} ms",
            one.compression,
            f"{one.frames_per_s:,.0f}",
            f"{one.p50_ms:.2f}",
            f"{one.p99_ms:.2f}",
            f"{one.bytes_a_frame:,.0f}",
            f"{one.cpu_ms_a_frame:.3f}",
            "" if one.pace is None else f"{one.late_p99_ms:.2f}",
        )
    console.print(table)


def main() -> None:
    """Measure every combination, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument(
        "--seconds", type=float, default=4.0, help="how long each paced measure takes, after one second"
    )
    options = parser.parse_args()
    kafka = read_kafka_settings()
    values = [encode(frame) for frame in make_frames()]
    # A broker that has just begun is slow until its own compiler is done.
    for _ in range(WARM_UP_ROUNDS):
        measure(kafka, values, 0, "zstd", None, options.seconds)
    measured = [
        measure(kafka, values, linger_ms, compression, pace, options.seconds)
        for pace, linger_ms, compression in product(PACES, LINGERS_MS, COMPRESSIONS)
    ]
    if not options.json:
        print_table(measured, Console())
        return
    figures: dict[str, float] = {}
    for one in measured:
        figures |= {
            f"{one.name}_p50_ms": one.p50_ms,
            f"{one.name}_p99_ms": one.p99_ms,
            f"{one.name}_bytes_a_frame": one.bytes_a_frame,
            f"{one.name}_cpu_ms_a_frame": one.cpu_ms_a_frame,
            f"{one.name}_frames_per_s": one.frames_per_s,
            f"{one.name}_late_p99_ms": one.late_p99_ms,
        }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
