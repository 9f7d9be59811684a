"""Frame rate of the whole producer on real video, against a bare mp.solutions.holistic loop on the same frames.

python benchmarks/bench_producer.py [--json] [--rounds N]

Needs the recorded videos (HOLISTIC_SHARED_DATA, else ../shared/data) and a Kafka (KAFKA_BOOTSTRAP_SERVERS, else a local
stack is started for the run). Three loops take turns on the same file, so that what else the machine does meets all:

- producer: capture → landmarks → encode → publish, as `holistic produce` does, to the last acknowledgement;
- one stream, two streams: the same through the worker processes of the service, one or two videos at once;
- bare loop: what people write: decode a frame, convert its colours, process it, one after the other;
- two bare loops, each in a process of its own, at once: what the machine has to give to two streams;
- inference alone: `process()` on frames decoded beforehand, the bound nothing can pass.

Opening the models is left out of all three, and each graph has seen one empty picture before the clock starts. Each
loop's best round counts, for what else runs on the machine only ever makes a round slower.
"""

import argparse
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Generator, Iterator
from concurrent.futures import Future
from contextlib import closing, contextmanager
from pathlib import Path
from statistics import median

import cv2
import numpy as np
from mediapipe.python.solutions.holistic import Holistic
from numpy.typing import NDArray

from benchmarks.recorded_video import decode_all, open_kafka, run_on_video
from kafka_io.admin import create_topics, delete_topic
from kafka_io.settings import KafkaSettings
from keypoints.landmarks import Part
from keypoints.topics import TopicSpec
from producer_service.capture.captured import Captured, DropPolicy, SourceItem
from producer_service.capture.open_source import SourceOptions, open_source
from producer_service.landmarks.native_noise import native_noise_filtered
from producer_service.landmarks.pool.options import PoolOptions
from producer_service.landmarks.pool.pool import LandmarkerPool
from producer_service.live.opening import OpenStudio, open_studio
from producer_service.live.outcome import Acknowledged, PictureOutcome
from producer_service.live.source_run import SourceRun
from producer_service.pipeline import produce, wall_clock_us
from producer_service.settings import ProducerSettings
from producer_service.watchers import Delivered, Watcher

BARE_NAMES = {
    Part.POSE: "pose_landmarks",
    Part.POSE_WORLD: "pose_world_landmarks",
    Part.FACE: "face_landmarks",
    Part.LEFT_HAND: "left_hand_landmarks",
    Part.RIGHT_HAND: "right_hand_landmarks",
}
# Played so often in a row, so that the last record's linger and opening the file weigh little.
TIMES = 3
AXES = ("x", "y", "z", "visibility")
TARGET_RATIO = 0.95
ONE_STREAM_RATIO = 0.97
TWO_STREAMS_RATIO = 1.5


class Stopwatch(Watcher):
    """From the first picture handed over to the last acknowledgement."""

    def __init__(self) -> None:
        self.first_handed_over_us: int | None = None
        self.last_acknowledged_us = 0
        self.latencies_ms: list[float] = []

    def frame_delivered(self, delivered: Delivered, /) -> None:
        self.first_handed_over_us = min(self.first_handed_over_us or delivered.handed_over_us, delivered.handed_over_us)
        self.last_acknowledged_us = max(self.last_acknowledged_us, delivered.acknowledged_us)
        self.latencies_ms.append((delivered.acknowledged_us - delivered.handed_over_us) / 1000)

    @property
    def seconds(self) -> float:
        return (self.last_acknowledged_us - (self.first_handed_over_us or 0)) / 1e6


def run_producer(video: Path, topic: str, kafka: KafkaSettings) -> tuple[float, float]:
    """Frames per second, and the median ms from capture's hand-over to Kafka's acknowledgement."""
    stopwatch = Stopwatch()
    source = Played(video, "bench")
    settings = ProducerSettings(topic=topic).for_files()
    with closing(LandmarkerPool(PoolOptions(workers=1, standby=0))) as pool:
        ledger = produce([source], settings, kafka, watchers=[stopwatch], pool=pool)
    if not ledger.clean:
        raise SystemExit(f"the producer lost frames: {ledger.as_dict()}")
    return ledger.counts().acknowledged / stopwatch.seconds, median(stopwatch.latencies_ms)


