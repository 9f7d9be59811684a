"""Uploads while Kafka does not answer: told so in time, refused at once later on, and taken again when it is back."""

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from kafka_io.admin import create_topics
from kafka_io.settings import KafkaSettings
from keypoints.topics import TopicSpec
from tests.producer_service.gateway.serving import Service, serving
from tests.producer_service.publishing import broker_stopped
from tests.producer_service.waiting import wait_until

pytestmark = [pytest.mark.servers, pytest.mark.long]

PNG = {"content-type": "image/png"}
ROOM_BYTES = 2_000


def test_uploads_are_told_that_kafka_is_away_and_are_taken_when_it_is_back(
    own_stack: tuple[Path, KafkaSettings], person: bytes
) -> None:
    data_dir, kafka = own_stack
    create_topics(kafka, [TopicSpec("away", 1)])
    producer = {"delivery_timeout_s": 2.0, "max_in_flight_bytes": ROOM_BYTES}
    with serving(kafka, "away", {"requests_per_s": 1e6}, producer=producer) as service:

        def upload(_: int = 0) -> httpx.Response:
            return service.http.post("/v1/images", content=person, headers=PNG)

        assert upload().status_code == 200
        with broker_stopped(data_dir):
            with ThreadPoolExecutor(24) as threads:
                answers = list(threads.map(upload, range(24)))
            assert {answer.status_code for answer in answers} == {503}
            codes = {answer.json()["error"]["code"] for answer in answers}
            assert codes == {"kafka_unavailable", "publisher_full"}
            assert all(int(answer.headers["retry-after"]) >= 1 for answer in answers)
            wait_until(lambda: not is_ready(service), within_s=40)
            began_s = time.monotonic()
            assert upload().json()["error"]["code"] == "kafka_unavailable"
            assert time.monotonic() - began_s < 1
        wait_until(lambda: upload().status_code == 200, within_s=40)
        assert is_ready(service)
    assert service.counts is not None
    assert set(service.counts.dropped) == {"kafka_unavailable", "publisher_full"}


def is_ready(service: Service) -> bool:
    return service.http.get("/readyz").status_code == 200
