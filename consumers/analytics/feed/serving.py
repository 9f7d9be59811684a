"""The port, and the server behind it, until it is told to stop."""

import asyncio
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

import uvicorn
from starlette.types import ASGIApp

from consumers.analytics.feed.connections import FeedHttp
from consumers.analytics.feed.settings import FeedSettings
from keypoints.errors import Terminal
from observability.patient_socket import PatientWebSocket

_GRACE_S: Final = 3
_LARGEST_ORDER_BYTES: Final = 4_096
"""Readers of a WebSocket have nothing to say."""
_OTHER_CONNECTIONS: Final = 256


class _Server(uvicorn.Server):
    """uvicorn that ends when an event is set, and leaves signals to whoever set it."""

    def __init__(self, config: uvicorn.Config, stop: threading.Event, let_go: Callable[[], None]) -> None:
        super().__init__(config)
        self._stop = stop
        self._let_go = let_go
        self._letting_go = False

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield

    async def on_tick(self, counter: int) -> bool:
        """Called ten times a second. Readers stay for ever: they are let go before they are waited for."""
        if self._stop.is_set():
            self.should_exit = self._letting_go
            if not self._letting_go:
                self._letting_go = True
                self._let_go()
        return await super().on_tick(counter)


def serve_feed(
    app: ASGIApp, sock: socket.socket, settings: FeedSettings, stop: threading.Event, let_go: Callable[[], None]
) -> None:
    """Answer until `stop` is set, then let readers go. Raises Terminal for an unusable certificate."""
    config = uvicorn.Config(
        app,
        loop="asyncio",
        http=FeedHttp,
        ws=PatientWebSocket,
        ws_max_size=_LARGEST_ORDER_BYTES,
        ws_per_message_deflate=False,
        lifespan="on",
        log_config=None,
        log_level="error",
        access_log=False,
        server_header=False,
        limit_concurrency=settings.feed_readers + _OTHER_CONNECTIONS,
        timeout_graceful_shutdown=_GRACE_S,
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
        runner.run(_Server(config, stop, let_go).serve([sock]))
