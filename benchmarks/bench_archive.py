"""The archive draining a backlog from a real topic, one process a store, beside others who fill the same table.

python benchmarks/bench_archive.py [--json] [--frames 60000]

Needs KAFKA_BOOTSTRAP_SERVERS and DATABASE_URL, where it makes a topic and databases of its own and drops them again.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np

from benchmarks.archive_rivals import copy_raw, insert_lists
from benchmarks.figures import print_figures
from benchmarks.own_database import own_database
from connect_runtime.service import ServiceOptions, run_connectors
from connect_runtime.sink import Assignment, Sink, TopicPartition
from consumers.archive.connectors import Store, make_connector
from consumers.archive.parquet.local_storage import LocalStorage
from consumers.archive.parquet.sink import ParquetSink
from consumers.archive.settings import read_archive_settings
from kafka_io.admin import create_topics, delete_topic
from kafka_io.publisher import BoundedPublisher
from kafka_io.schema_topic import announce_schema
from kafka_io.settings import read_kafka_settings
from keypoints.codec import encode_avro
from keypoints.frame import FrameBatch
from keypoints.topics import SUITE_TOPICS, TopicSpec, frame_headers, record_key
from performers.acts import Act, ActKind
from performers.performer import Performer

STREAMS: Final = 12
FPS: Final = 30
DISTINCT_FRAMES_A_STREAM: Final = 300
PARTITIONS: Final = 6
RECORDED_FRAMES: Final = 6000
INSERTED_FRAMES: Final = 600
TIMEOUT_S: Final = 300


def make_batches() -> list[FrameBatch]:
    """A few seconds of performers who wave, a batch for each."""
    at_s = np.arange(DISTINCT_FRAMES_A_STREAM) / FPS
    start_us = time.time_ns() // 1000 - 3_600_000_000
    return [
        Performer(f"performer-{seed}", [Act(ActKind.WAVE, 1.0, 6.0)], seed=seed).batch(at_s, start_us=start_us)
        for seed in range(STREAMS)
    ]


def fill_topic(topic: str, batches: Sequence[FrameBatch], frames: int) -> int:
    """Publish the frames over and over. Returns the average size of a record's value."""
    encoded = [[encode_avro(batch.frame(row)) for row in range(len(batch))] for batch in batches]
    kafka = read_kafka_settings()
    announce_schema(kafka)
    size = 0
    with BoundedPublisher(kafka) as publisher:
        for number in range(frames):
            stream, row = number % STREAMS, number // STREAMS % DISTINCT_FRAMES_A_STREAM
            value = encoded[stream][row]
            size += len(value)
            timestamp_ms = int(batches[stream].timestamp_ms[row])
            publisher.publish(topic, record_key(f"performer-{stream}"), value, frame_headers(), timestamp_ms)
    return size // frames


class WatchedSink:
    """A sink, and when it got its first rows and had the last of them durable."""

    def __init__(self, sink: Sink, frames: int, done: threading.Event) -> None:
        self._sink = sink
        self._frames = frames
        self._done = done
        self.tick_interval_s = 0.05
        self.began: float | None = None
        self.ended = 0.0
        self._rows = 0
        self.cpu_s = 0.0

    def open(self, assignment: Assignment) -> Mapping[TopicPartition, int]:
        return self._sink.open(assignment)

    def put(self, batch: FrameBatch) -> None:
        if self.began is None:
            self.began, self.cpu_s = time.perf_counter(), -time.process_time()
        self._sink.put(batch)
        self._rows += len(batch)
        if self._rows == self._frames:
            # The backlog's end: what a stop would do, rather than wait for the files' age.
            self._sink.flush()

    def tick(self) -> None:
        self._sink.tick()  # type: ignore[attr-defined]

    def flush(self) -> None:
        self._sink.flush()

    def durable_offsets(self) -> Mapping[TopicPartition, int]:
        offsets = self._sink.durable_offsets()
        if sum(offsets.values()) >= self._frames and not self._done.is_set():
            self.ended = time.perf_counter()
            self.cpu_s += time.process_time()
            self._done.set()
        return offsets

    def close(self, revoked: Sequence[TopicPartition]) -> None:
        self._sink.close(revoked)

    def alter_offsets(self, offsets: Mapping[TopicPartition, int | None]) -> None:
        self._sink.alter_offsets(offsets)

    def stop(self) -> None:
        self._sink.stop()


