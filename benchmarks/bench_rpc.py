"""What gRPC adds to a frame: from the client's sending it to its reading the outcome, less what the stream itself took.

python benchmarks/bench_rpc.py [--json] [--frames N]

The landmarker looks at nothing and always gives the same whole person, in a real worker process; Kafka is real
(KAFKA_BOOTSTRAP_SERVERS). The client is a process of its own. `line` is the same without gRPC: a thread of the service
itself that hands pixels in and waits.
"""

import argparse
import json
import queue
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from typing import Any, Final

import numpy as np
from PIL import Image
from rich.console import Console
from rich.table import Table

from kafka_io.admin import create_topics, delete_topic
from kafka_io.settings import KafkaSettings, read_kafka_settings
from keypoints.landmarks import PART_SHAPES
from keypoints.topics import TopicSpec
from producer_service.access.keys import ApiKeys
from producer_service.capture.captured import Captured, DropPolicy, RgbImage
from producer_service.landmarks.landmarker import Landmarks
from producer_service.landmarks.pool.options import PoolOptions
from producer_service.live.opening import OpenStudio, open_studio
from producer_service.live.outcome import Acknowledged
from producer_service.pipeline import wall_clock_us
from producer_service.rpc.options import RpcOptions
from producer_service.rpc.schema import SERVICE, message_class
from producer_service.rpc.server import serve_rpc
from producer_service.settings import ProducerSettings

SIZES: Final = {"360p": (640, 360), "720p": (1280, 720)}
SKIPPED: Final = 20


@dataclass(frozen=True, slots=True)
class Case:
    """What a client sends, over how many streams at once; paced at 30 frames/s, or each when the last is answered."""

    picture: str
    size: str
    streams: int = 1

    @property
    def name(self) -> str:
        """As a figure's beginning."""
        return f"{self.picture}_{self.size}_{self.streams}_streams"


CASES: Final = (
    Case("line", "360p"), Case("line", "720p"), Case("raw", "360p"), Case("raw", "720p"), Case("jpeg", "720p"),
    Case("jpeg", "720p", 4),
)  # fmt: skip


class SamePersonFinder:
    """Looks at nothing."""

    model = "same-person-finder"

    def __init__(self) -> None:
        rng = np.random.default_rng(1)
        self._person = Landmarks(**{part.value: rng.random(shape, np.float32) for part, shape in PART_SHAPES.items()})

    def find(self, _image: RgbImage) -> Landmarks:
        """Always the same person, whole."""
        return self._person

    def reset(self) -> None:
        """Nothing to forget."""

    def close(self) -> None:
        """Nothing to release."""


def open_same_person(_still: bool) -> SamePersonFinder:
    """For worker processes, by name."""
    return SamePersonFinder()


