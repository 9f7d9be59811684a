"""The sink runtime and the publisher against a real broker: rates, latency of the hand-over, and the cost of idling.

python benchmarks/bench_runtime.py [--json] [--frames N]

Needs KAFKA_BOOTSTRAP_SERVERS.
"""

import argparse
import threading
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from benchmarks.figures import print_figures
from connect_runtime.service import ConnectorSpec, ServiceOptions, run_connectors
from connect_runtime.sink import Assignment, TopicPartition
from kafka_io.admin import create_topics, delete_topic
from kafka_io.publisher import BoundedPublisher, PublisherOptions
from kafka_io.settings import KafkaSettings, read_kafka_settings
from keypoints import FrameBatch, HolisticFrame, encode
from keypoints.landmarks import PART_SHAPES, Part
from keypoints.topics import TopicSpec, frame_headers, record_key

PARTITIONS = 6
STREAMS = 24
LATENCY_RECORDS = 300
IDLE_S = 5.0
DEADLINE_S = 300.0


class NoopSink:
    """Takes frames and notes when; everything is durable at once."""

    def __init__(self) -> None:
        self.partitions: tuple[TopicPartition, ...] = ()
        self.frames = 0
        self.first_frames = 0
        self.puts = 0
        self.first_put_at = 0.0
        self.last_put_at = 0.0
        self.cpu_at_first_put = 0.0
        self.cpu_at_last_put = 0.0
        self.arrivals: dict[int, float] = {}
        self._durable: dict[TopicPartition, int] = {}

    def open(self, assignment: Assignment) -> Mapping[TopicPartition, int]:
        """Note the partitions; nothing is stored."""
        self.partitions = assignment.partitions
        return {}

    def put(self, batch: FrameBatch) -> None:
        """Count."""
        now, cpu = time.perf_counter(), time.process_time()
        if self.puts == 0:
            self.first_put_at, self.cpu_at_first_put, self.first_frames = now, cpu, len(batch)
        self.last_put_at, self.cpu_at_last_put = now, cpu
        self.frames += len(batch)
        self.puts += 1
        for partition, offset in batch.next_offsets().items():
            self._durable[TopicPartition(batch.topic, partition)] = offset
        for sequence in batch.sequence.tolist():
            self.arrivals.setdefault(sequence, now)

    def flush(self) -> None:
        """Nothing is buffered."""

    def durable_offsets(self) -> Mapping[TopicPartition, int]:
        """All that was put."""
        return self._durable

    def close(self, revoked: Sequence[TopicPartition]) -> None:
        """Forget."""
        for partition in revoked:
            self._durable.pop(partition, None)

    def alter_offsets(self, offsets: Mapping[TopicPartition, int | None]) -> None:
        """Nothing is stored."""

    def stop(self) -> None:
        """Nothing is open."""


def make_frames() -> list[HolisticFrame]:
    """One frame of each stream, all parts seen."""
    rng = np.random.default_rng(7)
    return [
        HolisticFrame(
            stream_id=f"dancer-{stream}",
            sequence=stream,
            epoch=1,
            captured_at_us=time.time_ns() // 1000,
            processed_at_us=time.time_ns() // 1000,
            width=1280,
            height=720,
            model="bench",
            pose=rng.random(PART_SHAPES[Part.POSE], dtype=np.float32),
            pose_world=rng.random(PART_SHAPES[Part.POSE_WORLD], dtype=np.float32),
            face=rng.random(PART_SHAPES[Part.FACE], dtype=np.float32),
            left_hand=rng.random(PART_SHAPES[Part.LEFT_HAND], dtype=np.float32),
            right_hand=rng.random(PART_SHAPES[Part.RIGHT_HAND], dtype=np.float32),
        )
        for stream in range(STREAMS)
    ]


