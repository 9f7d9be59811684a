"""Readers that do not keep up, too many of them, and those that are there when the service ends."""

import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from urllib.parse import urlsplit

import httpx
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from consumers.analytics.feed.settings import FeedSettings
from kafka_io.settings import KafkaSettings
from tests.consumers.analytics.feed.reading import read_sse
from tests.consumers.analytics.feed.serving import (
    PATIENCE_S,
    Publisher,
    await_true,
    made_event,
    read_metric,
    serve,
)

pytestmark = pytest.mark.servers

MANY = 130
PADDING = "x" * 50_000
"""So many events of this size are more than the buffers of two sockets hold."""
_NARROW_BYTES = 512 * 1024


@contextmanager
def dial(address: str) -> Iterator[socket.socket]:
    """A connection that takes little unread."""
    host, port = urlsplit(address).hostname, urlsplit(address).port
    with socket.socket() as narrow:
        narrow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _NARROW_BYTES)
        narrow.settimeout(PATIENCE_S)
        narrow.connect((host, port))
        yield narrow


def ask(reader: socket.socket, address: str) -> None:
    host = urlsplit(address).netloc
    reader.sendall(f"GET /v1/events HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
    assert b"200" in reader.recv(64)


def publish_much(publisher: Publisher) -> None:
    publisher.events(*[made_event(number, stream="much", padding=PADDING) for number in range(MANY)])


def read_to_the_end(reader: socket.socket) -> bytes:
    """The last that was sent."""
    tail = b""
    while piece := reader.recv(1 << 20):
        tail = (tail + piece)[-2_000:]
    return tail


def test_a_reader_that_falls_behind_is_told_so_and_cut_off(settings: FeedSettings, publisher: Publisher) -> None:
    limits = settings.model_copy(update={"feed_unread_events": 20, "feed_send_timeout_s": 60})
    with serve(limits, publisher.kafka) as address, dial(address) as slow:
        ask(slow, address)
        publish_much(publisher)
        await_true(lambda: read_metric(address, "holistic_feed_events_read_total") >= MANY)
        tail = read_to_the_end(slow).decode()
        assert "event: cut" in tail
        assert "too slow: more than 20 events were waiting to be read; read on from the last id" in tail
        await_true(lambda: read_metric(address, "holistic_feed_readers{") == 0)
        assert read_metric(address, "holistic_feed_readers_cut_off_total") == 1


def test_a_reader_that_takes_nothing_is_hung_up_on_and_the_others_read_on(
    settings: FeedSettings, publisher: Publisher
) -> None:
    limits = settings.model_copy(update={"feed_history_s": 0, "feed_send_timeout_s": 5, "feed_unread_events": 1000})
    with serve(limits, publisher.kafka) as address, dial(address) as slow, read_sse(address) as brisk:
        ask(slow, address)
        numbers: list[int] = []

        def read_on() -> None:
            numbers.extend(said.number for said in brisk.take(MANY))

        reading = threading.Thread(target=read_on)
        reading.start()
        publisher.events(*[made_event(number, stream="more", padding=PADDING) for number in range(MANY)])
        reading.join(PATIENCE_S)
        assert numbers == list(range(MANY))
        await_true(lambda: read_metric(address, 'holistic_feed_readers{of="events"}') == 1)
        assert read_metric(address, "holistic_feed_readers_cut_off_total") == 1
        assert b"event: cut" not in read_to_the_end(slow)


def test_a_websocket_that_falls_behind_is_closed_with_the_reason(settings: FeedSettings, publisher: Publisher) -> None:
    limits = settings.model_copy(update={"feed_unread_events": 20, "feed_send_timeout_s": 60, "feed_history_s": 0})
    with serve(limits, publisher.kafka) as address, dial(address) as narrow:
        # One message is read ahead, and no more.
        with connect(
            address.replace("http", "ws") + "/v1/events/ws", sock=narrow, max_queue=1, compression=None, close_timeout=2
        ) as slow:
            slow.recv(PATIENCE_S)
            publisher.events(*[made_event(number, stream="socket", padding=PADDING) for number in range(MANY)])
            await_true(lambda: read_metric(address, "holistic_feed_events_read_total") >= MANY)
            with suppress(ConnectionClosed):
                for _ in slow:
                    continue
        assert slow.protocol.close_code == 1008
        assert "too slow" in (slow.protocol.close_reason or "")


def test_there_is_room_for_so_many_readers_and_again_when_one_leaves(
    settings: FeedSettings, publisher: Publisher
) -> None:
    with serve(settings.model_copy(update={"feed_readers": 2}), publisher.kafka) as address:
        with read_sse(address), connect(address.replace("http", "ws") + "/v1/skeleton/ws?stream=ada", close_timeout=1):
            refused = httpx.get(f"{address}/v1/events")
            assert (refused.status_code, refused.json()["error"]["code"]) == (503, "too_many_readers")
            assert refused.headers["retry-after"]
            with pytest.raises(Exception, match="503"):
                connect(address.replace("http", "ws") + "/v1/events/ws")
            assert httpx.get(f"{address}/livez").status_code == 200
        await_true(lambda: read_metric(address, "holistic_feed_readers{") == 0)
        with read_sse(address):
            assert read_metric(address, "holistic_feed_readers{") == 1


def test_readers_are_let_go_when_the_service_ends(settings: FeedSettings, kafka_settings: KafkaSettings) -> None:
    with ExitStack() as left:
        with serve(settings, kafka_settings) as address:
            reader = left.enter_context(read_sse(address))
            talker = left.enter_context(connect(address.replace("http", "ws") + "/v1/events/ws", close_timeout=1))
            talker.recv(PATIENCE_S)
        assert reader.next().data == {"message": "the service is stopping"}
        with pytest.raises(EOFError):
            reader.next()
        with pytest.raises(ConnectionClosed) as closed:
            talker.recv(PATIENCE_S)
        assert closed.value.rcvd is not None
        assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (1001, "the service is stopping")
