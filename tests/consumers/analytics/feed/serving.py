"""The live feed as it is served, on a port of its own, and what is published for it."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx
import orjson

from consumers.analytics.feed.run import run_feed
from consumers.analytics.feed.settings import FeedSettings
from kafka_io.publisher import BoundedPublisher
from kafka_io.settings import KafkaSettings
from keypoints.codec import encode
from keypoints.frame import HolisticFrame
from keypoints.topics import frame_headers, record_key

PATIENCE_S = 15.0


@contextmanager
def serve(settings: FeedSettings, kafka: KafkaSettings, *, ready: bool = True) -> Iterator[str]:
    """The whole service for the length of the block: its address. With `ready` its topics are followed already."""
    stop, listening = threading.Event(), threading.Event()
    addresses: list[str] = []

    def note(address: str) -> None:
        addresses.append(address.rstrip("/"))
        listening.set()

    def run() -> None:
        try:
            run_feed(settings, kafka, stop, note)
        finally:
            listening.set()

    thread = threading.Thread(target=run, name="feed")
    thread.start()
    try:
        assert listening.wait(PATIENCE_S)
        assert addresses, "the service did not begin"
        if ready:
            await_true(lambda: has_begun(addresses[0]))
        yield addresses[0]
    finally:
        stop.set()
        thread.join(PATIENCE_S)
        assert not thread.is_alive()


def has_begun(address: str) -> bool:
    """Whether it follows events, and knows how it stands with skeletons."""
    answer = httpx.get(f"{address}/readyz", timeout=PATIENCE_S)
    return answer.status_code == 200 and answer.json()["skeletons"] != "connecting"


def await_true(is_so: Callable[[], bool], within_s: float = PATIENCE_S) -> None:
    """Ask until it is so."""
    deadline_s = time.monotonic() + within_s
    while not is_so():
        assert time.monotonic() < deadline_s, "did not come true in time"
        threading.Event().wait(0.02)


def made_event(
    number: int = 0, *, stream: str = "ada", kind: str = "thumbs_up", phase: str = "occurred", **more: Any
) -> dict[str, Any]:
    """An event as analytics publishes it; `gesture` tells starts and ends that belong together."""
    gesture = more.pop("gesture", number)
    started_s = more.pop("started_s", time.time() - 0.2)
    ended_s = None if phase == "start" else more.pop("ended_s", started_s + 0.1)
    return {
        "event_id": f"{stream}-{gesture}-{kind}-{phase}",
        "gesture_id": f"{stream}-{gesture}-{kind}",
        "stream_id": stream,
        "epoch": 1,
        "category": "shape",
        "kind": kind,
        "subject": "right",
        "hand": "right",
        "phase": phase,
        "started_at": write_time(started_s),
        "ended_at": None if ended_s is None else write_time(ended_s),
        "confidence": 0.9,
        "observed": 1.0,
        "severity": None,
        "evidence": {"number": number},
        "rules_version": "test-1",
        "source": {"topic": "frames", "partition": 0, "first_offset": number, "last_offset": number + 4},
        **more,
    }


def write_time(at_s: float) -> str:
    return datetime.fromtimestamp(at_s, UTC).isoformat(timespec="microseconds")


@dataclass(frozen=True, slots=True)
class Publisher:
    """Puts events and frames on topics of the tests' own, and waits until they are there."""

    kafka: KafkaSettings
    events_topic: str
    topic: str

    def events(self, *events: dict[str, Any] | bytes, partition_by: str | None = None) -> None:
        """Events in order; bytes go as they are."""
        with BoundedPublisher(self.kafka) as publisher:
            for event in events:
                value = event if isinstance(event, bytes) else orjson.dumps(event)
                stream = partition_by or ("?" if isinstance(event, bytes) else str(event.get("stream_id", "?")))
                publisher.publish(self.events_topic, record_key(stream), value)

    def frames(self, frames: Sequence[HolisticFrame], per_s: float | None = None) -> None:
        """Frames in order, all at once or so many a second."""
        with BoundedPublisher(self.kafka) as publisher:
            for frame in frames:
                publisher.publish(self.topic, record_key(frame.stream_id), encode(frame), frame_headers())
                if per_s is not None:
                    threading.Event().wait(1 / per_s)


def read_metric(address: str, name: str) -> float:
    """The sum of a metric's samples whose lines begin so."""
    lines = httpx.get(f"{address}/metrics").text.splitlines()
    return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith(name))
