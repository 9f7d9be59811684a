"""What joints can do: each bone's rotation kept within the range of its joint, by swing and twist.

A rotation is seen from the middle of its joint's range. There it is a twist about the bone and then a swing across it,
the swing as a rotation vector with one part for each of the other two axes (Grassia, Practical Parameterization of
Rotations Using the Exponential Map, 1998). The parts of a swing are limited together, inside a rounded rectangle. What
is beyond the limit is led back to it; what is far beyond, back to the middle: half a turn from there either way round
is the same, so that nothing jumps there.

Ranges: American Academy of Orthopaedic Surgeons, Joint Motion: Method of Measuring and Recording (1965), the normal
ranges of most textbooks: of the spine each bone takes a third, of the neck each of the two up to three quarters; of the
clavicle, Inman, Saunders and Abbott (1944); fingers after Norkin and White, Measurement of Joint Motion (2016). Axes
are those of the rig in T-pose: x to the right, y up, z forward. Some degrees are added for what landmarks are out by.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from consumers.avatar.humanoid.rotations import (
    Angles,
    Quaternions,
    dot,
    from_rotation_vector,
    invert,
    mirror,
    multiply,
    smoothstep,
)
from consumers.avatar.humanoid.skeleton import Bone

TOLERANCE_DEG: Final = 8.0
"""Added at each end of every range."""

Range = tuple[float, float]

_RANGES_DEG: Final[dict[Bone, tuple[str, Range, Range, Range]]] = {
    # The twist axis, then degrees about x, y, z: of the middle and of the left side; the right side mirrors them.
    Bone.SPINE: ("y", (-10, 30), (-15, 15), (-15, 15)),
    Bone.CHEST: ("y", (-10, 30), (-15, 15), (-15, 15)),
    Bone.UPPER_CHEST: ("y", (-10, 30), (-15, 15), (-15, 15)),
    Bone.NECK: ("y", (-35, 35), (-45, 45), (-30, 30)),
    Bone.HEAD: ("y", (-35, 35), (-50, 50), (-30, 30)),
    Bone.LEFT_EYE: ("z", (-35, 35), (-50, 50), (-10, 10)),
    Bone.JAW: ("x", (-10, 40), (-10, 10), (-5, 5)),
    Bone.LEFT_SHOULDER: ("x", (-25, 25), (-15, 30), (-40, 15)),
    # From level: down to the side and across the body, up by what the girdle leaves of 180°; 45° back, 135° forward.
    # Turned by 70° and 90°, and by what swings in two planes add to that (Codman's paradox).
    Bone.LEFT_UPPER_ARM: ("x", (-125, 125), (-55, 135), (-90, 110)),
    # Bent by 150°; turned by 80° each way, of which half is the hand's.
    Bone.LEFT_LOWER_ARM: ("x", (-80, 80), (-5, 150), (-15, 15)),
    # What the wrist's own rules (solver.wrist) leave, whose axes turn with the forearm's bones.
    Bone.LEFT_HAND: ("x", (-90, 90), (-95, 95), (-95, 95)),
    # The hips bend by 120°; who squats bent over adds to that what the loins give, which these hips carry.
    Bone.LEFT_UPPER_LEG: ("y", (-150, 30), (-45, 45), (-45, 30)),
    Bone.LEFT_LOWER_LEG: ("y", (-5, 150), (-15, 15), (-15, 15)),
    Bone.LEFT_FOOT: ("z", (-25, 55), (-30, 30), (-35, 20)),
    Bone.LEFT_TOES: ("z", (-70, 40), (-10, 10), (-10, 10)),
    Bone.LEFT_THUMB_PROXIMAL: ("x", (-60, 60), (-70, 70), (-70, 70)),
    Bone.LEFT_THUMB_INTERMEDIATE: ("x", (-50, 50), (-75, 75), (-75, 75)),
    Bone.LEFT_THUMB_DISTAL: ("x", (-60, 60), (-90, 90), (-90, 90)),
}
for _finger in ("INDEX", "MIDDLE", "RING", "LITTLE"):
    _RANGES_DEG[Bone[f"LEFT_{_finger}_PROXIMAL"]] = ("x", (-30, 30), (-30, 30), (-45, 100))
    _RANGES_DEG[Bone[f"LEFT_{_finger}_INTERMEDIATE"]] = ("x", (-10, 10), (-10, 10), (-15, 110))
    _RANGES_DEG[Bone[f"LEFT_{_finger}_DISTAL"]] = ("x", (-10, 10), (-10, 10), (-15, 90))

_ROUNDNESS: Final = 4
"""The exponent of the rounded rectangle: corners reach 84 % of both ranges."""
_HELD: Final = 0.2
"""The part of the way from the limit to half a turn on which a rotation is held at the limit."""
_SHORTEST: Final = 1e-12


def _tabulate() -> tuple[NDArray[np.intp], Quaternions, NDArray[np.intp], Angles]:
    """Of each limited bone: its row, the middle of its range, the axes of its twist and its swing, half its ranges."""
    rows, middles, axes, halves = [], [], [], []
    for left, (twist, *ranges) in _RANGES_DEG.items():
        order = ["xyz".index(twist), *(axis for axis in range(3) if "xyz"[axis] != twist)]
        middle = from_rotation_vector(np.radians([sum(ends) / 2 for ends in ranges]))
        half = np.radians([(ends[1] - ends[0]) / 2 + TOLERANCE_DEG for ends in ranges])[order]
        for bone in {left, Bone[left.name.replace("LEFT_", "RIGHT_")]}:
            rows.append(bone)
            middles.append(middle if bone is left else mirror(middle))
            axes.append([*order, 3])
            halves.append(half)
    return np.array(rows, dtype=np.intp), np.array(middles), np.array(axes), np.array(halves)


_ROWS, _MIDDLES, _AXES, _HALVES = _tabulate()
_FROM_MIDDLES: Final = invert(_MIDDLES)
_BACK: Final = np.argsort(_AXES, axis=1)
_HANDEDNESS: Final = np.where((_AXES[:, 1] - _AXES[:, 0]) % 3 == 1, 1.0, -1.0)
"""−1 where twist and swing axes in their order make a left-handed system of the three."""


def limit_rotations(rotations: Quaternions) -> Quaternions:
    """float64[N, 55, 4]: local rotations within the joints' ranges; those that are within them already are unchanged.

    NaN passes through, and the hips are free.
    """
    from_middle = multiply(_FROM_MIDDLES, rotations[:, _ROWS])
    parts = np.take_along_axis(from_middle, np.broadcast_to(_AXES, from_middle.shape), axis=-1)
    twist, swing, angle = _take_apart(parts, _HANDEDNESS)
    swing_size = _measure_size(swing, _HALVES)
    beyond = (np.abs(twist) > _HALVES[:, 0]) | (swing_size > 1.0)
    if not beyond.any():
        return rotations
    frame, bone = np.nonzero(beyond)
    halves = _HALVES[bone]
    kept, near = _lead_back(swing_size[beyond], swing_size[beyond] * np.pi / np.maximum(angle[beyond], _SHORTEST))
    turned, _ = _lead_back(np.abs(twist[beyond]) / halves[:, 0], np.pi / halves[:, 0])
    limited = _put_together(
        np.copysign(turned * halves[:, 0], twist[beyond]) * near,
        swing[beyond] * (kept / np.maximum(swing_size[beyond], _SHORTEST))[:, None],
        _HANDEDNESS[bone],
    )
    result = rotations.copy()
    in_place = multiply(_MIDDLES[bone], np.take_along_axis(limited, _BACK[bone], axis=-1))
    upright = np.copysign(1.0, dot(in_place, rotations[frame, _ROWS[bone]]))
    result[frame, _ROWS[bone]] = in_place * upright[:, None]
    return result


def _take_apart(parts: Quaternions, handedness: Angles) -> tuple[Angles, Angles, Angles]:
    """Twist float64[...] (−π…π), and the swing after it as a vector float64[..., 2] and as its angle float64[...], from
    quaternions whose first axis is the twist's."""
    upright = parts * np.copysign(1.0, parts[..., 3:])
    along, first, second, w = (upright[..., column] for column in range(4))
    norm = np.sqrt(along * along + w * w)
    sure = np.where(norm > _SHORTEST, norm, 1.0)
    cosine, sine = np.where(norm > _SHORTEST, w / sure, 1.0), handedness * along / sure
    across = np.stack((first * cosine - second * sine, second * cosine + first * sine), axis=-1)
    length = np.sqrt((across * across).sum(axis=-1))
    angle = 2.0 * np.arctan2(length, norm)
    scale = np.where(length > _SHORTEST, angle / np.maximum(length, _SHORTEST), 2.0)
    return 2.0 * np.arctan2(along, w), across * scale[..., None], angle


