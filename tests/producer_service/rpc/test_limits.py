"""What a gRPC client may not do, and how it is told."""

import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest
from google.rpc import error_details_pb2, status_pb2

from producer_service.access.key_file import Right, create_key
from producer_service.capture.still_image import ImageLimits
from producer_service.landmarks.pool.options import PoolOptions
from producer_service.rpc.schema import message_class
from tests.producer_service.finders import RIGHT_HAND
from tests.producer_service.hostile_pictures import make_pixel_bomb, make_polyglot
from tests.producer_service.made_media import draw_noise, draw_quarters, encode_picture
from tests.producer_service.rpc.client import WAIT, Client, RpcService, encoded, open_and_send, raw
from tests.producer_service.rpc.conftest import ServeStudio
from tests.producer_service.waiting import wait_until

pytestmark = pytest.mark.servers

Code = grpc.StatusCode
MADE = datetime(2026, 1, 1, tzinfo=UTC)


def refusal(call: Any) -> Any:
    """The error a call ends with."""
    with pytest.raises(grpc.RpcError) as caught:
        list(call)
    return caught.value


def retry_after_s(error: Any) -> float:
    """What google.rpc.RetryInfo in the trailing metadata says."""
    trailing = dict(error.trailing_metadata())
    assert int(trailing["grpc-retry-pushback-ms"]) == 1000
    status = status_pb2.Status.FromString(trailing["grpc-status-details-bin"])
    assert (status.code, status.message) == (error.code().value[0], error.details())
    wait = error_details_pb2.RetryInfo()
    assert status.details[0].Unpack(wait)
    return float(wait.retry_delay.seconds)


