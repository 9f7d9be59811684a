"""The numbers that packets are filled with: all rows of states, made once for all targets."""

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from consumers.avatar.face.arkit import Blendshape
from consumers.avatar.face.vrm import Vrm0Expression, Vrm1Expression, to_vrm0, to_vrm1
from consumers.avatar.outputs.newest import OfNewestStates
from consumers.avatar.outputs.vmc.profiles import Names
from consumers.avatar.states import AvatarStates

Rows = NDArray[np.float32]

_VRM0_SENT: Final = ("A", "I", "U", "E", "O", "BLINK_L", "BLINK_R", "JOY", "ANGRY", "SORROW", "FUN")
_VRM1_SENT: Final = (
    *("AA", "IH", "OU", "EE", "OH", "BLINK_LEFT", "BLINK_RIGHT", "HAPPY", "ANGRY", "SAD", "RELAXED", "SURPRISED"),
)
_LOOKS: Final = ("LOOK_UP", "LOOK_DOWN", "LOOK_LEFT", "LOOK_RIGHT")


def choose_expressions(names: Names, with_looks: bool) -> tuple[Sequence[str], NDArray[np.intp]]:
    """What is sent of a set: names on the wire, and columns of its rows.

    Of the VRM presets those that the VMC specification lists, and VRM 1's Surprised: Blink would close an eye twice,
    Neutral says nothing. `with_looks` adds the gaze to a VRM set; ARKit's set has shapes for it anyway.
    """
    looks = _LOOKS if with_looks else ()
    match names:
        case Names.VRM0:
            of_vrm0 = [Vrm0Expression[name] for name in _VRM0_SENT + looks]
            return [chosen.wire_name for chosen in of_vrm0], np.array(of_vrm0, dtype=np.intp)
        case Names.VRM1:
            of_vrm1 = [Vrm1Expression[name] for name in _VRM1_SENT + looks]
            return [chosen.wire_name for chosen in of_vrm1], np.array(of_vrm1, dtype=np.intp)
        case Names.ARKIT:
            return [shape.arkit_name for shape in Blendshape], np.arange(len(Blendshape), dtype=np.intp)
        case Names.ARKIT_PASCAL:
            return [shape.pascal_name for shape in Blendshape], np.arange(len(Blendshape), dtype=np.intp)


def _as_sent(values: NDArray[np.float64]) -> Rows:
    """As packets have them: float32, big-endian."""
    sent: Rows = values.astype(">f4")
    return sent


def _read_rotations(states: AvatarStates) -> Rows:
    return _as_sent(states.rotations.reshape(len(states), -1))


def _read_shapes(states: AvatarStates) -> Rows:
    return _as_sent(states.shapes)


def _read_known(states: AvatarStates) -> list[bytes]:
    flags = np.concatenate((states.bones_known, states.shapes_known), axis=1)
    return [row.tobytes() for row in np.packbits(flags, axis=1)]


ROTATIONS: Final = OfNewestStates(_read_rotations)
"""float32[M, 220]: the four numbers of each bone's rotation."""

KNOWN: Final = OfNewestStates(_read_known)
"""What of each row is known, as a key: rows with the same key have the same messages."""

_SHAPES: Final = OfNewestStates(_read_shapes)
_TABLES: Final[dict[Names, OfNewestStates[Rows]]] = {
    Names.VRM0: OfNewestStates(lambda states: _as_sent(to_vrm0(states.shapes))),
    Names.VRM1: OfNewestStates(lambda states: _as_sent(to_vrm1(states.shapes))),
    Names.ARKIT: _SHAPES,
    Names.ARKIT_PASCAL: _SHAPES,
}


def read_expressions(names: Names) -> Callable[[AvatarStates], Rows]:
    """Reads float32[M, K] of states: every expression of a set."""
    return _TABLES[names].of