class Played:
    """A video that is played several times, one after the other, as one stream."""

    still = False
    expected_frames = None
    drop_policy = DropPolicy.WAIT

    def __init__(self, video: Path, stream_id: str) -> None:
        self.name = str(video)
        self.stream_id = stream_id

    def read(self) -> Generator[SourceItem, None, None]:
        """Every frame, again and again."""
        for _ in range(TIMES):
            yield from open_source(self.name, SourceOptions(stream_id=self.stream_id), wall_clock_us).read()


class StudioStopwatch:
    """From the first picture handed over to the last acknowledgement of a service's streams."""

    def __init__(self) -> None:
        self.delivered: list[Delivered] = []

    def note(self, settled: "Future[PictureOutcome]") -> None:
        outcome = settled.result()
        if not isinstance(outcome, Acknowledged):
            raise SystemExit(f"a frame was lost: {outcome}")
        self.delivered.append(outcome.delivered)

    def read_frames_per_s(self) -> float:
        """The rate since it was last read."""
        delivered, self.delivered = self.delivered, []
        first_us = min(each.handed_over_us for each in delivered)
        return len(delivered) / ((max(each.acknowledged_us for each in delivered) - first_us) / 1e6)


def run_streams(video: Path, opened: OpenStudio, stopwatch: StudioStopwatch, streams: int) -> float:
    """Frames per second of `streams` streams that play the video at once."""
    runs = []
    for number in range(streams):
        source = Played(video, f"bench-{number}")
        line = opened.studio.open_stream(source.stream_id, source.drop_policy)
        runs.append(SourceRun(source, line, opened.studio, threading.Event()))
    for run in runs:
        run.ended.wait()
    while opened.ledger.counts().in_flight:
        time.sleep(0.001)
    return stopwatch.read_frames_per_s()


def measure_difference(images: list[NDArray[np.uint8]], opened: OpenStudio) -> float:
    """The largest difference of any landmark from the bare loop's; infinite when a part is missing in one of them."""
    line = opened.studio.open_stream("compared", DropPolicy.WAIT)
    futures = [line.submit(Captured(image, wall_clock_us(), index)) for index, image in enumerate(images)]
    largest = 0.0
    with open_graph() as graph:
        for image, future in zip(images, futures, strict=True):
            outcome, results = future.result(), graph.process(image)
            if not isinstance(outcome, Acknowledged):
                raise SystemExit(f"a frame was lost: {outcome}")
            for part, name in BARE_NAMES.items():
                ours, bare = outcome.frame.part(part), getattr(results, name)
                if (ours is None) != (bare is None):
                    return float("inf")
                if ours is not None:
                    values = np.array(
                        [[getattr(point, axis) for axis in AXES[: ours.shape[1]]] for point in bare.landmark]
                    )
                    largest = max(largest, float(np.abs(ours - values.astype(np.float32)).max()))
    opened.studio.close_stream(line)
    return largest


def run_bare_loop(video: Path) -> float:
    """Frames per second of decode, convert and process in turn."""
    with open_graph() as graph:
        frames = 0
        started_s = time.perf_counter()
        for _ in range(TIMES):
            capture = cv2.VideoCapture(str(video))
            while True:
                decoded, image_bgr = capture.read()
                if not decoded:
                    break
                graph.process(cv2.cvtColor(image_bgr, cv2.COLOR_BGR2RGB))
                frames += 1
            capture.release()
        seconds = time.perf_counter() - started_s
    return frames / seconds


