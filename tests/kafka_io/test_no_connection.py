"""What somebody reads who gave a wrong address of the cluster, or a wrong way to speak to it."""

from __future__ import annotations

import re
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

import psutil
import pytest
import trustme
from kafka import errors as kafka_errors

from kafka_io.consumer import make_consumer
from kafka_io.errors import KafkaUnavailable
from kafka_io.no_connection import UnreachableBrokers, say_why
from kafka_io.settings import KafkaSettings

_PATIENCE_MS = (700, 3_000, 12_000)
# A broker with a reason that is another than its silence.
_ANSWERED = re.compile(r"\(\S+: (?!it does not answer)")


@contextmanager
def answering(context: ssl.SSLContext | None, answer: bytes) -> Iterator[str]:
    """The address of a server that answers whatever it is told and hangs up; with TLS where a context is given."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    client, _ = server.accept()
                except OSError:
                    return
                with suppress(OSError), client:
                    client.settimeout(2)
                    if context is not None:
                        client = context.wrap_socket(client, server_side=True)
                    client.recv(1_000)
                    client.sendall(answer)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"127.0.0.1:{server.getsockname()[1]}"
        server.shutdown(socket.SHUT_RDWR)
    thread.join(5)


def told(**settings: object) -> KafkaUnavailable:
    """What is said of these brokers; it takes longer than the shortest patience where whoever answers is slow."""
    for patience_ms in _PATIENCE_MS:
        error = told_within(patience_ms, **settings)
        if _ANSWERED.search(error.message):
            return error
    return error


def told_within(patience_ms: int, **settings: object) -> KafkaUnavailable:
    with pytest.raises(KafkaUnavailable) as caught:
        make_consumer(KafkaSettings(**settings), None, bootstrap_timeout_ms=patience_ms)  # type: ignore[arg-type]
    return caught.value


@contextmanager
def silent() -> Iterator[str]:
    """The address of a server that takes nobody any more: who connects waits."""
    with ExitStack() as sockets:
        server = sockets.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        address = server.getsockname()
        for _ in range(3):
            waiting = sockets.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(address)
        yield f"127.0.0.1:{address[1]}"


def connecting_to(address: str) -> set[int]:
    """The ports of this process that are connected to an address, or wait to be."""
    port = int(address.rpartition(":")[2])
    sockets = psutil.Process().net_connections("tcp4")
    return {one.laddr.port for one in sockets if one.raddr and one.raddr.port == port}


def test_a_client_that_waits_for_a_silent_broker_leaves_no_socket_when_it_is_closed() -> None:
    with silent() as address:
        before = connecting_to(address)
        error = told_within(_PATIENCE_MS[0], bootstrap_servers=address)
        assert connecting_to(address) == before
    assert error.message == f"connecting a consumer: no broker could be reached ({address}: it does not answer)"


def test_a_port_nothing_listens_on_is_named() -> None:
    error = told(bootstrap_servers="127.0.0.1:1")
    assert error.message == "connecting a consumer: no broker could be reached (127.0.0.1:1: nothing listens there)"
    assert error.hint is not None
    assert error.hint.startswith("is the broker up")


def test_a_mistyped_host_is_named() -> None:
    error = told(bootstrap_servers="no-such-host.invalid:9092")
    assert "(no-such-host.invalid:9092: no such host name is known)" in error.message
    assert error.hint == "is KAFKA_BOOTSTRAP_SERVERS spelt right?"


def test_tls_to_a_port_without_is_told_from_a_broker_that_is_away() -> None:
    with answering(None, b"") as address:
        error = told(bootstrap_servers=address, security_protocol="SSL")
    assert f"({address}: what answers there does not speak TLS)" in error.message
    assert "KAFKA_SECURITY_PROTOCOL asks for TLS" in str(error.hint)


def test_no_tls_to_a_port_that_wants_it_says_which_setting() -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    with answering(context, b"") as address:
        error = told(bootstrap_servers=address)
    assert f"({address}: what answers there does not speak Kafka without TLS)" in error.message
    assert "set KAFKA_SECURITY_PROTOCOL to SSL or SASL_SSL" in str(error.hint)


def test_a_port_of_something_else_is_no_broker() -> None:
    with answering(None, b"HTTP/1.1 400 Bad Request\r\n\r\n") as address:
        assert "does not speak Kafka" in told(bootstrap_servers=address).message


def test_a_login_where_none_is_taken_and_a_broker_that_is_silent_have_words_of_their_own() -> None:
    assert say_why(kafka_errors.IllegalSaslStateError(), speaks_tls=False) == "it takes no login there"
    silent = kafka_errors.KafkaTimeoutError("Connection timed out")
    assert say_why(silent, speaks_tls=False) == "it does not answer"
    unreachable = kafka_errors.KafkaConnectionError("113 EHOSTUNREACH")
    assert say_why(unreachable, speaks_tls=True) == "no route to host"
    exhausted = kafka_errors.KafkaConnectionError("unable to connect: [Errno 24] Too many open files")
    assert say_why(exhausted, speaks_tls=False) == "too many open files"


def test_a_broker_that_the_cluster_names_and_that_cannot_be_reached_is_warned_of_once_until_it_can_be(
    caplog: pytest.LogCaptureFixture,
) -> None:
    brokers, refused = UnreachableBrokers(speaks_tls=False), kafka_errors.KafkaConnectionError("111 ECONNREFUSED")
    brokers.note("kafka:9092", refused)
    brokers.note("kafka:9092", refused)
    brokers.forget("kafka:9092")
    brokers.note("kafka:9092", refused)
    assert caplog.messages == ["the cluster names a broker at kafka:9092: nothing listens there"] * 2
