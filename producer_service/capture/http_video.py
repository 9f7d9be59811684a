"""Video over HTTP: fetched by this process from the address that was checked, never from where it redirects to."""

import contextlib
import http.client
import re
import socket
import threading
from typing import Final

from producer_service.capture.address_policy import CheckedAddress
from producer_service.capture.answers import judge_status, refused
from producer_service.capture.authorization import Challenge, choose_challenge
from producer_service.capture.feed import Feed
from producer_service.capture.ffmpeg_feed import FfmpegFeed
from producer_service.capture.loopback_door import LoopbackDoor, hang_up
from producer_service.capture.mjpeg import MJPEG_TYPE, MjpegFeed, find_boundary
from producer_service.capture.pinned_connection import connect_pinned, connection_failed
from producer_service.capture.source_address import DEFAULT_PORTS, StreamAddress
from producer_service.capture.still_image import ImageLimits
from producer_service.capture.stream_errors import FeedLost

_RECEIVE_BYTES: Final = 64 * 1024
_KNOCK_MAX_BYTES: Final = 8192
_HEAD_BYTES: Final = 377
_CONTAINERS: Final = tuple(
    re.compile(mark, re.DOTALL)
    for mark in (
        rb"G.{187}G.{187}G",  # MPEG transport stream: three packets
        rb"\x00\x00\x01\xba",  # MPEG program stream
        rb"....(?:ftyp|moov|styp)",
        rb"\x1a\x45\xdf\xa3",  # Matroska and WebM
        rb"FLV\x01",
        rb"RIFF....AVI ",
        rb"OggS",
        rb"\x00\x00(?:\x00)?\x01[\x06\x07\x09\x27\x40\x42\x46\x67]",  # H.264 and H.265 without a container
    )
)


def open_http_video(checked: CheckedAddress, limits: ImageLimits, timeout_s: float) -> Feed:
    """Ask for the video, and read it as what the answer says it is.

    Raises SourceRefused, FeedLost when the server cannot answer now, ConnectionFailed.
    """
    fetched = _Fetched(checked, timeout_s)
    try:
        answer = fetched.answer
        kind = answer.headers.get_content_type()
        if kind == MJPEG_TYPE:
            boundary = find_boundary(answer.headers)
            return MjpegFeed(answer.read1, boundary, limits, checked.address.shown, fetched)
        if kind.startswith("image/"):
            raise refused(checked.address, "it is a still picture", hint="name the address of its video (MJPEG)")
        return _decode_body(fetched, limits, timeout_s)
    except BaseException:
        fetched.close()
        raise


class _Fetched:
    """An answer with a body that has begun to come."""

    def __init__(self, checked: CheckedAddress, timeout_s: float) -> None:
        """Ask, and once more with the password where the server wants one. Raises as `open_http_video` does."""
        self.address = checked.address
        self._socket, self.answer = _request(checked, timeout_s, None)
        try:
            user, challenge = self.address.user, self._find_challenge()
            if user is not None and challenge is not None:
                self.close()
                answer = challenge.answer(user, self.address.password or "", "GET", _target(self.address))
                self._socket, self.answer = _request(checked, timeout_s, answer)
            judge_status(self.address, self.answer.status, self.answer.headers.get("Location"))
        except BaseException:
            self.close()
            raise

    def interrupt(self) -> None:
        """Hang up, from whatever thread."""
        hang_up(self._socket)

    def close(self) -> None:
        """Hang up. Whoever reads at that moment is at the end."""
        hang_up(self._socket)
        self.answer.close()

    def _find_challenge(self) -> Challenge | None:
        if self.answer.status != http.client.UNAUTHORIZED:
            return None
        return choose_challenge(self.answer.headers.get_all("WWW-Authenticate", []))


def _request(
    checked: CheckedAddress, timeout_s: float, authorization: str | None
) -> tuple[socket.socket, http.client.HTTPResponse]:
    address = checked.address
    connected = connect_pinned(checked, timeout_s)
    connection = http.client.HTTPConnection(address.authority, DEFAULT_PORTS[address.scheme], timeout=timeout_s)
    connection.sock = connected
    headers = {"Host": address.authority, "User-Agent": "holistic", "Accept": "*/*", "Connection": "close"}
    if authorization is not None:
        headers["Authorization"] = authorization
    try:
        connection.request("GET", _target(address), headers=headers)
        return connected, connection.getresponse()
    except http.client.HTTPException as error:
        hang_up(connected)
        raise refused(address, "it does not speak HTTP") from error
    except OSError as error:
        hang_up(connected)
        raise connection_failed(checked, error) from error


def _target(address: StreamAddress) -> str:
    return address.target if address.target.startswith("/") else f"/{address.target}"


def _decode_body(fetched: _Fetched, limits: ImageLimits, timeout_s: float) -> Feed:
    """A container read by FFmpeg. Only those with a mark of their own: lists name other addresses and files."""
    try:
        head = fetched.answer.read(_HEAD_BYTES)
    except (OSError, http.client.HTTPException) as error:
        raise FeedLost(f"{fetched.address}: nothing comes", source=fetched.address.shown) from error
    if not any(mark.match(head) for mark in _CONTAINERS):
        hint = "MJPEG, MPEG-TS, MP4, Matroska, FLV, AVI and Ogg are read; playlists (HLS, DASH) are not"
        raise refused(fetched.address, "it is no video that is read here", hint=hint)
    door = LoopbackDoor("http")
    threading.Thread(target=_hand_on, args=(fetched, head, door, timeout_s), name="http video", daemon=True).start()
    return FfmpegFeed(door.url, fetched.address.shown, limits, timeout_s, fetched)


def _hand_on(fetched: _Fetched, head: bytes, door: LoopbackDoor, timeout_s: float) -> None:
    with contextlib.suppress(OSError, ValueError, http.client.HTTPException), contextlib.closing(door):
        caller = door.wait(timeout_s)
        try:
            knock = caller.recv(_KNOCK_MAX_BYTES)
            if not knock.startswith(f"GET {door.path} ".encode()):
                return
            caller.sendall(b"HTTP/1.0 200 OK\r\nContent-Type: application/octet-stream\r\n\r\n")
            data = head
            while data:
                caller.sendall(data)
                data = fetched.answer.read1(_RECEIVE_BYTES)
        finally:
            hang_up(caller)
