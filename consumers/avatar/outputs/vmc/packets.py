"""VMC packets: the state of an avatar as OSC 1.0 bundles (VMC protocol specification 3.1, Marionette messages).

What is sent of a set of bones never changes but for its numbers, so the packets of a set are laid out once, as one
buffer with a slot for each number; writing a state is then a few numpy assignments, whatever the number of bones.
"""

import struct
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from consumers.avatar.face.expressions import Blendshape
from consumers.avatar.humanoid.skeleton import REST_OFFSETS_M, Bone
from consumers.avatar.smoothing.motion import AvatarState

MARIONETTE_PORT: Final = 39539
"""Where receivers listen unless told otherwise."""

LARGEST_DATAGRAM: Final = 1472
"""Bytes: an Ethernet frame's 1,500 without the IP and UDP headers, so that no datagram is split on its way."""

_BUNDLE_HEAD: Final = b"#bundle\x00" + struct.pack(">Q", 1)
_LOADED: Final = 1
_CALIBRATED: Final = 3
_NORMAL_MODE: Final = 0
_IDENTITY: Final = (0.0, 0.0, 0.0, 1.0)


class StatePackets:
    """The packets of one set of bones and shapes: available (OK), time (T), root, bones, shapes, in that order."""

    def __init__(self, bones: Sequence[Bone], shapes: Sequence[Blendshape]) -> None:
        layout = _Layout()
        self._tracked_slot = layout.add("/VMC/Ext/OK", ",iiii", _LOADED, _CALIBRATED, _NORMAL_MODE, 0) + 3
        self._time_slot = layout.add("/VMC/Ext/T", ",f", 0.0)
        layout.add("/VMC/Ext/Root/Pos", ",sfffffff", "root", 0.0, 0.0, 0.0, *_IDENTITY)
        first = [
            layout.add("/VMC/Ext/Bone/Pos", ",sfffffff", bone.unity_name, *REST_OFFSETS_M[bone].tolist(), *_IDENTITY)
            for bone in bones
        ]
        self._rotation_slots = np.array(first, dtype=np.intp)[:, None] + np.arange(3, 7)
        slots = [layout.add("/VMC/Ext/Blend/Val", ",sf", shape.vrm0_name, 0.0) for shape in shapes]
        self._shape_slots = np.array(slots, dtype=np.intp)
        if shapes:
            layout.add("/VMC/Ext/Blend/Apply", ",")
        self._bones, self._shapes = np.array(bones, dtype=np.intp), np.array(shapes, dtype=np.intp)
        self._buffer, self._bounds = layout.finish()
        self._floats: NDArray[np.float32] = np.frombuffer(self._buffer, dtype=">f4")
        self._ints: NDArray[np.int32] = np.frombuffer(self._buffer, dtype=">i4")

    def write(self, state: AvatarState, elapsed_s: float) -> list[bytes]:
        """The state as datagrams of at most LARGEST_DATAGRAM bytes; `elapsed_s` is the sender's own running time."""
        self._ints[self._tracked_slot] = state.tracked
        self._floats[self._time_slot] = elapsed_s
        self._floats[self._rotation_slots] = state.rotations[self._bones]
        self._floats[self._shape_slots] = state.shapes[self._shapes]
        return [bytes(self._buffer[start:end]) for start, end in self._bounds]


class PacketWriter:
    """Writes states whatever bones they know, and keeps the layout of the set written last."""

    def __init__(self) -> None:
        self._known: bytes | None = None
        self._packets = StatePackets((), ())

    def write(self, state: AvatarState, elapsed_s: float) -> list[bytes]:
        """As StatePackets does, of the bones and shapes that are known."""
        known = state.bones_known.tobytes() + state.shapes_known.tobytes()
        if known != self._known:
            self._packets = StatePackets(
                [bone for bone in Bone if state.bones_known[bone]],
                [shape for shape in Blendshape if state.shapes_known[shape]],
            )
            self._known = known
        return self._packets.write(state, elapsed_s)


class _Layout:
    """Messages one after the other, a new bundle begun whenever the next would not fit."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._starts: list[int] = []

    def add(self, address: str, tags: str, *arguments: str | float) -> int:
        """Append a message. Returns the slot (offset in the buffer in units of 4 bytes) of its first number."""
        text = b"".join(_pad(part) for part in (address, tags, *(a for a in arguments if isinstance(a, str))))
        numbers = [argument for argument in arguments if not isinstance(argument, str)]
        codes = tags.lstrip(",s")
        message = text + struct.pack(f">{codes}", *numbers)
        if not self._starts or len(self._buffer) - self._starts[-1] + 4 + len(message) > LARGEST_DATAGRAM:
            self._starts.append(len(self._buffer))
            self._buffer += _BUNDLE_HEAD
        self._buffer += struct.pack(">i", len(message)) + message
        return (len(self._buffer) - 4 * len(numbers)) // 4

    def finish(self) -> tuple[bytearray, list[tuple[int, int]]]:
        """The buffer, and where each datagram starts and ends in it."""
        return self._buffer, list(zip(self._starts, [*self._starts[1:], len(self._buffer)], strict=True))


def _pad(text: str) -> bytes:
    """An OSC string: ASCII, ended by one to four zero bytes so that its length is a multiple of four."""
    encoded = text.encode("ascii")
    return encoded + b"\x00" * (4 - len(encoded) % 4)
