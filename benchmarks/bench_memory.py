"""Memory of the producer over 10,000 frames, and over 200 streams opened and closed.

python benchmarks/bench_memory.py [--json] [--frames N] [--streams N]

Needs the recorded videos (HOLISTIC_SHARED_DATA, else ../shared/data) and a Kafka (KAFKA_BOOTSTRAP_SERVERS, else a local
stack is started for the run). Two streams on two workers play a video again and again; then streams come and go, each
with a few frames. What is measured is the memory the service and its workers hold together (RSS), as the median of the
samples of each tenth of the part. The first tenth is warm-up: growth is the last tenth over the second.
"""

import argparse
import sys
import threading
import uuid
from collections.abc import Callable
from pathlib import Path
from statistics import median

import psutil

from benchmarks.recorded_video import decode_all, open_kafka, run_on_video
from kafka_io.admin import create_topics, delete_topic
from keypoints.topics import TopicSpec
from producer_service.capture.captured import Captured, DropPolicy, RgbImage
from producer_service.landmarks.native_noise import native_noise_filtered
from producer_service.landmarks.pool.options import PoolOptions
from producer_service.live.opening import OpenStudio, open_studio
from producer_service.pipeline import wall_clock_us
from producer_service.settings import ProducerSettings

TENTHS = 10
GROWTH = 1.10
FRAMES_A_STREAM = 5


def read_rss_mb() -> float:
    """Memory of this process and of the workers below it."""
    us = psutil.Process()
    return sum(process.memory_info().rss for process in [us, *us.children(recursive=True)]) / 1e6


def play(opened: OpenStudio, name: str, images: list[RgbImage], frames: int) -> None:
    """Play the video as one stream until so many frames are acknowledged."""
    line = opened.studio.open_stream(name, DropPolicy.WAIT)
    for number in range(frames):
        answered = line.submit(Captured(images[number % len(images)], wall_clock_us(), number))
    answered.result()
    opened.studio.close_stream(line)


def measure_tenths(part: Callable[[int], None]) -> list[float]:
    """Do a part in tenths, and give the memory held after each, in MB: the median over the tenth."""
    held_mb = []
    for tenth in range(TENTHS):
        samples: list[float] = []
        done = threading.Event()

        def sample(into: list[float], until: threading.Event) -> None:
            while not until.wait(0.5):
                into.append(read_rss_mb())

        sampling = threading.Thread(target=sample, args=(samples, done))
        sampling.start()
        part(tenth)
        done.set()
        sampling.join()
        held_mb.append(median([*samples, read_rss_mb()]))
    return held_mb


def measure(video: Path, frames: int, streams: int) -> dict[str, object]:
    """Both parts, one after the other, on one studio."""
    images = decode_all(video)

    with native_noise_filtered(), open_kafka() as kafka:
        topic = f"bench-memory-{uuid.uuid4().hex[:8]}"
        create_topics(kafka, [TopicSpec(topic, 6)])
        try:
            with open_studio(ProducerSettings(topic=topic), PoolOptions(workers=2), kafka, wall_clock_us) as opened:

                def play_two(tenth: int) -> None:
                    pair = [
                        threading.Thread(target=play, args=(opened, f"{tenth}-{side}", images, frames // TENTHS // 2))
                        for side in "ab"
                    ]
                    for thread in pair:
                        thread.start()
                    for thread in pair:
                        thread.join()

                def come_and_go(tenth: int) -> None:
                    for number in range(streams // TENTHS):
                        play(opened, f"visitor-{tenth}-{number}", images, FRAMES_A_STREAM)

                by_frames, by_streams = measure_tenths(play_two), measure_tenths(come_and_go)
                adds_up = opened.ledger.counts().adds_up
        finally:
            delete_topic(kafka, topic)
    growths = [held[-1] / held[1] for held in (by_frames, by_streams)]
    return {
        "frames": frames,
        "streams_opened_and_closed": streams,
        "growth_over_frames": round(growths[0], 3),
        "growth_over_streams": round(growths[1], 3),
        "mb_after_each_tenth_of_frames": [round(held) for held in by_frames],
        "mb_after_each_tenth_of_streams": [round(held) for held in by_streams],
        "ledger_adds_up": adds_up,
        "reached": max(growths) <= GROWTH and adds_up,
    }


def main() -> int:
    parser = argparse.ArgumentParser(description="The producer's memory over many frames and many streams.")
    parser.add_argument("--frames", type=int, default=10_000)
    parser.add_argument("--streams", type=int, default=200)
    return run_on_video(parser, lambda video, asked: measure(video, asked.frames, asked.streams))


if __name__ == "__main__":
    sys.exit(main())
