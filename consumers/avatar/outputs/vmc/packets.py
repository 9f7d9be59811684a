"""VMC packets: the state of an avatar as OSC 1.0 bundles (VMC protocol specification 3.1, Marionette messages).

What is sent of a set of bones never changes but for its numbers, so the packets of a set are laid out once, as one
buffer with a slot for each number; writing a state is then a few numpy assignments, whatever the number of bones.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np

from consumers.avatar.face.expressions import Blendshape
from consumers.avatar.humanoid.skeleton import REST_OFFSETS_M, Bone
from consumers.avatar.outputs.vmc.osc import OscLayout
from consumers.avatar.smoothing.motion import AvatarState

_LOADED: Final = 1
_CALIBRATED: Final = 3
_NORMAL_MODE: Final = 0
_IDENTITY: Final = (0.0, 0.0, 0.0, 1.0)


class StatePackets:
    """The packets of one set of bones and shapes: available (OK), time (T), root, bones, shapes, in that order."""

    def __init__(self, bones: Sequence[Bone], shapes: Sequence[Blendshape]) -> None:
        layout = OscLayout()
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
        self._buffer = layout.finish()

    def write(self, state: AvatarState, elapsed_s: float) -> list[bytes]:
        """The state as datagrams of at most 1,472 bytes; `elapsed_s` is the sender's own running time."""
        self._buffer.ints[self._tracked_slot] = state.tracked
        self._buffer.floats[self._time_slot] = elapsed_s
        self._buffer.floats[self._rotation_slots] = state.rotations[self._bones]
        self._buffer.floats[self._shape_slots] = state.shapes[self._shapes]
        return [bytes(datagram) for datagram in self._buffer.datagrams]


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
