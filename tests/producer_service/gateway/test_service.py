"""The service as a whole: probes, metrics, its end, and what it does while Kafka is away."""

import asyncio
import os
import signal
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
import trustme
from starlette.types import Receive, Scope, Send

from kafka_io.settings import KafkaSettings
from keypoints import HolisticFrame
from keypoints.errors import Terminal
from producer_service.gateway.last_resort import LastResort
from producer_service.gateway.settings import read_gateway_settings
from producer_service.metrics import SERVICE_METRICS
from producer_service.serve import serve_until
from producer_service.settings import ProducerSettings
from tests.conftest import REPOSITORY
from tests.producer_service.conftest import Position
from tests.producer_service.gateway.conftest import Serve
from tests.producer_service.gateway.serving import HANDS, Service
from tests.producer_service.waiting import wait_until

PNG = {"content-type": "image/png"}

SERVE = """
import sys
from kafka_io.settings import read_kafka_settings
from producer_service.gateway.settings import read_gateway_settings
from producer_service.serve import run_service
from producer_service.settings import read_producer_settings
from tests.producer_service.gateway.serving import HANDS
sys.exit(run_service(read_gateway_settings(), read_producer_settings(), read_kafka_settings(), HANDS))
"""


@pytest.mark.servers
def test_probes_and_metrics_say_how_it_stands(service: Service, person: bytes) -> None:
    service.http.post("/v1/images", content=person, headers=PNG)
    service.http.post("/v1/images", content=b"x", headers=PNG)
    assert service.http.get("/livez").json() == {"alive": True}
    ready = service.http.get("/readyz")
    assert (ready.status_code, ready.json()["ready"], ready.json()["reasons"]) == (200, True, [])
    text = service.http.get("/metrics").text
    for definition in SERVICE_METRICS:
        assert f"# TYPE {definition.name}" in text
    figures = dict(line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
    received = float(figures["holistic_producer_received_total"])
    pictures = sum(
        float(value) for name, value in figures.items() if name.startswith("holistic_producer_pictures_total")
    )
    assert received == pictures > 1
    assert float(figures['holistic_producer_pictures_total{outcome="rejected",reason="not_an_image"}']) >= 1
    assert float(figures['holistic_producer_workers{state="ready"}']) == 1
    assert float(figures["process_resident_memory_bytes"]) > 0
    assert float(figures["holistic_producer_inference_seconds_count"]) == float(
        figures['holistic_producer_pictures_total{outcome="acknowledged",reason=""}']
    )
    assert "stream=" not in text


@pytest.mark.servers
def test_the_docs_need_nothing_from_elsewhere(service: Service) -> None:
    page = service.http.get("/docs")
    assert page.status_code == 200
    assert "https://" not in page.text
    assert service.http.get("/docs/assets/swagger-ui-bundle.js").status_code == 200
    paths = service.http.get("/openapi.json").json()["paths"]
    assert set(paths) == {
        "/upload", "/v1/images", "/v1/streams", "/v1/streams/{stream_id}", "/v1/streams/{stream_id}/frames",
        "/livez", "/readyz", "/metrics",
    }  # fmt: skip


@pytest.mark.servers
def test_sigterm_finishes_what_was_taken_in_and_ends_with_0(
    kafka_settings: KafkaSettings,
    make_topic: Callable[..., str],
    read_topic: Callable[[str], dict[Position, HolisticFrame]],
    person: bytes,
    tmp_path: Path,
) -> None:
    topic, port = make_topic(), find_free_port()
    environment = os.environ | {
        "KAFKA_BOOTSTRAP_SERVERS": kafka_settings.bootstrap_servers,
        "HOLISTIC_TOPIC": topic,
        "HOLISTIC_HTTP_PORT": str(port),
        "HOLISTIC_GRPC_PORT": "0",
    }
    log = tmp_path / "log"
    with log.open("wb") as errors:
        process = subprocess.Popen([sys.executable, "-c", SERVE], cwd=REPOSITORY, env=environment, stderr=errors)
    answered: list[tuple[int, int]] = []
    refused: list[str] = []

    def keep_sending() -> None:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
            while not refused:
                try:
                    answer = client.post("/v1/streams/last/frames", content=person, headers=PNG)
                except httpx.TransportError as error:
                    refused.append(type(error).__name__)
                    return
                if answer.status_code == 200:
                    answered.append((answer.json()["partition"], answer.json()["offset"]))

    try:
        wait_until(lambda: is_ready(port), within_s=60)
        senders = [threading.Thread(target=keep_sending) for _ in range(3)]
        for sender in senders:
            sender.start()
        wait_until(lambda: len(answered) > 20)
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0, log.read_text()
        for sender in senders:
            sender.join()
    finally:
        process.kill()
        process.wait()
    frames = read_topic(topic)
    # Nobody was told of a record that is not there, and nothing was published that nobody was told of.
    assert set(answered) == set(frames)
    assert len(set(answered)) == len(answered)


@pytest.mark.servers
def test_a_service_that_stops_is_not_ready_and_still_answers_for_a_while(serve: Serve, person: bytes) -> None:
    with serve(drain_delay_s=5.0) as service:
        service.stop.set()
        ready = service.http.get("/readyz")
        assert (ready.status_code, ready.json()["reasons"]) == (503, ["the service is stopping"])
        assert service.http.post("/v1/images", content=person, headers=PNG).status_code == 200
        wait_until(lambda: not is_ready(service.port) and not answers(service.port))


@pytest.mark.servers
def test_with_a_certificate_it_is_https_alone(serve: Serve, person: bytes, tmp_path: Path) -> None:
    authority = trustme.CA()
    certificate = authority.issue_cert("127.0.0.1")
    certificate.cert_chain_pems[0].write_to_path(str(tmp_path / "cert.pem"))
    certificate.private_key_pem.write_to_path(str(tmp_path / "key.pem"))
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    with serve(tls_certfile=tmp_path / "cert.pem", tls_keyfile=tmp_path / "key.pem") as service:
        with httpx.Client(verify=trusting) as client:
            url = f"https://127.0.0.1:{service.port}/v1/images"
            assert client.post(url, content=person, headers=PNG).status_code == 200
        with pytest.raises(httpx.TransportError):
            service.http.get("/livez")


@pytest.mark.servers
def test_a_port_that_is_taken_is_said_before_anything_is_started(
    service: Service,
) -> None:
    settings = read_gateway_settings(http_port=service.port)
    # Nobody is there: whoever asked Kafka first would hear that instead.
    nowhere = KafkaSettings(bootstrap_servers="127.0.0.1:1")
    with pytest.raises(Terminal, match="cannot listen") as refused:
        serve_until(threading.Event(), settings, ProducerSettings(topic=service.topic), nowhere, HANDS)
    assert "HOLISTIC_HTTP_PORT" in str(refused.value.hint)


@pytest.mark.parametrize(
    ("variable", "value", "says"),
    [
        ("HOLISTIC_ADDRESS_NETWORKS", "192.168.0.0/33", "HOLISTIC_ADDRESS_NETWORKS"),
        ("HOLISTIC_HTTP_PORT", "70000", "HOLISTIC_HTTP_PORT"),
        ("HOLISTIC_TLS_KEYFILE", "key.pem", "HOLISTIC_TLS_CERTFILE"),
    ],
)
def test_a_wrong_setting_is_named(monkeypatch: pytest.MonkeyPatch, variable: str, value: str, says: str) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(Terminal, match=says):
        read_gateway_settings()


def test_lists_are_separated_by_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOLISTIC_ALLOWED_ORIGINS", "https://a.example, https://b.example,")
    monkeypatch.setenv("HOLISTIC_ADDRESS_NETWORKS", "192.168.1.0/24,fd00::/8")
    settings = read_gateway_settings()
    assert settings.allowed_origins == ("https://a.example", "https://b.example")
    assert len(settings.address_policy().allowed_networks) == 2


def test_what_nobody_foresaw_is_logged_once_and_tells_nothing(caplog: pytest.LogCaptureFixture) -> None:
    async def break_down(_: Scope, __: Receive, ___: Send) -> None:
        raise ValueError("the password is swordfish")

    async def call() -> httpx.Response:
        transport = httpx.ASGITransport(LastResort(break_down))
        async with httpx.AsyncClient(transport=transport, base_url="http://here") as client:
            return await client.get("/")

    answer = asyncio.run(call())
    assert answer.status_code == 500
    assert answer.json()["error"]["code"] == "internal_error"
    assert "swordfish" not in answer.text
    assert len(caplog.records) == 1


def is_ready(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/readyz", timeout=5).status_code == 200
    except httpx.TransportError:
        return False


def answers(port: int) -> bool:
    try:
        httpx.get(f"http://127.0.0.1:{port}/livez", timeout=5)
    except httpx.TransportError:
        return False
    return True


def find_free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
