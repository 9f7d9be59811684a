"""What has been received so far: rates, the newest bones and shapes, and what was wrong."""

from collections import Counter, deque
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from consumers.avatar.monitor.ifacialmocap import NotIfacialmocap, read_face
from consumers.avatar.monitor.osc import Malformed, OscMessage, read_packet
from consumers.avatar.monitor.problems import find_problem, is_readable
from consumers.avatar.outputs.vmc.osc import LARGEST_DATAGRAM

_WINDOW_S: Final = 1.0
_SLICE_S: Final = 0.1
_MOST_NAMES: Final = 256
_MOST_PROBLEMS: Final = 50
_OTHERS: Final = "other problems"
_DEVICES: Final = {f"/VMC/Ext/{kind}/Pos": kind for kind in ("Hmd", "Con", "Tra")}


class Packet(NamedTuple):
    """A datagram received: when (seconds on any steady clock), to which port, from whom, and its bytes."""

    at_s: float
    port: int
    sender: Hashable
    data: bytes


class BoneSeen(NamedTuple):
    """A bone's or device's newest pose, and when it last came and last changed."""

    place_m: tuple[float, ...]
    rotation: tuple[float, ...]
    at_s: float
    changed_at_s: float


class ShapeSeen(NamedTuple):
    """A shape's newest value, and when it last came and last changed."""

    value: float
    at_s: float
    changed_at_s: float


@dataclass(slots=True)
class _Tally:
    """What came within a tenth of a second."""

    began_s: float
    datagrams: int = 0
    bytes: int = 0
    states: int = 0


@dataclass(frozen=True, slots=True)
class Rates:
    """What came in a second, over the last one."""

    datagrams: float
    bytes: float
    states: float


@dataclass(slots=True)
class Seen:
    """Takes packets one by one, and remembers what they said.

    Poses are by name (`Hips`; devices as `Hmd Head`), turns of a face's text as `face head`, in degrees.
    """

    datagrams: int = 0
    bytes: int = 0
    states: int = 0
    last_at_s: float | None = None
    sender_time_s: float | None = None
    ok: tuple[int, ...] | None = None
    bones: dict[str, BoneSeen] = field(default_factory=dict)
    devices: dict[str, BoneSeen] = field(default_factory=dict)
    turns_deg: dict[str, tuple[float, ...]] = field(default_factory=dict)
    shapes: dict[str, ShapeSeen] = field(default_factory=dict)
    problems: Counter[str] = field(default_factory=Counter)
    senders: dict[tuple[int, Hashable], float] = field(default_factory=dict)
    _tallies: deque[_Tally] = field(default_factory=deque)

    def receive(self, packet: Packet) -> None:
        """Take a datagram; times never go back."""
        tally = self._tally_at(packet.at_s)
        self.datagrams, self.bytes, self.last_at_s = self.datagrams + 1, self.bytes + len(packet.data), packet.at_s
        tally.datagrams, tally.bytes = tally.datagrams + 1, tally.bytes + len(packet.data)
        self._note_sender(packet)
        if len(packet.data) > LARGEST_DATAGRAM:
            self._note_problem(f"a datagram larger than {LARGEST_DATAGRAM} bytes is split on its way")
        try:
            if packet.data[:1] in (b"/", b"#"):
                for message in read_packet(packet.data):
                    self._read_message(message, packet.at_s, tally)
            else:
                self._read_face(packet, tally)
        except (Malformed, NotIfacialmocap) as wrong:
            self._note_problem(str(wrong))

    def rates_at(self, now_s: float) -> Rates:
        """What came within the last second."""
        recent = [tally for tally in self._tallies if now_s - tally.began_s <= _WINDOW_S]
        return Rates(
            datagrams=sum(tally.datagrams for tally in recent) / _WINDOW_S,
            bytes=sum(tally.bytes for tally in recent) / _WINDOW_S,
            states=sum(tally.states for tally in recent) / _WINDOW_S,
        )

    def _tally_at(self, at_s: float) -> _Tally:
        if not self._tallies or at_s - self._tallies[-1].began_s >= _SLICE_S:
            self._tallies.append(_Tally(at_s))
            while at_s - self._tallies[0].began_s > 2 * _WINDOW_S:
                self._tallies.popleft()
        return self._tallies[-1]

    def _note_sender(self, packet: Packet) -> None:
        key = (packet.port, packet.sender)
        if key not in self.senders and len(self.senders) < _MOST_NAMES:
            others = [at_s for (port, _), at_s in self.senders.items() if port == packet.port]
            if any(packet.at_s - at_s < _WINDOW_S for at_s in others):
                self._note_problem(f"two senders at once to port {packet.port}")
        if key in self.senders or len(self.senders) < _MOST_NAMES:
            self.senders[key] = packet.at_s

    def _note_problem(self, problem: str) -> None:
        self.problems[problem if problem in self.problems or len(self.problems) < _MOST_PROBLEMS else _OTHERS] += 1

    def _read_message(self, message: OscMessage, at_s: float, tally: _Tally) -> None:
        problem = find_problem(message)
        if problem is not None:
            self._note_problem(problem)
        if not is_readable(message):
            return
        match message.address, message.arguments:
            case "/VMC/Ext/OK", arguments:
                self.ok = tuple(value for value in arguments if isinstance(value, int))
            case "/VMC/Ext/T", (float(time_s),):
                self.sender_time_s = time_s
                self.states, tally.states = self.states + 1, tally.states + 1
            case "/VMC/Ext/Blend/Val", (str(name), float(value)):
                self._note_shape(name, value, at_s)
            case "/VMC/Ext/Bone/Pos", (str(name), *numbers) if len(numbers) == 7:
                _note_pose(self.bones, name, numbers, at_s)
            case address, (str(name), *numbers) if address in _DEVICES and len(numbers) == 7:
                _note_pose(self.devices, f"{_DEVICES[address]} {name}", numbers, at_s)

    def _read_face(self, packet: Packet, tally: _Tally) -> None:
        face = read_face(packet.data)
        self.states, tally.states = self.states + 1, tally.states + 1
        for name, value in face.shapes.items():
            self._note_shape(name, value, packet.at_s)
        if len(self.turns_deg) + len(face.turns) <= _MOST_NAMES:
            self.turns_deg.update(face.turns)

    def _note_shape(self, name: str, value: float, at_s: float) -> None:
        before = self.shapes.get(name)
        if before is not None or len(self.shapes) < _MOST_NAMES:
            unchanged = before is not None and before.value == value
            self.shapes[name] = ShapeSeen(value, at_s, before.changed_at_s if before and unchanged else at_s)


def _note_pose(poses: dict[str, BoneSeen], name: str, numbers: Sequence[object], at_s: float) -> None:
    if any(not isinstance(number, float) for number in numbers):
        return
    values = tuple(number for number in numbers if isinstance(number, float))
    before = poses.get(name)
    if before is not None or len(poses) < _MOST_NAMES:
        unchanged = before is not None and before[:2] == (values[:3], values[3:])
        poses[name] = BoneSeen(values[:3], values[3:], at_s, before.changed_at_s if before and unchanged else at_s)