def drain(store: Store, frames: int) -> dict[str, float]:
    """Run the store's connector, as the service does, until the whole topic is durable."""
    done = threading.Event()
    watched: list[WatchedSink] = []
    kafka = read_kafka_settings()
    spec = make_connector(store, read_archive_settings(), kafka)

    def make_sink() -> Sink:
        watched.append(WatchedSink(spec.make_sink(), frames, done))
        return watched[-1]

    stopper = threading.Timer(TIMEOUT_S, done.set)
    stopper.start()
    run_connectors([replace(spec, make_sink=make_sink)], kafka, ServiceOptions(http_port=None, stop=done))
    stopper.cancel()
    [sink] = watched
    if sink.began is None or not sink.ended:
        raise SystemExit(f"{store}: the topic was not drained within {TIMEOUT_S} s")
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    cpu_us = sink.cpu_s * 1e6 / frames
    return {"frames_per_s": frames / (sink.ended - sink.began), "peak_mb": peak_mb, "cpu_us": cpu_us}


def drain_in_own_process(store: Store, topic: str, frames: int, environment: Mapping[str, str]) -> dict[str, float]:
    """`drain` in a process that does nothing else."""
    name = json.dumps({"name": f"bench-{uuid.uuid4().hex[:8]}"})
    configs = {f"HOLISTIC_ARCHIVE_{kind}_CONFIG": name for kind in ("POSTGRES", "PARQUET")}
    answer = subprocess.run(
        [sys.executable, __file__, "--drain", store.value, "--frames", str(frames)],
        env={**os.environ, **environment, **configs, "HOLISTIC_TOPIC": topic},
        stdout=subprocess.PIPE,
        check=True,
        timeout=TIMEOUT_S + 60,
    )
    measured: dict[str, float] = json.loads(answer.stdout)
    return measured


def weigh_recorded_motion() -> float | None:
    """Bytes a frame of the files a real person's motion becomes; None where the recording is not there."""
    folder = Path(os.environ.get("HOLISTIC_SHARED_DATA") or Path(__file__).resolve().parents[2] / "shared" / "data")
    recording = folder / "recordings" / "example.pose"
    if not recording.is_file():
        return None
    from benchmarks.recorded_motion import resample_recording

    start_us = 1_790_000_000_000_000
    batch = resample_recording(recording, RECORDED_FRAMES, "recorded", start_us)
    with tempfile.TemporaryDirectory(prefix="bench-archive-") as name:
        storage = LocalStorage(Path(name))
        sink = ParquetSink(storage, "bench", lambda _: "bench", lambda: start_us)
        sink.open(Assignment((TopicPartition(batch.topic, 0),), 1, "bench", 0))
        sink.put(batch)
        sink.flush()
        return sum((Path(name) / path).stat().st_size for path in storage.list_files("frames")) / len(batch)


def measure(frames: int) -> dict[str, float]:
    """All of it, one after the other, on one topic."""
    kafka = read_kafka_settings()
    topic = f"bench-archive-{uuid.uuid4().hex[:8]}"
    create_topics(kafka, [*SUITE_TOPICS, TopicSpec(topic, PARTITIONS)])
    batches = make_batches()
    try:
        record_bytes = fill_topic(topic, batches, frames)
        with own_database() as url:
            postgres = drain_in_own_process(Store.POSTGRES, topic, frames, {"DATABASE_URL": url})
        with tempfile.TemporaryDirectory(prefix="bench-archive-") as folder:
            parquet = drain_in_own_process(Store.PARQUET, topic, frames, {"HOLISTIC_ARCHIVE_DIR": folder})
            files = LocalStorage(Path(folder)).list_files("frames")
            parquet_bytes = sum((Path(folder) / path).stat().st_size for path in files)
        with own_database() as url:
            raw = copy_raw(url, batches, min(frames, 20_000))
        with own_database() as url:
            by_hand = insert_lists(url, batches, INSERTED_FRAMES)
    finally:
        delete_topic(kafka, topic)
    recorded = weigh_recorded_motion()
    return {
        "frames": frames,
        "avro_bytes_a_frame": record_bytes,
        "postgres_frames_per_s": round(postgres["frames_per_s"]),
        "postgres_cpu_us_a_frame": round(postgres["cpu_us"]),
        "postgres_peak_mb": round(postgres["peak_mb"]),
        "raw_copy_frames_per_s": round(raw),
        "postgres_of_raw_copy": round(postgres["frames_per_s"] / raw, 2),
        "sqlalchemy_lists_frames_per_s": round(by_hand),
        "postgres_times_sqlalchemy": round(postgres["frames_per_s"] / by_hand, 1),
        "parquet_frames_per_s": round(parquet["frames_per_s"]),
        "parquet_cpu_us_a_frame": round(parquet["cpu_us"]),
        "parquet_peak_mb": round(parquet["peak_mb"]),
        "parquet_bytes_a_frame": round(parquet_bytes / frames),
        "parquet_files": len(files),
        **({} if recorded is None else {"parquet_bytes_a_recorded_frame": round(recorded)}),
    }


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--frames", type=int, default=60_000)
    parser.add_argument("--drain", type=Store, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.drain is not None:
        print(json.dumps(drain(options.drain, options.frames)))
        return 0
    measured = measure(options.frames)
    print_figures(measured, options.json)
    return 0


if __name__ == "__main__":
    sys.exit(main())
