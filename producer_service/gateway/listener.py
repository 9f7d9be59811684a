"""The port, and the server behind it, until it is told to stop."""

import asyncio
import logging
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from starlette.types import ASGIApp

from keypoints.errors import Terminal
from observability.patient_socket import PatientWebSocket
from producer_service.gateway.connections import make_http_class
from producer_service.gateway.heads import LARGEST_HEAD_BYTES
from producer_service.gateway.settings import GatewaySettings
from producer_service.gateway.websocket import LARGEST_MESSAGE_BYTES

log = logging.getLogger(__name__)


class _Server(uvicorn.Server):
    """uvicorn that ends when an event is set, and leaves signals to whoever set it."""

    def __init__(self, config: uvicorn.Config, stop: threading.Event, drain_delay_s: float) -> None:
        super().__init__(config)
        self._stop = stop
        self._drain_delay_s = drain_delay_s
        self._stopping_s: float | None = None

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield

    async def on_tick(self, counter: int) -> bool:
        """Called ten times a second."""
        if self._stop.is_set() and not self.should_exit:
            self._stopping_s = time.monotonic() if self._stopping_s is None else self._stopping_s
            self.should_exit = time.monotonic() - self._stopping_s >= self._drain_delay_s
        return await super().on_tick(counter)


def serve_app(app: ASGIApp, sock: socket.socket, settings: GatewaySettings, stop: threading.Event) -> None:
    """Answer until `stop` is set, then finish what is under way. Raises Terminal for an unusable certificate."""
    config = uvicorn.Config(
        app,
        loop="asyncio",
        http=make_http_class(settings.header_timeout_s, settings.connections_at_once),
        ws=PatientWebSocket,
        ws_max_size=LARGEST_MESSAGE_BYTES,
        # A compressed message of a kilobyte may be one of a gigabyte, and pictures are compressed already.
        ws_per_message_deflate=False,
        lifespan="on",
        log_config=None,
        # Requests that are none are answered; a line for each would be theirs to write.
        log_level="error",
        access_log=False,
        server_header=False,
        h11_max_incomplete_event_size=LARGEST_HEAD_BYTES,
        timeout_graceful_shutdown=settings.drain_timeout_s,
        ssl_certfile=settings.tls_certfile,
        ssl_keyfile=settings.tls_keyfile,
    )
    try:
        config.load()
    except (OSError, ssl.SSLError) as error:
        raise Terminal(
            f"the certificate {settings.tls_certfile} cannot be used: {error}",
            hint="HOLISTIC_TLS_CERTFILE and HOLISTIC_TLS_KEYFILE name PEM files",
        ) from error
    with asyncio.Runner() as runner:
        try:
            runner.run(_Server(config, stop, settings.drain_delay_s).serve([sock]))
        except KeyboardInterrupt:
            # A second Ctrl-C: what it cuts short was asked for, and no page of traces follows.
            logging.getLogger("uvicorn.error").disabled = True
            raise
