"""Every listener and client that has not been tried over TLS where it is at home."""

from __future__ import annotations

import asyncio
import http.server
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import httpx
import orjson
import pytest
import trustme
from pydantic import SecretStr
from sqlalchemy import make_url
from websockets.sync.client import connect as connect_websocket

from consumers.analytics.database import connect as connect_analytics
from consumers.analytics.database import migrate as migrate_analytics
from consumers.analytics.feed.settings import FeedSettings
from consumers.analytics.reactions.rules_file import make_rules
from consumers.analytics.reactions.sending import make_client, send
from consumers.analytics.reactions.signing import find_routes
from consumers.archive.postgres.connection import connect as connect_archive
from consumers.archive.postgres.errors import PostgresUnavailable
from consumers.archive.postgres.migrate import migrate as migrate_archive
from consumers.archive.sql import ask_postgres
from kafka_io.schema_registry import RegistryUnavailable, fetch_schema
from kafka_io.settings import KafkaSettings
from keypoints.schemas import FRAME_SCHEMA
from observability.tracing import open_tracing
from tests.consumers.analytics.feed.serving import serve

AUTHORITY = trustme.CA()
STRANGER = trustme.CA()
FEED_KEY = "0123456789abcdef"
NOWHERE = KafkaSettings(bootstrap_servers="localhost:1")


@pytest.fixture
def authority(tmp_path: Path) -> Path:
    """PEM file of the authority that signed what is served here."""
    AUTHORITY.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    return tmp_path / "ca.pem"


@pytest.fixture
def stranger(tmp_path: Path) -> Path:
    STRANGER.cert_pem.write_to_path(str(tmp_path / "stranger.pem"))
    return tmp_path / "stranger.pem"


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    """Certificate and key of this machine's loopback."""
    issued = AUTHORITY.issue_cert("127.0.0.1", "localhost")
    issued.cert_chain_pems[0].write_to_path(str(tmp_path / "cert.pem"))
    issued.private_key_pem.write_to_path(str(tmp_path / "key.pem"))
    return tmp_path / "cert.pem", tmp_path / "key.pem"


