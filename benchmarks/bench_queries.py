"""What a person waits for an answer from an archive of a million frames.

python benchmarks/bench_queries.py [--json] [--frames 1000000] [--parquet-only]

Ten performers' loops are written through the sinks themselves, their frames interleaved as ten live streams would be:
Parquet files as large as the sink makes them (3.4 GB), and a database of its own (4 GB for a million frames, as only
every tenth has its face: the questions do not read faces). Filling takes minutes. Questions are asked through a new
connection each time, as `holistic sql` does, and the median of several answers counts, fetched to the last row. Needs
DATABASE_URL. Everything is removed at the end.
"""

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np
import psycopg2

from benchmarks.figures import print_figures
from benchmarks.own_database import own_database
from connect_runtime.sink import Assignment, Sink, TopicPartition
from consumers.archive.parquet.local_storage import LocalStorage
from consumers.archive.parquet.sink import ParquetSink
from consumers.archive.postgres.sink import PostgresSink
from consumers.archive.sql import ask_parquet, ask_postgres
from consumers.archive.streams import list_parquet_streams, list_postgres_streams
from keypoints.frame import FrameBatch
from performers.acts import ActKind
from performers.loops import cycle_acts
from performers.performer import Performer, Stage

TOPIC: Final = "bench-queries"
STREAMS: Final = 10
PARTITIONS: Final = 6
FPS: Final = 30
LOOP_S: Final = 16.0
ROUND: Final = 48
"""Frames of each stream between the others'."""
FACES_EVERY: Final = 10
TIMES: Final = 7

ONE_LANDMARK: Final = "SELECT avg(y) FROM pose_landmarks WHERE name = 'left_wrist'"
ONE_HOUR: Final = "stream_id = 'performer-3' AND captured_at >= '{first}' AND captured_at < '{after}'"
ONE_JOINT: Final = "SELECT avg(left_wrist_y) FROM joints WHERE "
ITS_ROWS: Final = "SELECT captured_at, left_wrist_x, left_wrist_y FROM joints WHERE "


def rehearse(topic: str) -> list[FrameBatch]:
    """A loop of each performer, on the partition its stream has."""
    acts = cycle_acts([ActKind.WAVE, ActKind.WALK, ActKind.HANDS_OUT, ActKind.SPEAK])
    at_s = np.arange(round(LOOP_S * FPS)) / FPS
    return [
        _on_partition(
            Performer(f"performer-{stream}", acts, seed=stream, stage=Stage(loop_s=LOOP_S)).batch(at_s, topic=topic),
            stream % PARTITIONS,
        )
        for stream in range(STREAMS)
    ]


def _on_partition(batch: FrameBatch, partition: int) -> FrameBatch:
    numbers = np.full(len(batch), partition, dtype=np.int32)
    return replace(batch, partition=numbers, identity_partition=numbers)