def _put_together(twist: Angles, swing: Angles, handedness: Angles) -> Quaternions:
    """The opposite of `_take_apart`."""
    angle = np.sqrt((swing * swing).sum(axis=-1))
    scale = np.where(angle > _SHORTEST, np.sin(0.5 * angle) / np.maximum(angle, _SHORTEST), 0.5)
    first, second = swing[..., 0] * scale, swing[..., 1] * scale
    cosine, sine, upright = np.cos(0.5 * twist), np.sin(0.5 * twist), np.cos(0.5 * angle)
    turned = handedness * sine
    return np.stack(
        (upright * sine, first * cosine + second * turned, second * cosine - first * turned, upright * cosine), axis=-1
    )


def _measure_size(swing: Angles, halves: Angles) -> Angles:
    """1 at the limit."""
    shares = swing / halves[..., 1:]
    size: Angles = (shares**_ROUNDNESS).sum(axis=-1) ** (1.0 / _ROUNDNESS)
    return size


def _lead_back(size: Angles, most: Angles) -> tuple[Angles, Angles]:
    """A size cut to 1, and led back to 0 on the rest of the way from there to `most`, at half a turn; and how
    much is left of it then, 1 to 0."""
    way = np.clip((size - 1.0) / np.maximum(most - 1.0, _SHORTEST), 0.0, 1.0)
    left = 1.0 - smoothstep(way, _HELD, 1.0)
    return np.minimum(size, 1.0) * left, left
