"""Between FFmpeg and a camera: FFmpeg speaks RTSP with this process, which speaks with the camera.

The camera's name and password, its redirects and its certificate are this side's business: FFmpeg is told nothing it
could follow or print. Media comes over the same connection (interleaved), so nothing else is opened on either side.
"""

import select
import socket
import ssl
import threading
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Final

from producer_service.capture.address_policy import CheckedAddress
from producer_service.capture.answers import judge_status, refused
from producer_service.capture.authorization import Challenge, choose_challenge
from producer_service.capture.loopback_door import LoopbackDoor, hang_up
from producer_service.capture.pinned_connection import connect_pinned, connection_failed
from producer_service.capture.rtsp_messages import BrokenRtsp, Message, Packet, RtspParser

_RECEIVE_BYTES: Final = 256 * 1024
_USER_AGENT: Final = "holistic"


@dataclass(slots=True)
class _Asked:
    """A request on its way: who asked it under which number, and whether it was answered for a password already."""

    request: Message
    callers_number: str | None
    authorized: bool = False


class RtspRelay:
    """One connection to a camera, and FFmpeg's to it."""

    def __init__(self, checked: CheckedAddress, timeout_s: float) -> None:
        """Connect. Raises ConnectionFailed."""
        self._checked = checked
        self._timeout_s = timeout_s
        self._camera = connect_pinned(checked, timeout_s)
        self._from_camera = RtspParser()
        self._challenge: Challenge | None = None
        self._asked: dict[str, _Asked] = {}
        self._number = 0
        self._door: LoopbackDoor | None = None
        self._caller: socket.socket | None = None
        self._known = False

    @property
    def _base(self) -> str:
        address = self._checked.address
        return f"{address.scheme}://{address.authority}{address.target}"

    def check(self) -> None:
        """Ask the camera what it has, as FFmpeg will, to learn what FFmpeg would not tell.

        Raises SourceRefused when it wants another password, sends elsewhere, or has no such stream or no picture in
        it; FeedLost when it cannot now; ConnectionFailed when it does not answer.
        """
        describe = Message(f"DESCRIBE {self._base} RTSP/1.0", [("Accept", "application/sdp")])
        self._ask(describe, None)
        try:
            answer = self._next_answer()
        except OSError as error:
            raise connection_failed(self._checked, error) from error
        except BrokenRtsp as error:
            raise refused(self._checked.address, "it does not speak RTSP") from error
        judge_status(self._checked.address, answer.status or 0, answer.get("Location"))
        if b"m=video" not in answer.body:
            raise refused(self._checked.address, "it has no pictures")

    def open_door(self) -> str:
        """Let FFmpeg in at the address returned, on a thread of its own."""
        self._door = LoopbackDoor("rtsp")
        threading.Thread(target=self._serve, args=(self._door,), name="rtsp relay", daemon=True).start()
        return self._door.url

    def interrupt(self) -> None:
        """Hang up on both sides, from whatever thread."""
        for side in (self._camera, self._caller):
            if side is not None:
                hang_up(side)
        if self._door is not None:
            self._door.close()

    def close(self) -> None:
        """Hang up on both sides."""
        self.interrupt()

    def _next_answer(self) -> Message:
        while True:
            data = self._camera.recv(_RECEIVE_BYTES)
            if not data:
                raise OSError(None, "it hung up")
            for item in self._from_camera.feed(data):
                answer = self._take_from_camera(item)
                if isinstance(answer, Message) and answer.status is not None:
                    return answer

    def _serve(self, door: LoopbackDoor) -> None:
        """Carry everything both ways until one side hangs up; FFmpeg notices by the end of its connection."""
        with suppress(OSError, BrokenRtsp, ValueError):
            try:
                self._caller = door.wait(self._timeout_s)
                self._carry(door, self._caller)
            finally:
                self.close()

    def _carry(self, door: LoopbackDoor, caller: socket.socket) -> None:
        # One thread for both directions: an encrypted socket must not be read and written at once.
        from_caller = RtspParser()
        while True:
            pending = isinstance(self._camera, ssl.SSLSocket) and self._camera.pending() > 0
            ready = [self._camera] if pending else _await_any(self._camera, caller)
            if caller in ready:
                data = caller.recv(_RECEIVE_BYTES)
                if not data:
                    return
                for item in from_caller.feed(data):
                    self._take_from_caller(item, door, caller)
            if self._camera in ready:
                data = self._camera.recv(_RECEIVE_BYTES)
                if not data:
                    return
                passed_on = [self._take_from_camera(item) for item in self._from_camera.feed(data)]
                caller.sendall(b"".join(_pack(item) for item in passed_on if item is not None))

    def _take_from_caller(self, item: Packet | Message, door: LoopbackDoor, caller: socket.socket) -> None:
        if isinstance(item, Packet) or item.status is not None:
            self._camera.sendall(_pack(item))
            return
        method, uri, version = item.first_line.split(" ", 2)
        if uri.startswith(door.url):
            self._known = True
            uri = self._base + uri.removeprefix(door.url)
        if not self._known:
            raise BrokenRtsp("somebody else than FFmpeg came in")
        number = item.get("CSeq")
        if method == "SETUP" and "TCP" not in (item.get("Transport") or ""):
            # Datagrams would go past this connection.
            caller.sendall(Message("RTSP/1.0 461 Unsupported Transport", [("CSeq", number or "0")]).pack())
            return
        self._ask(replace(item, first_line=f"{method} {uri} {version}"), number)

    def _take_from_camera(self, item: Packet | Message) -> Packet | Message | None:
        """What is passed on of what the camera sent; a question for the password is answered here."""
        if isinstance(item, Packet) or item.status is None:
            return item
        asked = self._asked.pop(item.get("CSeq") or "", None)
        if asked is None:
            return item
        if item.status == 401 and not asked.authorized and self._checked.address.user is not None:
            challenge = choose_challenge(item.get_all("WWW-Authenticate"))
            if challenge is not None:
                self._challenge = challenge
                self._ask(asked.request, asked.callers_number, again=True)
                return None
        if asked.callers_number is not None:
            item.put("CSeq", asked.callers_number)
        return item

    def _ask(self, request: Message, callers_number: str | None, *, again: bool = False) -> None:
        self._number += 1
        number = str(self._number)
        request.put("CSeq", number)
        request.put("User-Agent", _USER_AGENT)
        address = self._checked.address
        if self._challenge is not None and address.user is not None:
            method, uri, _ = request.first_line.split(" ", 2)
            request.put("Authorization", self._challenge.answer(address.user, address.password or "", method, uri))
        self._asked[number] = _Asked(request, callers_number, authorized=again)
        self._camera.sendall(request.pack())


def _await_any(*sides: socket.socket) -> list[socket.socket]:
    """Those with something to read, or at their end. Raises ValueError for one that was closed."""
    # Not select, which takes no descriptor beyond 1,023: a service with many connections has them.
    waiting = select.poll()
    for side in sides:
        waiting.register(side, select.POLLIN)
    ready = {descriptor for descriptor, _ in waiting.poll()}
    return [side for side in sides if side.fileno() in ready]


def _pack(item: Packet | Message) -> bytes:
    return item.data if isinstance(item, Packet) else item.pack()