def interleave(loops: list[FrameBatch], frames: int, start_us: int) -> Iterator[FrameBatch]:
    """The streams' frames by turns, some of each, numbered and timed on from loop to loop."""
    next_offsets = [0] * PARTITIONS
    pieces = len(loops[0]) // ROUND
    for turn in range(-(-frames // (STREAMS * ROUND))):
        for loop in loops:
            piece = loop.take(np.arange(ROUND) + turn % pieces * ROUND)
            partition = int(piece.partition[0])
            offsets = next_offsets[partition] + np.arange(ROUND, dtype=np.int64)
            next_offsets[partition] += ROUND
            sequence = turn * ROUND + np.arange(ROUND, dtype=np.int64)
            captured_at_us = start_us + sequence * 1_000_000 // FPS
            yield replace(
                piece, offset=offsets, identity_offset=offsets, sequence=sequence, captured_at_us=captured_at_us,
                processed_at_us=captured_at_us + 40_000, timestamp_ms=captured_at_us // 1000,
            )  # fmt: skip


def fill(sink: Sink, batches: Iterator[FrameBatch]) -> tuple[int, float]:
    """Put everything in. Returns how many frames that was, and the seconds it took."""
    began = time.perf_counter()
    sink.open(Assignment(tuple(TopicPartition(TOPIC, number) for number in range(PARTITIONS)), 1, "bench", 0))
    frames = 0
    for batch in gather(batches):
        sink.put(batch)
        frames += len(batch)
    sink.flush()
    sink.stop()
    return frames, time.perf_counter() - began


def gather(batches: Iterator[FrameBatch], rows: int = 2000) -> Iterator[FrameBatch]:
    """Batches of about so many rows, as the runtime hands them over."""
    waiting: list[FrameBatch] = []
    for batch in batches:
        waiting.append(batch)
        if sum(map(len, waiting)) >= rows:
            yield FrameBatch.concat(waiting)
            waiting.clear()
    if waiting:
        yield FrameBatch.concat(waiting)


def with_few_faces(batches: Iterator[FrameBatch]) -> Iterator[FrameBatch]:
    """Only every tenth frame keeps its face."""
    for batch in batches:
        faceless = batch.sequence % FACES_EVERY != 0
        face = batch.face.copy()
        face[faceless] = np.nan
        yield replace(batch, face=face, face_points=np.where(faceless, 0, batch.face_points).astype(np.int16))


def measure(ask: Callable[[], int]) -> tuple[float, int]:
    """Median seconds of several answers, the first left out, and how many rows one has."""
    seconds = []
    for _ in range(TIMES + 1):
        began = time.perf_counter()
        rows = ask()
        seconds.append(time.perf_counter() - began)
    return statistics.median(seconds[1:]), rows


def ask_files(root: Path, question: str) -> int:
    """Rows of an answer from the files."""
    with ask_parquet(root, question) as answer:
        return len(list(answer.rows))


def ask_database(url: str, question: str) -> int:
    """Rows of an answer from the database."""
    with ask_postgres(url, question) as answer:
        return len(list(answer.rows))


def measure_parquet(frames: int, start_us: int) -> dict[str, float]:
    """The files' answers."""
    with tempfile.TemporaryDirectory(prefix="bench-queries-") as folder:
        root = Path(folder)
        sink = ParquetSink(LocalStorage(root), "bench", lambda topic: f"id-of-{topic}", lambda: start_us)
        stored, filling_s = fill(sink, interleave(rehearse(TOPIC), frames, start_us))
        files = list((root / "frames").rglob("*.parquet"))
        landmark_s, _ = measure(lambda: ask_files(root, ONE_LANDMARK))
        joint_s, _ = measure(lambda: ask_files(root, ONE_JOINT + one_hour(start_us)))
        rows_s, rows = measure(lambda: ask_files(root, ITS_ROWS + one_hour(start_us)))
        streams_s, _ = measure(lambda: len(list_parquet_streams(root)))
        return {
            "parquet_frames": stored,
            "parquet_filling_s": filling_s,
            "parquet_files": len(files),
            "parquet_bytes_a_frame": sum(file.stat().st_size for file in files) / stored,
            "parquet_landmark_average_s": landmark_s,
            "parquet_stream_hour_joint_s": joint_s,
            "parquet_stream_hour_rows_s": rows_s,
            "parquet_stream_hour_rows": rows,
            "parquet_streams_s": streams_s,
        }


def measure_postgres(frames: int, start_us: int) -> dict[str, float]:
    """The database's answers."""
    with own_database() as url:
        sink = PostgresSink(url, lambda topic: f"id-of-{topic}", lambda: time.time_ns() // 1000)
        stored, filling_s = fill(sink, with_few_faces(interleave(rehearse(TOPIC), frames, start_us)))
        # What autovacuum does within minutes of an archive being filled.
        with closing(psycopg2.connect(url)) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute("VACUUM (ANALYZE) frames_by_day")
                cursor.execute("SELECT pg_database_size(current_database())")
                row = cursor.fetchone()
        joint_s, _ = measure(lambda: ask_database(url, ONE_JOINT + one_hour(start_us)))
        rows_s, rows = measure(lambda: ask_database(url, ITS_ROWS + one_hour(start_us)))
        streams_s, _ = measure(lambda: len(list_postgres_streams(url)))
        return {
            "postgres_frames": stored,
            "postgres_filling_s": filling_s,
            "postgres_bytes_a_frame": (row[0] if row else 0) / stored,
            "postgres_stream_hour_joint_s": joint_s,
            "postgres_stream_hour_rows_s": rows_s,
            "postgres_stream_hour_rows": rows,
            "postgres_streams_s": streams_s,
        }


def one_hour(start_us: int) -> str:
    """A condition: one stream over an hour from the start, which is nearly all a million frames of ten have of one."""
    first = np.datetime64(start_us, "us")
    return ONE_HOUR.format(first=f"{first}Z", after=f"{first + np.timedelta64(1, 'h')}Z")


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--frames", type=int, default=1_000_000)
    parser.add_argument("--parquet-only", action="store_true")
    options = parser.parse_args()
    # A million frames of ten streams last 55 minutes; they end now.
    seconds = options.frames / STREAMS / FPS
    start_us = time.time_ns() // 1000 - int((seconds + 60) * 1e6)
    measured = measure_parquet(options.frames, start_us)
    if not options.parquet_only:
        measured |= measure_postgres(options.frames, start_us)
    measured = {name: round(value, 4) for name, value in measured.items()}
    print_figures(measured, options.json)
    return 0


if __name__ == "__main__":
    sys.exit(main())