def draw(size: str) -> RgbImage:
    """A picture whose JPEG is about as large as a camera's."""
    width, height = SIZES[size]
    noise = np.random.default_rng(2).integers(0, 256, (height // 8, width // 8, 3), dtype=np.uint8)
    return np.asarray(Image.fromarray(noise).resize((width, height), Image.Resampling.BICUBIC))


def make_picture(case: Case) -> Any:
    """A Picture message of the case."""
    image = draw(case.size)
    if case.picture == "jpeg":
        file = BytesIO()
        Image.fromarray(image).save(file, "JPEG", quality=90)
        return message_class("Picture")(encoded=file.getvalue())
    height, width = image.shape[:2]
    return message_class("Picture")(raw={"width": width, "height": height, "rgb24": image.tobytes()})


def be_client(port: int, case: Case, frames: int) -> list[float]:
    """ms that were gRPC's, of every frame."""
    import grpc

    message = message_class("PictureMessage")
    picture = message(picture=make_picture(case))
    added_ms: list[float] = []

    def run(stream_id: str) -> None:
        sending: queue.SimpleQueue[Any] = queue.SimpleQueue()
        sending.put(message(opening={"stream_id": stream_id, "policy": 2}))
        with grpc.insecure_channel(f"127.0.0.1:{port}", [("grpc.use_local_subchannel_pool", 1)]) as channel:
            call = channel.stream_stream(
                f"/{SERVICE}/TrackStream", message.SerializeToString, message_class("FrameOutcome").FromString
            )
            outcomes = call(iter(sending.get, None))
            outcomes.initial_metadata()
            began_s = time.perf_counter()
            for index in range(frames + SKIPPED):
                if case.streams > 1:
                    time.sleep(max(0.0, began_s + index / 30 - time.perf_counter()))
                sent_s = time.perf_counter()
                sending.put(picture)
                spent = next(outcomes).acknowledged.spent
                took_ms = (time.perf_counter() - sent_s) * 1000
                own_ms = spent.waiting_ms + spent.decoding_ms + spent.inference_ms + spent.publishing_ms
                if index >= SKIPPED:
                    added_ms.append(took_ms - own_ms)
            sending.put(None)
            list(outcomes)

    threads = [threading.Thread(target=run, args=(f"bench-{index}",)) for index in range(case.streams)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return added_ms


def be_inside(opened: OpenStudio, case: Case, frames: int) -> list[float]:
    """The same for a thread of the service itself, without gRPC."""
    line = opened.studio.open_stream("bench-line", DropPolicy.WAIT)
    captured = Captured(draw(case.size), 1, 0)
    added_ms: list[float] = []
    for index in range(frames + SKIPPED):
        sent_s = time.perf_counter()
        outcome = line.submit(captured).result()
        took_ms = (time.perf_counter() - sent_s) * 1000
        assert isinstance(outcome, Acknowledged)
        if index >= SKIPPED:
            added_ms.append(took_ms - outcome.spent.total_ms)
    opened.studio.close_stream(line)
    return added_ms


def ask_client(port: int, case: Case, frames: int) -> list[float]:
    """What a client in another process measures."""
    asked = [sys.executable, __file__, "--client", str(port), "--case", str(CASES.index(case)), "--frames", str(frames)]
    answer = subprocess.run(asked, check=True, capture_output=True, text=True)
    return [float(ms) for ms in json.loads(answer.stdout)]


@contextmanager
def own_studio(kafka: KafkaSettings) -> Iterator[OpenStudio]:
    """A studio with one worker, and a topic of its own."""
    topic = f"bench-rpc-{uuid.uuid4().hex[:8]}"
    create_topics(kafka, [TopicSpec(topic, 3)])
    pool = PoolOptions(workers=1, standby=0, opener="benchmarks.bench_rpc:open_same_person")
    try:
        with open_studio(ProducerSettings(topic=topic, linger_ms=0), pool, kafka, wall_clock_us) as opened:
            yield opened
    finally:
        delete_topic(kafka, topic)


def measure(frames: int) -> dict[str, list[float]]:
    """Every case in turn."""
    added_ms: dict[str, list[float]] = {}
    with own_studio(read_kafka_settings()) as opened, serve_rpc(opened, ApiKeys(None), RpcOptions()) as server:
        # A broker that has just begun is slow, and so is everything else.
        be_inside(opened, CASES[0], frames)
        for case in CASES:
            inside = case.picture == "line"
            added_ms[case.name] = be_inside(opened, case, frames) if inside else ask_client(server.port, case, frames)
    return added_ms


def main() -> None:
    """Measure and print; or be one of the measure's clients."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--frames", type=int, default=500, help="frames of each measure and stream")
    parser.add_argument("--client", type=int, metavar="PORT", help=argparse.SUPPRESS)
    parser.add_argument("--case", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.client is not None:
        print(json.dumps(be_client(options.client, CASES[options.case], options.frames)))
        return
    added_ms = measure(options.frames)
    figures = {
        f"{name}_{label}_ms": round(float(np.percentile(values, percent)), 3)
        for name, values in added_ms.items()
        for label, percent in (("p50", 50), ("p99", 99))
    }
    if options.json:
        print(json.dumps(figures))
        return
    table = Table("case", "p50 ms", "p99 ms", title="What is added to a frame's own time")
    for name in added_ms:
        table.add_row(name, f"{figures[f'{name}_p50_ms']:.2f}", f"{figures[f'{name}_p99_ms']:.2f}")
    Console().print(table)


if __name__ == "__main__":
    main()
