"""Frames over a WebSocket: every picture is answered, and who may not connect is told so in HTTP."""

import json
import struct
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin, Subprotocol

from keypoints import HolisticFrame
from producer_service.access.key_file import Right, create_key, revoke_key
from tests.producer_service.conftest import Position
from tests.producer_service.gateway.conftest import Serve
from tests.producer_service.gateway.serving import Service
from tests.producer_service.made_media import encode_picture
from tests.producer_service.waiting import wait_until

pytestmark = pytest.mark.servers

ReadTopic = Callable[[str], dict[Position, HolisticFrame]]
NOW = datetime(2026, 1, 2, tzinfo=UTC)


def dial(service: Service, stream: str, **options: Any) -> AbstractContextManager[ClientConnection]:
    dialled: AbstractContextManager[ClientConnection] = connect(
        f"ws://127.0.0.1:{service.port}/v1/streams/{stream}/ws", **options
    )
    return dialled


def send(socket: ClientConnection, number: int, picture: bytes, captured_at_ms: float = 0) -> None:
    socket.send(struct.pack("<Id", number, captured_at_ms) + picture)


def receive(socket: ClientConnection) -> tuple[dict[str, Any], dict[str, Any]]:
    """The head, and the parts by name as float32[points, values]."""
    message = socket.recv(timeout=10)
    assert isinstance(message, bytes)
    (length,) = struct.unpack_from("<I", message)
    assert (4 + length) % 4 == 0
    head: dict[str, Any] = json.loads(message[4 : 4 + length])
    values = np.frombuffer(message, "<f4", offset=4 + length)
    parts = {}
    for name, points, width in head["parts"]:
        parts[name], values = values[: points * width].reshape(points, width), values[points * width :]
    assert not len(values)
    return head, parts


def test_each_picture_is_answered_with_its_record_and_its_landmarks(
    service: Service, read_topic: ReadTopic, person: bytes
) -> None:
    with dial(service, "camera-1") as socket:
        answers = []
        for number in range(5):
            send(socket, 100 + number, person, captured_at_ms=1_790_000_000_000.5 + number)
            answers.append(receive(socket))
    frames = read_topic(service.topic)
    for number, (head, parts) in enumerate(answers):
        assert (head["number"], head["status"], head["sequence"]) == (100 + number, "acknowledged", number)
        assert head["captured_at_ms"] == 1_790_000_000_000.5 + number
        frame = frames[head["partition"], head["offset"]]
        assert frame.stream_id == "camera-1"
        assert frame.captured_at_us == 1_790_000_000_000_500 + number * 1000
        assert frame.right_hand is not None
        assert np.array_equal(frame.right_hand, parts["right_hand"])
        assert set(parts) == {"right_hand"}
        assert head["spent"]["inference_ms"] >= 0


def test_a_picture_that_gives_no_frame_says_why_and_the_stream_goes_on(service: Service, person: bytes) -> None:
    with dial(service, "camera-2", additional_headers={}) as socket:
        for number, (data, reason) in enumerate(
            [(b"no picture", "not_an_image"), (person[:60], "damaged_image"), (b"", "not_an_image")]
        ):
            send(socket, number, data)
            head, parts = receive(socket)
            assert (head["number"], head["status"], head["reason"]) == (number, "rejected", reason)
            assert head["message"]
            assert not parts
        nobody = encode_picture(np.zeros((48, 64, 3), np.uint8))
        send(socket, 7, nobody)
        assert receive(socket)[0]["status"] == "acknowledged"
        send(socket, 8, person)
        assert receive(socket)[0]["sequence"] == 1


def read_close_code(socket: ClientConnection) -> int:
    """What the service says when it ends the connection."""
    with pytest.raises(ConnectionClosed) as closed:
        socket.recv(timeout=10)
    assert closed.value.rcvd is not None
    return closed.value.rcvd.code


def send_until_closed(socket: ClientConnection, message: bytes, times: int) -> None:
    for _ in range(times):
        socket.send(message)


def try_dial(service: Service, stream: str, **options: Any) -> int:
    """101, or the status of the refusal, which must be of the one form."""
    with pytest.raises(InvalidStatus) as refused, dial(service, stream, **options):
        return 101
    assert set(json.loads(refused.value.response.body or b"")["error"]) == {"code", "message", "hint"}
    return refused.value.response.status_code


