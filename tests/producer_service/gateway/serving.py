"""A whole service for a test: its port, its worker processes with a landmarker that needs no model, and real Kafka."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import httpx

from kafka_io.settings import KafkaSettings
from producer_service.gateway.settings import GatewaySettings
from producer_service.landmarks.pool.options import PoolOptions
from producer_service.ledger import LedgerCounts
from producer_service.serve import serve_until
from producer_service.settings import ProducerSettings
from tests.producer_service.finders import RIGHT_HAND

HANDS = PoolOptions(workers=1, standby=0, opener=RIGHT_HAND)
_START_S = 60.0


@dataclass
class Service:
    """One that runs. `counts` is known once it has ended."""

    port: int
    topic: str
    http: httpx.Client
    stop: threading.Event
    counts: LedgerCounts | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@contextmanager
def serving(
    kafka: KafkaSettings,
    topic: str,
    settings: Mapping[str, object] | None = None,
    *,
    producer: Mapping[str, object] | None = None,
    pool: PoolOptions = HANDS,
) -> Iterator[Service]:
    """Serve for the length of the block; afterwards the books must add up."""
    stop = threading.Event()
    ports: list[int] = []
    listens = threading.Event()
    ended: list[LedgerCounts] = []
    errors: list[BaseException] = []

    def note(port: int) -> None:
        ports.append(port)
        listens.set()

    given = GatewaySettings.model_validate({"http_port": 0, **(settings or {})})
    # Patient with a decoder that is not given a processor.
    of_producer = ProducerSettings.model_validate({"topic": topic, "decode_timeout_s": 6, **(producer or {})})

    def run() -> None:
        try:
            ended.append(serve_until(stop, given, of_producer, kafka, pool, note))
        except BaseException as error:
            errors.append(error)
            listens.set()
            raise

    thread = threading.Thread(target=run, name="service")
    thread.start()
    try:
        assert listens.wait(_START_S)
        if errors:
            raise errors[0]
        with httpx.Client(base_url=f"http://127.0.0.1:{ports[0]}", timeout=30) as client:
            service = Service(ports[0], topic, client, stop)
            yield service
    finally:
        stop.set()
        thread.join(60)
    assert not thread.is_alive()
    service.counts = ended[0]
    assert service.counts.adds_up
