"""FFmpeg talks to this process alone, and nobody else gets in between."""

import ipaddress
import socket
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from producer_service.capture.address_policy import OPERATORS_OWN, AddressPolicy, AddressRefused, check_address
from producer_service.capture.network_camera import NetworkCamera
from producer_service.capture.rtsp_relay import RtspRelay
from producer_service.capture.still_image import ImageLimits
from producer_service.capture.stream_errors import SourceRefused
from tests.producer_service.capture_live.http_camera import HttpCamera
from tests.producer_service.capture_live.rtsp_camera import RtspCamera


@pytest.fixture
def camera() -> Iterator[RtspCamera]:
    """A camera without a password."""
    made = RtspCamera()
    yield made
    made.listener.close()


@pytest.fixture
def web_camera() -> Iterator[HttpCamera]:
    """The same over HTTP."""
    made = HttpCamera()
    yield made
    made.listener.close()


class Rebinding:
    """A name server that gives another address each time it is asked."""

    def __init__(self, *answers: str) -> None:
        self.asked: list[str] = []
        self._answers = answers

    def resolve(self, host: str) -> list[str]:
        self.asked.append(host)
        return [self._answers[len(self.asked) - 1]]


LOOPBACK_ALLOWED = AddressPolicy(urls_allowed=True, allowed_networks=(ipaddress.ip_network("127.0.0.0/8"),))


def test_the_connection_goes_to_the_address_that_was_checked_and_the_camera_hears_its_name(
    camera: RtspCamera, web_camera: HttpCamera
) -> None:
    for each in (camera, web_camera):
        url = each.url.replace("127.0.0.1", "door.example.org")
        names = Rebinding("127.0.0.1", "10.0.0.1")
        made = NetworkCamera(url, LOOPBACK_ALLOWED, ImageLimits(), 3, names.resolve)
        feed = made.connect()
        assert feed.read().shape == (120, 160, 3)
        feed.close()
        assert names.asked == ["door.example.org"]
        # The next connection asks again, and is refused where the name leads now.
        with pytest.raises(AddressRefused):
            made.connect()
    uris = [request.split()[1] for request in camera.requests]
    assert all(uri.startswith(f"rtsp://door.example.org:{camera.listener.port}/door") for uri in uris)


def test_a_camera_that_only_sends_datagrams_is_refused_and_asked_for_none(camera: RtspCamera) -> None:
    camera.datagrams_only = True
    made = NetworkCamera(camera.url, OPERATORS_OWN, ImageLimits(), 3)
    with pytest.raises(SourceRefused):
        made.connect()
    assert len(camera.transports) == 1
    assert "TCP" in camera.transports[0]


@pytest.mark.parametrize("target", ["/", "/door", "/0123456789abcdef0123456789abcdef"])
def test_whoever_comes_in_without_the_secret_path_gets_nothing_from_the_camera(camera: RtspCamera, target: str) -> None:
    relay = RtspRelay(check_address(camera.url, OPERATORS_OWN), 3)
    relay.check()
    port = urlsplit(relay.open_door()).port
    with socket.create_connection(("127.0.0.1", port or 0), 3) as intruder:
        intruder.sendall(f"OPTIONS rtsp://127.0.0.1:{port}{target} RTSP/1.0\r\nCSeq: 1\r\n\r\n".encode())
        assert _receive_all(intruder) == b""
    relay.close()
    assert [request.split()[0] for request in camera.requests] == ["DESCRIBE"]


def _receive_all(connected: socket.socket) -> bytes:
    try:
        return connected.recv(4096)
    except ConnectionResetError:
        return b""