def test_hostile_pictures_are_rejected_one_by_one_and_the_stream_goes_on(serve_studio: ServeStudio) -> None:
    service = serve_studio()
    person = draw_quarters()
    png = encode_picture(draw_noise())
    hostile = {
        "image_too_large": [
            make_pixel_bomb(8200, 2000),
            _raw(9000, 1, bytes(27_000)),
            _raw(2**32 - 1, 2**32 - 1, b"x"),
        ],
        "damaged_image": [png[: len(png) // 2], _raw(64, 48, b"short"), _raw(0, 0, b""), _raw(1, 1, bytes(4))],
        "not_an_image": [b"", b"no picture", bytes(1000), message_class("Picture")()],
        "file_too_large": [png + bytes(8 * 1024 * 1024)],
    }
    pictures = [each if hasattr(each, "number") else encoded(each) for group in hostile.values() for each in group]
    for number, picture in enumerate(pictures):
        picture.number = number
    last = len(pictures)
    outcomes = service.connect().track_all("ada", [*pictures, raw(person, last), encoded(make_polyglot(png), last + 1)])
    reasons = [reason for reason, group in hostile.items() for _ in group]
    assert [outcome.rejected.reason for outcome in outcomes] == [*reasons, "", ""]
    assert [outcome.number for outcome in outcomes] == list(range(last + 2))
    counts = service.opened.ledger.counts()
    assert counts.adds_up
    assert counts.rejected == {reason: len(group) for reason, group in hostile.items()}


def _raw(width: int, height: int, rgb24: bytes) -> Any:
    pixels = message_class("RawPicture")(width=width, height=height, rgb24=rgb24)
    return message_class("Picture")(raw=pixels)


SENSELESS: dict[str, list[Any]] = {
    "bytes that are no message": [b"\xff\xff\xff\xff"],
    "a message of nothing": [b""],
    "no message at all": [],
    "a name that is no text": [b"\x0a\x03\x0a\x01\xff"],
    "a stream without a name": [*open_and_send("", [], WAIT)],
    "a policy there is not": [*open_and_send("ada", [], 9)],
    "a picture before the opening": [*open_and_send("ada", [raw(draw_quarters())], WAIT)][1:],
    "an opening in the middle": [*open_and_send("ada", [], WAIT)] * 2,
    "bytes that are no message in the middle": [*open_and_send("ada", [], WAIT), b"\xff"],
    "a time before 1970": [*open_and_send("ada", [encoded(b"x", captured_at_us=-5)], WAIT)],
}


def test_messages_that_make_no_sense_end_their_call_and_nothing_else(serve_one: RpcService) -> None:
    client = serve_one.connect()
    other = client.track("grace").wait_until_open()
    errors = {name: refusal(client.call_track(iter(messages))) for name, messages in SENSELESS.items()}
    assert {name: error.code() for name, error in errors.items()} == dict.fromkeys(SENSELESS, Code.INVALID_ARGUMENT)
    assert all(error.details() for error in errors.values())
    wait_until(lambda: [line.stream_id for line in serve_one.opened.studio.lines()] == ["grace"])
    other.send(raw(draw_quarters()))
    assert next(other.outcomes).WhichOneof("outcome") == "acknowledged"
    other.send_no_more()
    assert list(other.outcomes) == []


def test_a_message_larger_than_any_picture_is_not_taken_in(serve_one: RpcService) -> None:
    too_large = raw(np.zeros((2500, 2400, 3), np.uint8))
    error = refusal(serve_one.connect().call_track(open_and_send("ada", [too_large], WAIT)))
    assert error.code() is Code.RESOURCE_EXHAUSTED
    wait_until(lambda: not serve_one.opened.studio.lines())


def test_keys_are_asked_for_and_own_their_streams(serve_studio: ServeStudio, tmp_path: Path) -> None:
    keys = tmp_path / "keys.json"
    ada = create_key(keys, "ada", ["ada-*"], frozenset({Right.PUBLISH}), MADE).token
    anna = create_key(keys, "anna", ["ada-*"], frozenset({Right.PUBLISH}), MADE).token
    grace = create_key(keys, "grace", ["grace"], frozenset({Right.PUBLISH}), MADE).token
    manager = create_key(keys, "manager", ["*"], frozenset({Right.MANAGE}), MADE).token
    service = serve_studio(keys=keys)
    picture = raw(draw_quarters())
    for token in (None, "hk_nobodys", "hk_" + "x" * 1000):
        stranger = service.connect(token)
        for call in (
            lambda: stranger.track_all("ada-1", [picture]),  # noqa: B023 - called at once
            lambda: stranger.find("ada-1", picture),  # noqa: B023
            stranger.list_streams,
            lambda: stranger.close_stream("ada-1"),  # noqa: B023
        ):
            with pytest.raises(grpc.RpcError) as caught:
                call()
            assert caught.value.code() is Code.UNAUTHENTICATED
    assert service.connect(ada).find("ada-1", picture).WhichOneof("outcome") == "acknowledged"
    open_call = service.connect(ada).track("ada-1").wait_until_open()
    for token in (grace, manager):
        with pytest.raises(grpc.RpcError) as caught:
            service.connect(token).track_all("ada-2", [picture])
        assert caught.value.code() is Code.PERMISSION_DENIED
    for token in (anna, grace):
        with pytest.raises(grpc.RpcError) as caught:
            service.connect(token).close_stream("ada-1")
        assert caught.value.code() is Code.PERMISSION_DENIED
    assert service.connect(anna).list_streams() == []
    assert [stream.stream_id for stream in service.connect(ada).list_streams()] == ["ada-1"]
    assert service.connect(grace).list_streams() == []
    open_call.send_no_more()
    assert list(open_call.outcomes) == []
    # Nobody holds its name any more.
    assert service.connect(anna).track_all("ada-1", []) == []


def test_a_stream_is_one_calls_at_a_time(serve_one: RpcService) -> None:
    call = serve_one.connect().track("ada").wait_until_open()
    error = refusal(serve_one.connect().call_track(open_and_send("ada", [], WAIT)))
    assert (error.code(), "open already" in error.details()) == (Code.ALREADY_EXISTS, True)
    call.send_no_more()
    assert list(call.outcomes) == []
    wait_until(lambda: not serve_one.opened.studio.lines())
    assert serve_one.connect().track_all("ada", []) == []


def test_no_more_streams_are_opened_than_may_be(serve_studio: ServeStudio) -> None:
    service = serve_studio(max_streams=2)
    calls = [service.connect().track(name).wait_until_open() for name in ("ada", "grace")]
    error = refusal(service.connect().call_track(open_and_send("alan", [], WAIT)))
    assert error.code() is Code.RESOURCE_EXHAUSTED
    assert retry_after_s(error) == 1
    for call in calls:
        call.send_no_more()
        assert list(call.outcomes) == []
    wait_until(lambda: not service.opened.studio.lines())
    assert service.connect().track_all("alan", []) == []


def test_a_machine_that_can_track_no_more_says_so(serve_studio: ServeStudio) -> None:
    service = serve_studio(PoolOptions(workers=1, standby=0, streams_a_worker=1, opener=RIGHT_HAND))
    call = service.connect().track("ada").wait_until_open()
    error = refusal(service.connect().call_track(open_and_send("grace", [], WAIT)))
    assert error.code() is Code.RESOURCE_EXHAUSTED
    assert retry_after_s(error) == 1
    call.send_no_more()
    assert list(call.outcomes) == []


def test_a_client_that_does_not_say_what_it_wants_is_sent_away(serve_studio: ServeStudio) -> None:
    service = serve_studio(first_message_s=0.3)
    silence = threading.Event()
    error = refusal(service.connect().call_track(iter(silence.wait, True)))
    silence.set()
    assert error.code() is Code.DEADLINE_EXCEEDED
    assert "within 0.3 s" in error.details()


def test_a_picture_alone_must_show_a_person_and_be_answered_in_time(serve_one: RpcService) -> None:
    client: Client = serve_one.connect()
    nobody = client.find("ada", raw(np.zeros((48, 64, 3), np.uint8), 3))
    assert (nobody.number, nobody.rejected.reason) == (3, "no_person")
    assert client.find("ada", encoded(b"no picture")).rejected.reason == "not_an_image"
    with pytest.raises(grpc.RpcError) as caught:
        client.find("", raw(draw_quarters()))
    assert caught.value.code() is Code.INVALID_ARGUMENT
    with pytest.raises(grpc.RpcError) as caught:
        client.close_stream("ada")
    assert caught.value.code() is Code.NOT_FOUND


def test_a_stream_opened_elsewhere_is_listed_and_not_closed_from_here(serve_one: RpcService) -> None:
    line = serve_one.opened.studio.open_stream("camera")
    client: Client = serve_one.connect()
    assert [stream.stream_id for stream in client.list_streams()] == ["camera"]
    with pytest.raises(grpc.RpcError) as caught:
        client.close_stream("camera")
    assert caught.value.code() is Code.FAILED_PRECONDITION
    serve_one.opened.studio.close_stream(line)


def test_raw_pixels_have_the_limits_of_every_picture(serve_studio: ServeStudio) -> None:
    client = serve_studio(limits=ImageLimits(max_pixels=1000, max_side_px=100)).connect()
    image = draw_quarters(100, 11)
    assert client.find("ada", raw(image[:10])).WhichOneof("outcome") == "acknowledged"
    assert client.find("ada", raw(image)).rejected.reason == "image_too_large"
