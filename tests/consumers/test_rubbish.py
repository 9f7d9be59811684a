"""Every consumer, as a process of its own, fed what is no frame: it says so, counts it, and goes on."""

import os
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from demo.services import Service, ServiceProcesses
from kafka_io.admin import group_offsets
from kafka_io.publisher import BoundedPublisher
from kafka_io.settings import KafkaSettings
from keypoints import encode
from keypoints.topics import frame_headers, record_key
from local_stack import Endpoints
from tests.keypoints.frames import make_frame

pytestmark = [pytest.mark.servers, pytest.mark.timeout(120)]

RUBBISH = {3: os.urandom(100), 5: b"", 6: b'{"keypoints": {"pose": "standing"}}'}
RECORDS = 12
GROUPS = {
    "archive": ("archive-postgres", "archive-parquet"),
    "analytics": ("analytics",),
    "avatar": ("avatar",),
}


@pytest.fixture
def services(
    stack: Endpoints, make_topic: Callable[..., str], make_database: Callable[[], str], tmp_path: Path
) -> tuple[str, list[Service]]:
    """A topic with frames and rubbish on it, and the three consumers of it."""
    topic = make_topic()
    environment = {
        "KAFKA_BOOTSTRAP_SERVERS": stack.kafka_bootstrap_servers,
        "DATABASE_URL": make_database(),
        "HOLISTIC_ARCHIVE_DIR": str(tmp_path / "archive"),
        "HOLISTIC_ARCHIVE_PARQUET_CONFIG": '{"rotate.interval.ms": 500}',
        "HOLISTIC_TOPIC": topic,
        "HOLISTIC_AVATAR_FROM": "earliest",
        "HOLISTIC_VMC_TARGETS": "127.0.0.1:9",
        "HOLISTIC_LOG_FORMAT": "json",
    }
    return topic, [Service(f"consumers.{name}", environment) for name in GROUPS]


def read_skipped(address: str) -> dict[str, float]:
    with urllib.request.urlopen(f"{address}/metrics", timeout=5) as answer:
        text = answer.read().decode()
    return {
        sample.labels["connector"]: sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == "kafka_connect_task_error_total_records_skipped_total"
    }


def test_rubbish_is_logged_with_its_place_and_counted_and_every_service_goes_on(
    services: tuple[str, list[Service]], kafka_settings: KafkaSettings, tmp_path: Path
) -> None:
    topic, planned = services
    with BoundedPublisher(kafka_settings) as publisher:
        for offset in range(RECORDS):
            frame = make_frame(offset)
            value = RUBBISH.get(offset, encode(frame))
            publisher.publish(topic, record_key("ada"), value, frame_headers(), frame.captured_at_us // 1000)
    logs = tmp_path / "logs"
    with ServiceProcesses(planned, logs) as running:
        groups = [group for names in GROUPS.values() for group in names]
        deadline_s = time.monotonic() + 60
        while behind := [group for group in groups if group_offsets(kafka_settings, group, topic).get(0) != RECORDS]:
            running.check()
            assert time.monotonic() < deadline_s, f"{', '.join(behind)} did not get past the rubbish"
            time.sleep(0.2)
        skipped = {name: read_skipped(running.address(name)) for name in GROUPS}
        exit_codes = running.stop()
    assert skipped == {name: dict.fromkeys(names, float(len(RUBBISH))) for name, names in GROUPS.items()}
    assert exit_codes == dict.fromkeys(GROUPS, 0)
    for name, connectors in GROUPS.items():
        lines = [line for line in (logs / f"{name}.log").read_text().splitlines() if f'"{topic}"' in line]
        for offset in RUBBISH:
            said = [line for line in lines if f'"offset":{offset}' in line.replace(": ", ":")]
            assert len(said) == len(connectors), f"{name} said {len(said)} times that offset {offset} is no frame"
