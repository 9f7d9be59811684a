"""A network camera on the loopback: RTSP with its media interleaved (RFC 2326)."""

import hashlib
import re
import socket
import ssl
import struct
import threading
from contextlib import suppress
from typing import BinaryIO

from tests.producer_service.capture_live.moods import PICTURES_PER_S, Listener, Moods
from tests.producer_service.capture_live.rtp_media import JpegMedia, Media

NONCE = "5ccc069c403ebaf9f0171e9517f40e41"
_CLOCK_HZ = 90_000


class RtspCamera:
    """Streams pictures at `/door`; wants `user` and `password` where they are given."""

    def __init__(
        self,
        user: str | None = None,
        password: str = "",
        scheme: str = "Digest",
        *,
        tls: ssl.SSLContext | None = None,
        media: Media | None = None,
    ) -> None:
        self.moods = Moods()
        self.requests: list[str] = []
        self._media = media or JpegMedia()
        self.redirect_to: str | None = None
        self.transports: list[str] = []
        self.datagrams_only = False
        self._user = user
        self.password = password
        self._scheme = scheme
        self._protocol = "rtsp" if tls is None else "rtsps"
        self.listener = Listener(self._talk, self.moods.closing, tls)

    @property
    def url(self) -> str:
        """Its address, without a user."""
        return f"{self._protocol}://127.0.0.1:{self.listener.port}/door"

    def url_with(self, user: str, password: str) -> str:
        """Its address with a user and a password."""
        return self.url.replace("://", f"://{user}:{password}@")

    def _talk(self, connected: socket.socket) -> None:
        stream = connected.makefile("rb")
        sending = threading.Lock()
        playing: threading.Thread | None = None
        hung_up = threading.Event()
        try:
            while (request := _read_request(stream)) is not None:
                method, uri, headers = request
                if self.moods.deaf.is_set():
                    self.moods.closing.wait()
                    return
                self.requests.append(f"{method} {uri}")
                answer = self._answer(method, uri, headers)
                with sending:
                    connected.sendall(answer)
                if method == "PLAY" and playing is None:
                    playing = threading.Thread(target=self._play, args=(connected, sending, hung_up), daemon=True)
                    playing.start()
                if method == "TEARDOWN":
                    return
        finally:
            hung_up.set()
            with suppress(OSError):
                connected.shutdown(socket.SHUT_RDWR)
            stream.close()
            if playing is not None:
                playing.join()

    def _answer(self, method: str, uri: str, headers: dict[str, str]) -> bytes:
        number = headers["cseq"]
        if self.redirect_to is not None and method != "OPTIONS":
            return _respond("302 Found", number, Location=self.redirect_to)
        if self._user is not None and not self._knows(method, headers.get("authorization", "")):
            challenge = f'{self._scheme} realm="camera"' + (f', nonce="{NONCE}"' if self._scheme == "Digest" else "")
            return _respond("401 Unauthorized", number, WWW_Authenticate=challenge)
        if "/door" not in uri:
            return _respond("404 Not Found", number)
        if method == "DESCRIBE":
            lines = ["v=0", "s=door", "t=0 0", *self._media.described, "a=control:track1", ""]
            return _respond("200 OK", number, "\r\n".join(lines).encode())
        if method == "SETUP":
            self.transports.append(headers["transport"])
            if self.datagrams_only:
                return _respond("461 Unsupported Transport", number)
            return _respond(
                "200 OK", number, Transport="RTP/AVP/TCP;unicast;interleaved=0-1", Session="12345678;timeout=60"
            )
        return _respond("200 OK", number, Public="OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN", Session="12345678")

    def _knows(self, method: str, authorization: str) -> bool:
        given = dict(re.findall(r'(\w+)="?([^",]*)"?', authorization.partition(" ")[2]))
        if self._scheme == "Basic":
            return authorization == "Basic YWRhOnMzY3JldA=="
        secret = hashlib.md5(f"{self._user}:camera:{self.password}".encode()).hexdigest()
        asked = hashlib.md5(f"{method}:{given.get('uri')}".encode()).hexdigest()
        return given.get("response") == hashlib.md5(f"{secret}:{NONCE}:{asked}".encode()).hexdigest()

    def _play(self, connected: socket.socket, sending: threading.Lock, hung_up: threading.Event) -> None:
        sequence = 0
        with suppress(OSError):
            for index, picture in enumerate(self._media.pictures(self.moods)):
                if hung_up.is_set():
                    return
                for payload, last in self._media.split(picture):
                    marker_and_type = self._media.payload_type | (128 if last else 0)
                    time = index * _CLOCK_HZ // PICTURES_PER_S
                    packet = struct.pack(">BBHII", 0x80, marker_and_type, sequence & 0xFFFF, time, 1) + payload
                    sequence += 1
                    with sending:
                        connected.sendall(b"$\x00" + struct.pack(">H", len(packet)) + packet)


def _read_request(stream: BinaryIO) -> tuple[str, str, dict[str, str]] | None:
    while (line := stream.readline()) and line[:1] == b"$":
        # The caller's reports on what it received: they are no lines, so what is left of this one counts.
        missing = 4 + int.from_bytes(line[2:4], "big") - len(line)
        stream.read(max(0, missing))
    if not line:
        return None
    method, uri, _ = line.decode().split()
    headers = {}
    while (line := stream.readline().strip()) != b"":
        name, _, value = line.decode().partition(":")
        headers[name.lower()] = value.strip()
    return method, uri, headers


def _respond(status: str, number: str, /, body: bytes = b"", **headers: str) -> bytes:
    lines = [
        f"RTSP/1.0 {status}",
        f"CSeq: {number}",
        *(f"{name.replace('_', '-')}: {value}" for name, value in headers.items()),
    ]
    if body:
        lines += ["Content-Type: application/sdp", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, "", ""]).encode() + body