def run_two_bare_loops(video: Path) -> float:
    """Frames per second of two bare loops at once, each a process of its own: what this machine has to give.

    Each runs three times, and its second time counts, while the other is busy for certain.
    """
    program = (
        "import sys; from pathlib import Path; from benchmarks.bench_producer import run_bare_loop;"
        "video = Path(sys.argv[1]); print('ready', flush=True); sys.stdin.readline();"
        "print([run_bare_loop(video) for _ in range(3)][1])"
    )
    loops = [
        subprocess.Popen(
            [sys.executable, "-c", program, str(video)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    for loop in loops:
        if loop.stdout is None or loop.stdout.readline() != "ready\n":
            raise SystemExit("a bare loop did not start")
    for loop in loops:
        if loop.stdin is not None:
            loop.stdin.write("\n")
            loop.stdin.flush()
    return sum(float(loop.communicate()[0]) for loop in loops)


def run_inference_alone(images: list[NDArray[np.uint8]]) -> float:
    """Frames per second of process() on decoded frames."""
    with open_graph() as graph:
        started_s = time.perf_counter()
        for image in images:
            graph.process(image)
        return len(images) / (time.perf_counter() - started_s)


@contextmanager
def open_graph() -> Iterator[Holistic]:
    """A graph with the producer's options, warm."""
    graph = Holistic(model_complexity=1, refine_face_landmarks=True)
    graph.process(np.zeros((192, 192, 3), dtype=np.uint8))
    yield graph
    graph.close()


def measure(video: Path, rounds: int) -> dict[str, object]:
    """The loops in turn, `rounds` times, each by its best round."""
    images = decode_all(video)
    producer, latency_ms, bare, two_bare, alone, one, two = [], [], [], [], [], [], []
    with native_noise_filtered(), open_kafka() as kafka:
        topic = f"bench-producer-{uuid.uuid4().hex[:8]}"
        create_topics(kafka, [TopicSpec(topic, 6)])
        settings = ProducerSettings(topic=topic).for_files()
        try:
            for _ in range(rounds):
                # Its workers are there for its own turns alone.
                stopwatch, pool = StudioStopwatch(), PoolOptions(workers=2, standby=0)
                with open_studio(settings, pool, kafka, wall_clock_us, stopwatch.note) as opened:
                    one.append(run_streams(video, opened, stopwatch, 1))
                    two.append(run_streams(video, opened, stopwatch, 2))
                    difference = measure_difference(images[:20], opened)
                frames_per_s, milliseconds = run_producer(video, topic, kafka)
                producer.append(frames_per_s)
                latency_ms.append(milliseconds)
                bare.append(run_bare_loop(video))
                two_bare.append(run_two_bare_loops(video))
                alone.append(run_inference_alone(images))
        finally:
            delete_topic(kafka, topic)
    ratio = max(producer) / max(bare)
    return {
        "video": video.name,
        "frames": len(images),
        "rounds": rounds,
        "one_stream_of_bare_loop": round(max(one) / max(bare), 3),
        "two_streams_of_bare_loop": round(max(two) / max(bare), 3),
        "two_bare_loops_of_bare_loop": round(max(two_bare) / max(bare), 3),
        "two_streams_of_two_bare_loops": round(max(two) / max(two_bare), 3),
        "one_stream_frames_per_s": round(max(one), 2),
        "two_streams_frames_per_s": round(max(two), 2),
        "largest_landmark_difference": difference,
        "producer_frames_per_s": round(max(producer), 2),
        "bare_loop_frames_per_s": round(max(bare), 2),
        "inference_alone_frames_per_s": round(max(alone), 2),
        "ratio_to_bare_loop": round(ratio, 3),
        "ratio_to_inference_alone": round(max(producer) / max(alone), 3),
        "hand_over_to_acknowledged_ms": round(min(latency_ms), 1),
        "target_ratio": TARGET_RATIO,
        "reached": ratio >= TARGET_RATIO
        and max(one) / max(bare) >= ONE_STREAM_RATIO
        and max(two) / max(bare) >= TWO_STREAMS_RATIO
        and difference == 0.0,
    }


def main() -> int:
    parser = argparse.ArgumentParser(description="The producer against a bare mp.solutions.holistic loop.")
    parser.add_argument("--rounds", type=int, default=4, help="how often the loops take turns")
    return run_on_video(parser, lambda video, asked: measure(video, asked.rounds))


if __name__ == "__main__":
    sys.exit(main())