def measure_publishing(settings: KafkaSettings, topic: str, count: int) -> dict[str, float]:
    """Frames a second with encoding, from the first to the last acknowledgement."""
    frames = make_frames()
    headers = frame_headers()
    with BoundedPublisher(settings) as publisher:
        began, cpu = time.perf_counter(), time.process_time()
        for index in range(count):
            frame = frames[index % STREAMS]
            publisher.publish(topic, record_key(frame.stream_id), encode(frame), headers, time.time_ns() // 1_000_000)
        publisher.flush()
        seconds, cpu_s = time.perf_counter() - began, time.process_time() - cpu
        counts = publisher.counts()
    if counts.acknowledged != count:
        raise RuntimeError(f"{count - counts.acknowledged} frames were not acknowledged")
    return {
        "publish_frames_per_s": count / seconds,
        "publish_cpu_us_per_frame": 1e6 * cpu_s / count,
        "frame_bytes": counts.acknowledged_bytes / count,
    }


def measure_reading(settings: KafkaSettings, topic: str, count: int) -> dict[str, float]:
    """Frames a second through poll, decode and put into a sink that does nothing; then latency, then idling."""
    sink, stop = NoopSink(), threading.Event()
    spec = ConnectorSpec(f"bench-{uuid.uuid4().hex[:8]}", {"topics": topic}, lambda: sink)
    service = threading.Thread(
        target=run_connectors, args=([spec], settings, ServiceOptions(http_port=None, stop=stop)), name="service"
    )
    service.start()
    try:
        wait_for_frames(sink, count)
        # The clock starts with the first put, whose frames are therefore not counted.
        timed = sink.frames - sink.first_frames
        figures = {
            "noop_sink_frames_per_s": timed / (sink.last_put_at - sink.first_put_at),
            "noop_sink_cpu_us_per_frame": 1e6 * (sink.cpu_at_last_put - sink.cpu_at_first_put) / timed,
            "frames_per_put": count / sink.puts,
        }
        figures |= measure_latency(settings, topic, sink)
        figures |= measure_idling()
    finally:
        stop.set()
        service.join()
    return figures


def wait_for_frames(sink: NoopSink, count: int) -> None:
    """Wait until the sink has this many."""
    deadline = time.monotonic() + DEADLINE_S
    while sink.frames < count:
        if time.monotonic() > deadline:
            raise RuntimeError(f"{sink.frames} of {count} frames after {DEADLINE_S:g} s")
        time.sleep(0.2)


def measure_latency(settings: KafkaSettings, topic: str, sink: NoopSink) -> dict[str, float]:
    """Milliseconds from `publish` to `put` of single records, well apart, without linger."""
    frame, sent, before = make_frames()[0], {}, sink.frames
    with BoundedPublisher(settings, PublisherOptions(linger_ms=0)) as publisher:
        for index in range(LATENCY_RECORDS):
            sequence = 1_000_000 + index
            one = replace(frame, sequence=sequence)
            value = encode(one)
            sent[sequence] = time.perf_counter()
            publisher.publish(topic, record_key(one.stream_id), value, frame_headers(), time.time_ns() // 1_000_000)
            time.sleep(0.012)
    wait_for_frames(sink, before + LATENCY_RECORDS)
    delays_ms = [1000 * (sink.arrivals[sequence] - at) for sequence, at in sent.items() if sequence in sink.arrivals]
    return {
        "publish_to_put_ms_p50": float(np.percentile(delays_ms, 50)),
        "publish_to_put_ms_p99": float(np.percentile(delays_ms, 99)),
    }


def measure_idling() -> dict[str, float]:
    """Share of one core this process uses while the topic is idle, in percent."""
    time.sleep(1.0)
    began, cpu = time.perf_counter(), time.process_time()
    time.sleep(IDLE_S)
    return {"idle_cpu_percent": 100 * (time.process_time() - cpu) / (time.perf_counter() - began)}


def main() -> None:
    """Measure, print, and delete the topic."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--frames", type=int, default=40_000, help="frames to publish and read")
    options = parser.parse_args()
    settings = read_kafka_settings()
    topic = f"bench-runtime-{uuid.uuid4().hex[:8]}"
    create_topics(settings, [TopicSpec(topic, PARTITIONS)])
    try:
        figures = measure_publishing(settings, topic, options.frames)
        figures |= measure_reading(settings, topic, options.frames)
    finally:
        delete_topic(settings, topic)
    print_figures(figures, options.json)


if __name__ == "__main__":
    main()
