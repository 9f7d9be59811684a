"""iFacialMocap over UDP: to a receiver straight away, or as the phone does, to whoever asks for it."""

import logging
import socket
from dataclasses import dataclass
from typing import Final

from consumers.avatar.outputs.face_text import FaceWriter
from consumers.avatar.outputs.output import Shown
from consumers.avatar.outputs.udp import Address, BadTarget, UdpSender
from consumers.avatar.outputs.vmc.parts import ALL_PARTS, Part

logger = logging.getLogger(__name__)

IFACIALMOCAP_PORT: Final = 49983
"""Where programs listen for the app's datagrams, and the app for programs that ask it to begin."""

_ASKED_BY: Final = b"iFacialMocap_sahuasouryya9218sauhuiayeta91555dy3719"
_ASKS_FOR_VERSION_2: Final = b"sendDataVersion=v2"
_LONGEST_QUESTION: Final = 1024
_MOST_QUESTIONS: Final = 16
_MOST_ASKERS: Final = 8


class IfacialmocapOutput:
    """An Output to one receiver of iFacialMocap, in version 1 or 2 of the text.

    Nothing is sent before a face or a head was seen. Raises BadTarget when the host's name cannot be resolved.
    """

    def __init__(self, target: Address, version: int = 1, parts: frozenset[Part] = ALL_PARTS) -> None:
        self._writer = FaceWriter(version, parts)
        self._sender = UdpSender([target])

    def show(self, shown: Shown) -> int:
        """As Output says."""
        datagram = self._writer.write(shown)
        return 0 if datagram is None else self._sender.send([datagram])

    @property
    def refused(self) -> int:
        """As Output says."""
        return self._sender.refused

    def close(self) -> None:
        """As Output says."""
        self._sender.close()


@dataclass(slots=True)
class _Asker:
    """A program that asked: where it listens, in which version, and whether it was said to be away."""

    place: tuple[str, int]
    version: int
    said_away: bool = False


class IfacialmocapPhone:
    """An Output that waits where the phone would, and sends to each program that asks, from then on.

    A program asks by a datagram with the app's password, with `sendDataVersion=v2` behind it for version 2, and is
    answered at `answer_port` of its host (ifacialmocap.com/for-developer). At most eight are served: a ninth takes the
    place of the one that asked first. Raises BadTarget when its own place cannot be listened on.
    """

    def __init__(
        self, listen: Address, parts: frozenset[Part] = ALL_PARTS, answer_port: int = IFACIALMOCAP_PORT
    ) -> None:
        self._writers = {version: FaceWriter(version, parts) for version in (1, 2)}
        self._answer_port = answer_port
        self._socket = _listen(listen)
        self._askers: dict[str, _Asker] = {}
        self._refused = 0

    def show(self, shown: Shown) -> int:
        """As Output says."""
        self._hear_askers()
        left = 0
        for asker in self._askers.values():
            datagram = self._writers[asker.version].write(shown)
            if datagram is not None:
                left += self._send(datagram, asker)
        return left

    @property
    def refused(self) -> int:
        """As Output says."""
        return self._refused

    def close(self) -> None:
        """As Output says."""
        self._socket.close()

    def _hear_askers(self) -> None:
        for _ in range(_MOST_QUESTIONS):
            try:
                question, (host, *_) = self._socket.recvfrom(_LONGEST_QUESTION)
            except OSError:
                return
            if not question.startswith(_ASKED_BY):
                continue
            version = 2 if _ASKS_FOR_VERSION_2 in question else 1
            if host not in self._askers and len(self._askers) >= _MOST_ASKERS:
                del self._askers[next(iter(self._askers))]
            self._askers[host] = _Asker((host, self._answer_port), version)

    def _send(self, datagram: bytes, asker: _Asker) -> int:
        try:
            self._socket.sendto(datagram, asker.place)
        except OSError as error:
            self._refused += 1
            if not asker.said_away:
                asker.said_away = True
                logger.warning("No receiver at %s; sending on.", asker.place[0], extra={"reason": str(error)})
            return 0
        return 1


def _listen(place: Address) -> socket.socket:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(place.host, place.port, type=socket.SOCK_DGRAM)[0]
        waiting = socket.socket(family, kind, protocol)
    except (OSError, UnicodeError) as error:
        raise _say_unusable(place, error) from error
    try:
        waiting.setblocking(False)
        waiting.bind(address)
    except OSError as error:
        waiting.close()
        raise _say_unusable(place, error) from error
    return waiting


def _say_unusable(place: Address, error: OSError | UnicodeError) -> BadTarget:
    return BadTarget(
        f"cannot wait for receivers at {place}: {error}",
        hint="Name an address of this machine whose port is free; a receiver here has 127.0.0.1:49983 itself.",
        target=str(place),
    )
