"""The suite as Prometheus sees it: no panel of a dashboard is empty, and no alert looks at what is never there."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from demo.services import Service, ServiceProcesses
from kafka_io.publisher import BoundedPublisher
from kafka_io.settings import KafkaSettings
from tests.conftest import REPOSITORY
from tests.deploy.expressions import find_questions, find_selectors, read_rules
from tests.deploy.running_prometheus import RunningPrometheus, running_prometheus
from tests.producer_service.made_media import draw_quarters, encode_picture

pytestmark = [pytest.mark.servers, pytest.mark.long, pytest.mark.timeout(400)]

WAIT_S = 90.0
RULES = """
rules:
  - {name: moved, when: wave, then: {webhook: "http://127.0.0.1:9/"}}
"""
# What there is only after something went wrong, or was asked for; each is checked to be asked at all.
EMPTY_WITHOUT_A_FAULT = {
    "holistic-overview / Alerts that fire / A": "no alert fires",
    "holistic-runtime / Since the last bad record / A": "there was no bad record",
}


def upload(address: str, body: bytes) -> None:
    """Send a picture; whether it is taken is not asked."""
    request = urllib.request.Request(address, body, {"Content-Type": "image/png"})
    try:
        urllib.request.urlopen(request, timeout=30).close()
    except urllib.error.HTTPError as refused:
        refused.close()


@contextmanager
def sending(topic: str, images_topic: str, producer: str, kafka: KafkaSettings) -> Iterator[None]:
    """Performers on the topic of frames, and pictures to the producer and on the topic of images, for a while."""
    command = [sys.executable, "-m", "holistic_cli", "load", "--topic", topic, "--name", "monitored"]
    picture, ends = encode_picture(draw_quarters(), "PNG"), threading.Event()

    def send_pictures() -> None:
        with BoundedPublisher(kafka) as publisher:
            while not ends.wait(0.2):
                publisher.publish(images_topic, b"monitored-image", picture, (), time.time_ns() // 1_000_000)
                for body in (picture, b"no picture"):
                    upload(f"{producer}/v1/images?stream=monitored-upload", body)

    sender = threading.Thread(target=send_pictures)
    load = subprocess.Popen(
        [*command, "--rate", "60", "--streams", "6", "--seconds", str(WAIT_S)],
        env={**kafka_environment(kafka), "OMP_NUM_THREADS": "1"}, cwd=REPOSITORY, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    sender.start()
    try:
        yield
    finally:
        ends.set()
        load.terminate()
        load.wait(30)
        sender.join(60)


def kafka_environment(kafka: KafkaSettings) -> dict[str, str]:
    return {**os.environ, "KAFKA_BOOTSTRAP_SERVERS": kafka.bootstrap_servers}


@pytest.fixture(scope="module")
def program(require_tool: Callable[[str], str]) -> str:
    return require_tool("prometheus")


@pytest.fixture
def monitored(
    program: str,
    kafka_settings: KafkaSettings,
    make_topic: Callable[..., str],
    make_database: Callable[[], str],
    tmp_path: Path,
) -> Iterator[RunningPrometheus]:
    topic, images = make_topic(2, "monitored"), make_topic(1, "monitored-images")
    (tmp_path / "rules.yaml").write_text(RULES, encoding="utf-8")
    around = {
        "KAFKA_BOOTSTRAP_SERVERS": kafka_settings.bootstrap_servers, "DATABASE_URL": make_database(),
        "HOLISTIC_TOPIC": topic, "PYTHONPATH": str(REPOSITORY), "OMP_NUM_THREADS": "1",
    }  # fmt: skip
    archive = {
        **around, "HOLISTIC_ARCHIVE_DIR": str(tmp_path / "archive"), "HOLISTIC_ARCHIVE_ICEBERG": "true",
        "HOLISTIC_ARCHIVE_ICEBERG_INTERVAL_S": "5", "HOLISTIC_ARCHIVE_PARQUET_CONFIG": '{"rotate.interval.ms": 3000}',
    }  # fmt: skip
    analytics = {
        **around, "HOLISTIC_ANALYTICS_CONFIG": f'{{"rules.file": "{tmp_path / "rules.yaml"}"}}',
        "HOLISTIC_WEBHOOK_SECRET": "whsec_" + "bW9uaXRvcmVk" * 4,
    }  # fmt: skip
    producer = {**around, "HOLISTIC_SPILL_DIR": str(tmp_path / "spill"), "HOLISTIC_GRPC_PORT": "0"}
    images_group = {
        **around, "HOLISTIC_IMAGES_TOPIC": images, "HOLISTIC_IMAGES_GROUP": images,
        "HOLISTIC_IMAGES_DEAD_LETTER_TOPIC": f"holistic-dlq-{images}",
    }  # fmt: skip
    # Datagrams to a port where nobody listens are refused, and not counted as sent.
    listener = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    listener.bind(("127.0.0.1", 0))
    receiver = listener.getsockname()[1]
    services = [
        Service("consumers.archive", archive),
        Service("consumers.analytics", analytics),
        Service("consumers.avatar", {**around, "HOLISTIC_VMC_TARGETS": f"127.0.0.1:{receiver}"}),
        Service("consumers.analytics.feed", around, label="watch"),
        Service("tests.deploy.monitored_producer", producer, label="producer"),
        Service(
            "tests.producer_service.image_topic.member", images_group, "images",
            port_variable="HOLISTIC_IMAGES_HTTP_PORT",
        ),
    ]  # fmt: skip
    with listener, ServiceProcesses(services, tmp_path / "logs", startup_timeout_s=180.0) as running:
        targets = {name: running.address(name).removeprefix("http://") for name in running.names}
        home = tmp_path / "prometheus"
        home.mkdir()
        with (
            running_prometheus(program, targets, home) as prometheus,
            sending(topic, images, running.address("producer"), kafka_settings),
        ):
            yield prometheus


def test_no_panel_is_empty_and_no_alert_looks_at_what_is_never_there(monitored: RunningPrometheus) -> None:
    asked = find_questions("20s")
    assert set(EMPTY_WITHOUT_A_FAULT) <= set(asked)
    asked |= {selector: selector for rule in read_rules() for selector in find_selectors(rule["expr"])}
    unanswered = {name: expr for name, expr in asked.items() if name not in EMPTY_WITHOUT_A_FAULT}
    deadline_s = time.monotonic() + WAIT_S
    while unanswered and time.monotonic() < deadline_s:
        unanswered = {name: expr for name, expr in unanswered.items() if not monitored.ask(expr)}
        time.sleep(0.5)
    assert not unanswered, "\n".join(f"{name}: {expr}" for name, expr in sorted(unanswered.items()))