def test_a_query_that_cannot_be_read_is_said_before_the_connection_is_accepted(service: Service) -> None:
    with pytest.raises(InvalidStatus) as refused, connect(f"ws://127.0.0.1:{service.port}/v1/streams/a/ws?mirrored=so"):
        pass
    assert refused.value.response.status_code == 400
    assert json.loads(refused.value.response.body or b"")["error"]["code"] == "invalid_request"


@pytest.mark.parametrize(
    "captured_at_ms",
    [
        float("nan"),
        float("inf"),
        -1.0,
        1e300,
        # Named: the workers of a run that is shared out must find the same tests.
        pytest.param(time.time() * 1000 + 86_400_000, id="a day ahead"),
    ],
)
def test_a_time_that_no_record_can_have_is_rejected(service: Service, person: bytes, captured_at_ms: float) -> None:
    with dial(service, "camera-3") as socket:
        send(socket, 1, person, captured_at_ms)
        head, _ = receive(socket)
        assert (head["status"], head["reason"]) == ("rejected", "invalid_capture_time")
        send(socket, 2, person)
        assert receive(socket)[0]["status"] == "acknowledged"


def test_tracking_begins_anew_when_it_is_told_to(service: Service, person: bytes) -> None:
    with dial(service, "camera-4") as socket:
        send(socket, 1, person)
        first = receive(socket)[0]
        socket.send('{"do":"interrupt"}')
        send(socket, 2, person)
        second, parts = receive(socket)
        assert second["epoch"] > first["epoch"]
        assert second["sequence"] == 0
        assert parts["right_hand"][0, 0] == 1


def test_mirrored_frames_say_so(service: Service, person: bytes) -> None:
    with connect(f"ws://127.0.0.1:{service.port}/v1/streams/selfie/ws?mirrored=true") as socket:
        send(socket, 1, person)
        head, parts = receive(socket)
        assert head["mirrored"] is True
        assert set(parts) == {"left_hand"}


def test_the_stream_is_open_as_long_as_the_connection(service: Service, person: bytes) -> None:
    with dial(service, "camera-5"):
        assert service.http.get("/v1/streams/camera-5").json()["source"] == "websocket"
        taken = service.http.post("/v1/streams/camera-5/frames", content=person, headers={"content-type": "image/png"})
        assert taken.status_code == 409
        with pytest.raises(InvalidStatus) as refused, dial(service, "camera-5"):
            pass
        assert refused.value.response.status_code == 409
        assert json.loads(refused.value.response.body or b"")["error"]["code"] == "stream_taken"
    wait_until(lambda: service.http.get("/v1/streams/camera-5").status_code == 404)
    with dial(service, "camera-5"):
        pass


def test_of_two_that_connect_at_once_to_one_stream_one_is_let_in(service: Service) -> None:
    both = threading.Barrier(2)
    decided = threading.Barrier(2)

    def connect_and_stay(_: int) -> int:
        both.wait(10)
        try:
            with dial(service, "camera-6"):
                decided.wait(10)
                return 101
        except InvalidStatus as refused:
            decided.wait(10)
            return refused.response.status_code

    with ThreadPoolExecutor(2) as threads:
        assert sorted(threads.map(connect_and_stay, range(2))) == [101, 409]


def test_a_frame_of_more_than_a_mebibyte_ends_the_connection(service: Service) -> None:
    for message in (bytes(1024 * 1024 + 1), [bytes(300 * 1024)] * 4):
        codes = [send_too_much(service, message) for _ in range(5)]
        # A reset that overtakes the closing message, for what was sent was not read, leaves no code.
        assert set(codes) <= {1009, None}
        assert 1009 in codes
        wait_until(lambda: service.http.get("/v1/streams/large").status_code == 404)
    with dial(service, "large") as socket:
        send(socket, 1, bytes(1024 * 1024 - 12))
        assert receive(socket)[0]["reason"] == "not_an_image"


def send_too_much(service: Service, message: bytes | list[bytes]) -> int | None:
    """The code with which the service ends the connection, where it arrived."""
    with dial(service, "large") as socket:
        with suppress(ConnectionClosed):
            socket.send(message)
        with pytest.raises(ConnectionClosed) as closed:
            socket.recv(timeout=10)
        return None if closed.value.rcvd is None else closed.value.rcvd.code


@pytest.mark.parametrize("message", [b"", b"short", "no json", "{}", '{"do":"explode"}', "[" * 100_000])
def test_what_is_no_message_ends_the_connection(service: Service, message: bytes | str) -> None:
    with dial(service, "odd") as socket:
        socket.send(message)
        assert read_close_code(socket) == 1003
    wait_until(lambda: service.http.get("/v1/streams/odd").status_code == 404)