@contextmanager
def answering(certificate: tuple[Path, Path], answer: bytes) -> Iterator[tuple[str, list[str]]]:
    """An HTTPS server that answers everything so: its address, and the paths it was asked for."""
    asked: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.rfile.read(int(self.headers.get("content-length", 0)))
            asked.append(self.path)
            self.send_response(200)
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        do_POST = do_GET  # noqa: N815 - the name the server asks for

        def log_message(self, *_: object) -> None:
            return

    class Server(http.server.ThreadingHTTPServer):
        def handle_error(self, *_: object) -> None:
            """Clients that do not trust it hang up: that is what is tried."""

    server = Server(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"https://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def trusting(authority: Path) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(authority))


def test_the_live_feed_is_read_over_tls_and_over_nothing_else(
    certificate: tuple[Path, Path], authority: Path, stranger: Path
) -> None:
    certfile, keyfile = certificate
    settings = FeedSettings(http_port=0, tls_certfile=certfile, tls_keyfile=keyfile, feed_key=SecretStr(FEED_KEY))
    with serve(settings, NOWHERE, ready=False) as address:
        assert address.startswith("https://localhost:")
        assert httpx.get(f"{address}/livez", verify=trusting(authority)).status_code == 200
        assert httpx.get(f"{address}/v1/streams", verify=trusting(authority)).status_code == 401
        with (
            connect_websocket(
                f"{address.replace('https', 'wss')}/v1/events/ws",
                ssl=trusting(authority),
                additional_headers={"authorization": f"Bearer {FEED_KEY}"},
            ) as reader,
        ):
            assert orjson.loads(reader.recv(timeout=10))
        with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
            httpx.get(f"{address}/livez", verify=trusting(stranger))
        with pytest.raises(httpx.HTTPError):
            httpx.get(f"{address.replace('https', 'http')}/livez")


def test_a_webhook_is_delivered_to_a_receiver_whose_authority_is_trusted_and_to_no_other(
    certificate: tuple[Path, Path], authority: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def deliver(address: str) -> tuple[int | None, str]:
        rule = {"name": "a", "when": "wave", "then": {"webhook": f"{address}/hook"}}
        rules = make_rules({"rules": [rule]}, "rules")
        routes = find_routes(rules, {"HOLISTIC_WEBHOOK_SECRET": "whsec_" + "A" * 44})
        async with make_client(10) as client:
            answer = await send(client, routes["a"], "m", b"{}", now_s=5, answer_s=10)
        return answer.status, answer.reason

    with answering(certificate, b"") as (address, asked):
        assert asyncio.run(deliver(address))[0] is None
        assert asked == []
        monkeypatch.setenv("SSL_CERT_FILE", str(authority))
        assert asyncio.run(deliver(address)) == (200, "answered 200")
        assert asked == ["/hook"]


def test_a_registry_is_asked_over_tls_where_its_authority_is_trusted(
    certificate: tuple[Path, Path], authority: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with answering(certificate, orjson.dumps({"schema": orjson.dumps(FRAME_SCHEMA).decode()})) as (address, asked):
        with pytest.raises(RegistryUnavailable, match="CERTIFICATE_VERIFY_FAILED"):
            fetch_schema(address, 4)
        monkeypatch.setenv("SSL_CERT_FILE", str(authority))
        assert fetch_schema(address, 4) == FRAME_SCHEMA
        assert asked == ["/schemas/ids/4"]


def test_spans_are_sent_over_tls(
    certificate: tuple[Path, Path], authority: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with answering(certificate, b"") as (address, asked):
        # The exporter's HTTP library takes these for more than its own setting.
        for variable in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
            monkeypatch.delenv(variable, raising=False)
        monkeypatch.setenv("HOLISTIC_TRACING", "otlp")
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", address)
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_CERTIFICATE", str(authority))
        with closing(open_tracing("test")) as tracing:
            tracing.begin_publish("frames").end()
        assert asked == ["/v1/traces"]


@contextmanager
def wrapping_postgres(certificate: tuple[Path, Path], url: str) -> Iterator[int]:
    """A port that speaks TLS as Postgres does, for a server that was built without: it begins once a client asks."""
    target = make_url(url)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)

    def copy(source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65_536):
                sink.sendall(data)
        for one in (source, sink):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def serve_client(client: socket.socket) -> None:
        # The request for TLS: eight bytes, and a code that is no version of the protocol.
        if client.recv(8)[4:] != (80877103).to_bytes(4, "big"):
            client.close()
            return
        client.sendall(b"S")
        with (
            suppress(OSError),
            context.wrap_socket(client, server_side=True) as wrapped,
            socket.create_connection((str(target.host), int(target.port or 5432))) as server,
        ):
            back = threading.Thread(target=copy, args=(server, wrapped), daemon=True)
            back.start()
            copy(wrapped, server)
            back.join()

    def accept() -> None:
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                threading.Thread(target=serve_client, args=(client,), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield int(listener.getsockname()[1])
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


@pytest.mark.servers
def test_postgres_is_reached_over_tls_by_every_service_that_reaches_it(
    make_database: Callable[[], str], certificate: tuple[Path, Path], authority: Path, stranger: Path
) -> None:
    url = make_database()
    with wrapping_postgres(certificate, url) as port:

        def address(root: Path) -> str:
            wanted = {"sslmode": "verify-full", "sslrootcert": str(root)}
            through = make_url(url).set(host="localhost", port=port)
            return through.update_query_dict(wanted).render_as_string(hide_password=False)

        migrate_archive(address(authority))
        with closing(connect_archive(address(authority), "test")) as connection:
            assert connection.info.ssl_in_use
        engine = connect_analytics(address(authority))
        migrate_analytics(engine)
        engine.dispose()
        with ask_postgres(address(authority), "SELECT count(*) FROM frames") as answer:
            assert list(answer.rows) == [(0,)]
        with pytest.raises(PostgresUnavailable, match="certificate verify failed"):
            connect_archive(address(stranger), "test")


def test_a_listener_without_a_certificate_speaks_no_tls(authority: Path) -> None:
    with serve(FeedSettings(http_port=0), NOWHERE, ready=False) as address:
        port = int(address.rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port)) as plain, pytest.raises(ssl.SSLError):
            trusting(authority).wrap_socket(plain, server_hostname="127.0.0.1")
