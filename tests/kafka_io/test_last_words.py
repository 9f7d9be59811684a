"""A broker that says why and hangs up is heard, also by a client that looks only after both."""

import socket
from collections.abc import Iterator
from typing import Any

import pytest
from kafka.net.transport import KafkaTCPTransport

from kafka_io.last_words import hear_last_words


class Connection(KafkaTCPTransport):  # type: ignore[misc]
    """A transport with nothing around it but its socket."""

    def __init__(self, ours: socket.socket) -> None:
        self._sock: socket.socket | None = ours
        self._closed = False

    def __str__(self) -> str:
        return "a connection"

    def receive(self) -> Any:
        return self._sock_recv()


@pytest.fixture
def ends() -> Iterator[tuple[Connection, socket.socket]]:
    hear_last_words()
    ours, brokers = socket.socketpair()
    ours.setblocking(False)
    with ours, brokers:
        yield Connection(ours), brokers


def test_the_answer_that_comes_with_the_end_is_handed_over_and_the_end_after_it(
    ends: tuple[Connection, socket.socket],
) -> None:
    connection, broker = ends
    broker.sendall(b"no such mechanism")
    broker.close()
    assert connection.receive() == (b"no such mechanism", None)
    received, error = connection.receive()
    assert received == b""
    assert "disconnected" in str(error)


def test_a_connection_that_goes_on_is_as_it_was(ends: tuple[Connection, socket.socket]) -> None:
    connection, broker = ends
    assert connection.receive() == (b"", None)
    broker.sendall(b"x" * 10_000)
    assert connection.receive() == (b"x" * 10_000, None)
    # More than one piece.
    broker.sendall(bytes(range(250)) * 600)
    assert connection.receive() == (bytes(range(250)) * 600, None)


class TakenAway:
    """A socket that another thread takes away while it is read: as kafka-python closes a connection."""

    def __init__(self, connection: Connection, ours: socket.socket, then: Exception | None) -> None:
        """`then`: what it raises from then on; None for what a closed TCP socket does."""
        self._connection, self._ours, self._then = connection, ours, then

    def recv(self, length: int) -> bytes:
        if self._connection._closed and self._then is not None:
            raise self._then
        received = self._ours.recv(length)
        self._connection._closed, self._connection._sock = True, None
        self._ours.close()
        return received


@pytest.mark.parametrize(
    "then",
    [
        pytest.param(None, id="TCP"),
        # ssl.SSLSocket.read looks whether its _sslobj is there, and then uses it.
        pytest.param(ValueError("Read on closed or unwrapped SSL socket."), id="TLS, before it is looked at"),
        pytest.param(AttributeError("'NoneType' object has no attribute 'read'"), id="TLS, after it was looked at"),
    ],
)
def test_a_connection_closed_while_it_is_read_hands_over_what_came_and_ends_without_a_word(
    then: Exception | None, ends: tuple[Connection, socket.socket], caplog: pytest.LogCaptureFixture
) -> None:
    connection, broker = ends
    broker.sendall(b"the last answer")
    assert connection._sock is not None
    connection._sock = TakenAway(connection, connection._sock, then)  # type: ignore[assignment]
    assert connection.receive() == (b"the last answer", None)
    received, error = connection.receive()
    assert received == b""
    assert error is not None
    assert caplog.records == []


def test_a_broker_that_hangs_up_is_logged_once_and_without_a_traceback(
    ends: tuple[Connection, socket.socket], caplog: pytest.LogCaptureFixture
) -> None:
    connection, broker = ends
    broker.close()
    connection.receive()
    assert [record.getMessage() for record in caplog.records] == [
        "a connection: nothing more can be received, closing the socket: KafkaConnectionError: socket disconnected"
    ]
    assert caplog.records[0].exc_info is None
