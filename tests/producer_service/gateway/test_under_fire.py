"""One service, senders who never rest, and everything that goes wrong in turn: in the end the books add up.

received = acknowledged + dropped (by reason) + rejected, and nobody was told of a record that is not there.
"""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import psutil
import pytest

from kafka_io.admin import create_topics
from kafka_io.settings import KafkaSettings
from keypoints.topics import TopicSpec
from tests.conftest import REPOSITORY
from tests.producer_service.conftest import Position, read_whole_topic
from tests.producer_service.gateway.test_service import find_free_port, is_ready
from tests.producer_service.made_media import draw_quarters, encode_picture
from tests.producer_service.publishing import broker_killed
from tests.producer_service.waiting import wait_until

pytestmark = [pytest.mark.servers, pytest.mark.long]

SERVE = """
import sys
from kafka_io.settings import read_kafka_settings
from observability.logs import configure_logging
from producer_service.gateway.settings import read_gateway_settings
from producer_service.landmarks.pool.options import PoolOptions
from producer_service.serve import run_service
from producer_service.settings import read_producer_settings
from tests.producer_service.finders import RIGHT_HAND
configure_logging("json")
pool = PoolOptions(workers=2, standby=1, opener=RIGHT_HAND)
sys.exit(run_service(read_gateway_settings(), read_producer_settings(), read_kafka_settings(), pool))
"""
BROKER_AWAY_S = 30.0
PERSON = encode_picture(draw_quarters())
NOBODY = encode_picture(np.zeros((48, 64, 3), np.uint8))
DAMAGED = PERSON[: len(PERSON) // 2]


class Senders:
    """Three streams and one who uploads, as fast as they are answered; good pictures, damaged ones, and nobody."""

    def __init__(self, port: int) -> None:
        self._stop = threading.Event()
        self.told: list[Position] = []
        self.statuses: list[int] = []
        paths = [f"/v1/streams/s{number}/frames" for number in range(3)] + ["/v1/images"]
        self._threads = [threading.Thread(target=self._send, args=(port, path)) for path in paths]
        for thread in self._threads:
            thread.start()

    def rest(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _send(self, port: int, path: str) -> None:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
            number = 0
            while not self._stop.wait(0.002):
                number += 1
                picture = DAMAGED if number % 17 == 0 else NOBODY if number % 13 == 0 else PERSON
                try:
                    answer = client.post(path, content=picture, headers={"content-type": "image/png"})
                except httpx.TransportError:
                    continue
                self.statuses.append(answer.status_code)
                if answer.status_code == 200:
                    self.told.append((answer.json()["partition"], answer.json()["offset"]))


@contextmanager
def service_process(kafka: KafkaSettings, topic: str, log: Path) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    port = find_free_port()
    environment = os.environ | {
        "KAFKA_BOOTSTRAP_SERVERS": kafka.bootstrap_servers,
        "HOLISTIC_TOPIC": topic,
        "HOLISTIC_HTTP_PORT": str(port),
        "HOLISTIC_GRPC_PORT": "0",
        "HOLISTIC_REQUESTS_PER_S": "1000000",
        "HOLISTIC_DELIVERY_TIMEOUT_S": "5",
    }
    with log.open("wb") as errors:
        process = subprocess.Popen([sys.executable, "-c", SERVE], cwd=REPOSITORY, env=environment, stderr=errors)
    try:
        wait_until(lambda: is_ready(port), within_s=60)
        yield process, port
    finally:
        process.kill()
        process.wait()


@pytest.mark.timeout(300)
def test_the_books_add_up_after_a_worker_and_the_broker_were_killed_and_the_service_was_told_to_stop(
    own_stack: tuple[Path, KafkaSettings], tmp_path: Path
) -> None:
    data_dir, kafka = own_stack
    create_topics(kafka, [TopicSpec("fire", 3)])
    log = tmp_path / "log"
    with service_process(kafka, "fire", log) as (process, port):
        senders = Senders(port)
        wait_until(lambda: len(senders.told) > 100)
        for worker in find_workers(process.pid):
            told = len(senders.told)
            worker.send_signal(signal.SIGKILL)
            wait_until(lambda told=told: len(senders.told) > told + 50)  # type: ignore[misc]
        with broker_killed(data_dir, BROKER_AWAY_S):
            wait_until(lambda: 503 in senders.statuses[-20:], within_s=BROKER_AWAY_S)
        told = len(senders.told)
        wait_until(lambda: len(senders.told) > told + 100, within_s=60)
        wait_until(lambda: is_ready(port), within_s=30)
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0, log.read_text()[-2000:]
        senders.rest()
    counts = read_last_counts(log)
    answered = counts["acknowledged"] + sum(counts["dropped"].values()) + sum(counts["rejected"].values())
    assert counts["received"] == answered
    assert counts["dropped"]
    assert {"damaged_image", "no_person"} <= set(counts["rejected"])
    assert set(senders.statuses) <= {200, 422, 503}
    frames = read_whole_topic(kafka, "fire")
    assert set(senders.told) <= set(frames)
    assert len(set(senders.told)) == len(senders.told)


def find_workers(pid: int) -> list[psutil.Process]:
    children = psutil.Process(pid).children(recursive=True)
    workers = [child for child in children if any("worker_process" in part for part in child.cmdline())]
    assert len(workers) == 3
    return workers


def read_last_counts(log: Path) -> dict[str, Any]:
    lines = [json.loads(line) for line in log.read_text().splitlines() if line.startswith("{")]
    ended: dict[str, Any] = next(line for line in reversed(lines) if line["message"] == "the service has ended")
    return ended