def test_pictures_beyond_the_rate_are_dropped_and_the_connection_stays(serve: Serve, person: bytes) -> None:
    with serve(socket_pictures_per_s=1) as service, dial(service, "fast") as socket:
        for number in range(40):
            send(socket, number, person)
        heads = [receive(socket)[0] for _ in range(40)]
        assert sorted(head["number"] for head in heads) == list(range(40))
        limited = [head for head in heads if head.get("reason") == "rate_limited"]
        assert len(limited) >= 20
        assert {head["status"] for head in limited} == {"dropped"}
        assert {head.get("reason") for head in heads} <= {None, "rate_limited", "overtaken"}
        assert any(head["status"] == "acknowledged" for head in heads)


def test_a_client_that_does_not_read_its_answers_is_left(serve: Serve, person: bytes) -> None:
    with serve(socket_pictures_per_s=1, socket_send_timeout_s=0.5) as service:
        with dial(service, "deaf", max_queue=1) as socket:
            picture = struct.pack("<Id", 1, 0)
            with pytest.raises(ConnectionClosed):
                send_until_closed(socket, picture, 500_000)
        wait_until(lambda: service.http.get("/v1/streams/deaf").status_code == 404)


def test_who_closes_a_stream_closes_its_connection(service: Service, person: bytes) -> None:
    with dial(service, "camera-6") as socket:
        send(socket, 1, person)
        receive(socket)
        assert service.http.delete("/v1/streams/camera-6").status_code == 204
        send(socket, 2, person)
        head, _ = receive(socket)
        assert (head["status"], head["reason"]) == ("dropped", "stream_closed")
        assert read_close_code(socket) == 1001


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("https://evil.example", 403),
        ("http://localhost.evil.example", 403),
        ("null", 403),
        ("http://127.0.0.1:1", 403),
        ("https://studio.example", 101),
        ("own", 101),
        (None, 101),
    ],
)
def test_pages_of_other_origins_may_not_connect(kept_origin_service: Service, origin: str | None, status: int) -> None:
    service = kept_origin_service
    given = f"http://127.0.0.1:{service.port}" if origin == "own" else origin
    options = {} if given is None else {"origin": Origin(given)}
    if status == 101:
        with dial(service, "page", **options):
            pass
        wait_until(lambda: service.http.get("/v1/streams/page").status_code == 404)
        return
    with pytest.raises(InvalidStatus) as refused, dial(service, "page", **options):
        pass
    assert refused.value.response.status_code == status
    assert json.loads(refused.value.response.body or b"")["error"]["code"] == "origin_not_allowed"
    assert service.http.get("/v1/streams/page").status_code == 404


@pytest.fixture(scope="module")
def kept_origin_service(kafka_settings: Any) -> Any:
    from kafka_io.admin import create_topics, delete_topic
    from keypoints.topics import TopicSpec
    from tests.producer_service.gateway.serving import serving

    topic = f"origins-{time.time_ns()}"
    create_topics(kafka_settings, [TopicSpec(topic, 1)])
    with serving(kafka_settings, topic, {"allowed_origins": "https://studio.example"}) as service:
        yield service
    delete_topic(kafka_settings, topic)


def test_a_key_is_checked_before_the_connection_is_accepted(serve: Serve, key_file: Path, person: bytes) -> None:
    ada = create_key(key_file, "ada", ["ada-*"], frozenset({Right.PUBLISH}), NOW).token
    manager = create_key(key_file, "boss", ["*"], frozenset({Right.MANAGE}), NOW).token

    with serve(api_keys_file=key_file) as service:
        assert try_dial(service, "ada-1") == 401
        assert try_dial(service, "ada-1", additional_headers={"Authorization": "Bearer hk_wrong"}) == 401
        assert try_dial(service, "ada-1", subprotocols=[Subprotocol("holistic.v1"), Subprotocol("key.hk_wrong")]) == 401
        assert try_dial(service, "bob-1", additional_headers={"Authorization": f"Bearer {ada}"}) == 403
        assert try_dial(service, "ada-1", additional_headers={"Authorization": f"Bearer {manager}"}) == 403
        browser = [Subprotocol("holistic.v1"), Subprotocol(f"key.{ada}")]
        with dial(service, "ada-1", subprotocols=browser) as socket:
            # The key is not said again.
            assert socket.subprotocol == "holistic.v1"
            send(socket, 1, person)
            assert receive(socket)[0]["status"] == "acknowledged"
            revoke_key(key_file, "ada")
            send(socket, 2, person)
            assert read_close_code(socket) == 1008
