"""The service's listener: an HTTP server on a thread of its own."""

import asyncio
import logging
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import uvicorn
from starlette.types import ASGIApp

from connect_runtime.rest.security import RestSettings
from keypoints.errors import Terminal
from observability.patient_socket import LiveWebSocket
from observability.port import take_port

_TICK_S: Final = 1.0
_GRACE_S: Final = 2
_THREAD_END_S: Final = 10.0
_PING_S: Final = 20.0
_LARGEST_MESSAGE_BYTES: Final = 64 * 1024
"""Of what a WebSocket's other side says: wishes, which are short."""
_LOOPBACK: Final = ("127.", "::1", "localhost")

log = logging.getLogger(__name__)


class _Server(uvicorn.Server):
    """uvicorn, awake once a second instead of ten times when nobody asks."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ending: asyncio.Event | None = None

    async def main_loop(self) -> None:
        """Keep the date header true until `end`."""
        self._loop, self._ending = asyncio.get_running_loop(), asyncio.Event()
        while not await self.on_tick(0):
            try:
                await asyncio.wait_for(self._ending.wait(), _TICK_S)
            except TimeoutError:
                continue
            self.should_exit = True

    def end(self) -> None:
        """Have it stop; from any thread."""
        self.should_exit = True
        if self._loop is not None and self._ending is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._ending.set)


class Listener:
    """A port that is taken; who connects waits until something is served."""

    def __init__(self, sock: socket.socket, host: str, settings: RestSettings) -> None:
        self.port: int = sock.getsockname()[1]
        self.settings = settings
        is_local = host.startswith(_LOOPBACK)
        # An address other machines would take for their own names nobody.
        own_name = socket.gethostname() if is_local or host in {"", "0.0.0.0", "::"} else host  # noqa: S104 - not bound
        self.worker_id = f"{settings.advertised_host or own_name}:{self.port}"
        if not is_local and not settings.asks_who:
            log.warning(
                "anybody who reaches port %d may pause, stop and change connectors", self.port,
                extra={"host": host, "port": self.port, "hint": "set HOLISTIC_REST_USER and HOLISTIC_REST_PASSWORD"},
            )  # fmt: skip
        self._sock = sock
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None

    def serve(self, app: ASGIApp) -> None:
        """Begin to answer. Raises Terminal for a certificate that cannot be used."""
        settings = self.settings
        config = uvicorn.Config(
            app,
            loop="asyncio",
            http="h11",
            ws=LiveWebSocket,
            ws_max_size=_LARGEST_MESSAGE_BYTES,
            ws_per_message_deflate=False,
            ws_ping_interval=_PING_S,
            ws_ping_timeout=_PING_S,
            lifespan="off",
            log_config=None,
            log_level="warning",
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=_GRACE_S,
            ssl_certfile=settings.tls_certfile,
            ssl_keyfile=settings.tls_keyfile,
            ssl_keyfile_password=settings.tls_key_password.get_secret_value() if settings.tls_key_password else None,
        )
        try:
            config.load()
        except (OSError, ssl.SSLError) as error:
            raise Terminal(
                f"the certificate {settings.tls_certfile} cannot be used: {error}",
                hint="HOLISTIC_REST_TLS_CERTFILE and HOLISTIC_REST_TLS_KEYFILE name PEM files",
            ) from error
        self._server = _Server(config)
        self._thread = threading.Thread(target=self._server.run, args=([self._sock],), name="rest", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop listening and wait for the thread."""
        if self._server is not None and self._thread is not None:
            self._server.end()
            self._thread.join(_THREAD_END_S)
        self._sock.close()


@contextmanager
def listening(host: str, port: int, settings: RestSettings) -> Iterator[Listener]:
    """Take `host`:`port` (0: a free one) for the length of the block. Raises Terminal when it is taken."""
    sock = take_port(host, port)
    listener = Listener(sock, host, settings)
    try:
        yield listener
    finally:
        listener.close()
