"""What the benchmarks on real video share: the video, its frames, a Kafka, and how a figure is printed."""

import argparse
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from kafka_io.settings import KafkaSettings

VIDEO = Path("videos") / "hoy_001.mp4"


def run_on_video(
    parser: argparse.ArgumentParser, measure: Callable[[Path, argparse.Namespace], dict[str, object]]
) -> int:
    """Parse the arguments, measure on the recorded video and print the figures; says so where the video is absent."""
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    asked = parser.parse_args()
    recorded = os.environ.get("HOLISTIC_SHARED_DATA") or Path(__file__).resolve().parents[2] / "shared" / "data"
    video = Path(recorded) / VIDEO
    if not video.is_file():
        sys.stderr.write(f"skipped: needs the recorded video {video}\n")
        return 0
    figures = measure(video, asked)
    if asked.json:
        sys.stdout.write(json.dumps(figures, indent=2) + "\n")
    else:
        for name, value in figures.items():
            sys.stdout.write(f"{name.replace('_', ' '):36} {value}\n")
    return 0


def decode_all(video: Path) -> list[NDArray[np.uint8]]:
    """Every frame of the video in RGB."""
    capture = cv2.VideoCapture(str(video))
    images: list[NDArray[np.uint8]] = []
    while True:
        decoded, image_bgr = capture.read()
        if not decoded:
            capture.release()
            return images
        images.append(np.asarray(cv2.cvtColor(image_bgr, cv2.COLOR_BGR2RGB), dtype=np.uint8))


@contextmanager
def open_kafka() -> Iterator[KafkaSettings]:
    """The environment's Kafka, or one of a local stack that ends with the run."""
    if os.environ.get("KAFKA_BOOTSTRAP_SERVERS"):
        yield KafkaSettings()
        return
    from local_stack import start_stack, stop_stack

    data_dir = Path(tempfile.mkdtemp(prefix="holistic-bench-"))
    try:
        yield KafkaSettings(bootstrap_servers=start_stack(data_dir).kafka_bootstrap_servers)
    finally:
        stop_stack(data_dir)
        shutil.rmtree(data_dir, ignore_errors=True)
