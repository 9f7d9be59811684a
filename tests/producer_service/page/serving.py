"""The producer as it is served, and the page alone, each on a port of its own."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import uvicorn
from fastapi import FastAPI

from kafka_io.settings import KafkaSettings
from observability.port import take_port
from producer_service.access.keys import ApiKeys
from producer_service.gateway.app import build_app
from producer_service.gateway.listener import serve_app
from producer_service.gateway.settings import GatewaySettings
from producer_service.landmarks.pool.options import PoolOptions
from producer_service.live.opening import OpenStudio, open_studio
from producer_service.metrics import OutcomeMetrics
from producer_service.page.assets import mount_page
from producer_service.pipeline import wall_clock_us
from producer_service.settings import ProducerSettings

HOST = "127.0.0.1"
NAME = "capture.test"
"""A name browsers are told to find at HOST: a page under it is none of this machine."""


@dataclass(frozen=True, slots=True)
class Served:
    """Where the page is, and what stands behind it."""

    port: int
    topic: str
    open: OpenStudio

    @property
    def address(self) -> str:
        return f"http://localhost:{self.port}/page/"


@contextmanager
def serve_producer(
    kafka: KafkaSettings, topic: str, pool: PoolOptions, keys_file: Path | None = None
) -> Iterator[Served]:
    """The whole service for the length of the block."""
    settings = GatewaySettings(http_port=0, allowed_hosts=(NAME,), api_keys_file=keys_file, drain_timeout_s=2)
    producer = ProducerSettings(topic=topic)
    metrics = OutcomeMetrics()
    stop = threading.Event()
    with (
        open_studio(producer, pool, kafka, wall_clock_us, metrics.note) as studio,
        take_port(HOST, 0) as sock,
    ):
        app = build_app(studio, ApiKeys(keys_file), settings, producer, metrics)
        thread = threading.Thread(target=serve_app, args=(app, sock, settings, stop), name="gateway")
        thread.start()
        try:
            yield Served(sock.getsockname()[1], topic, studio)
        finally:
            stop.set()
            thread.join()


@contextmanager
def serve_page_alone() -> Iterator[str]:
    """The page without a service: its address."""
    app = FastAPI()
    mount_page(app)
    with socket.create_server((HOST, 0)) as sock:
        config = uvicorn.Config(app, log_config=None, log_level="warning", ws="none", lifespan="off")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=lambda: asyncio.run(server.serve([sock])), name="page")
        thread.start()
        try:
            yield f"http://localhost:{sock.getsockname()[1]}/page/"
        finally:
            server.should_exit = True
            thread.join()
