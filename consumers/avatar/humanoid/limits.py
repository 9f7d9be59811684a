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
    clamp,
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

_HELD: Final = 0.2
"""The part of the way from the limit to half a turn on which a rotation is held at the limit."""
_SHORTEST: Final = 1e-12
_ARC_EXCESS: Final = 0.5 * np.pi - 1.0
"""An angle is at most as much longer than its sine as 1 + this · sine², which joins both ends of that convex curve."""


def _tabulate() -> tuple[NDArray[np.intp], NDArray[np.float64], Angles]:
    """Of each limited bone: its row; the matrix float64[4, 4] that turns a rotation into one from the middle of the
    range, with the axis of the twist, those of the swing, and w; and half its ranges in that order."""
    rows, matrices, halves = [], [], []
    for left, (twist, *ranges) in _RANGES_DEG.items():
        order = ["xyz".index(twist), *(axis for axis in range(3) if "xyz"[axis] != twist)]
        # Three axes in this order are right-handed, or become so with the first one's sign.
        right_handed = np.diag([1.0 if (order[1] - order[0]) % 3 == 1 else -1.0, 1.0, 1.0, 1.0])
        middle = from_rotation_vector(np.radians([sum(ends) / 2 for ends in ranges]))
        half = np.radians([(ends[1] - ends[0]) / 2 + TOLERANCE_DEG for ends in ranges])[order]
        for bone in {left, Bone[left.name.replace("LEFT_", "RIGHT_")]}:
            from_middle = multiply(invert(middle if bone is left else mirror(middle)), np.eye(4)).T
            rows.append(bone)
            matrices.append(right_handed @ from_middle[[*order, 3]])
            halves.append(half)
    return np.array(rows, dtype=np.intp), np.array(matrices), np.array(halves)


_ROWS, _TO_PARTS, _HALVES = _tabulate()
_TO_BONES: Final = _TO_PARTS.transpose(0, 2, 1).copy()
_TWISTS: Final = np.tan(0.5 * _HALVES[:, :1])
_SWINGS: Final = 1.0 / _HALVES[:, 1:, None]


def limit_rotations(rotations: Quaternions) -> Quaternions:
    """float64[N, 55, 4]: local rotations within the joints' ranges; those that are within them already are unchanged.

    NaN passes through, and the hips are free.
    """
    parts = _TO_PARTS @ rotations.take(_ROWS, axis=1).transpose(1, 2, 0)
    bone, frame = np.nonzero(_may_be_beyond(parts))
    if not len(bone):
        return rotations
    halves = _HALVES[bone]
    twist, swing, angle = _take_apart(parts[bone, :, frame])
    swing_size = _measure_size(swing, halves)
    beyond = (np.abs(twist) > halves[:, 0]) | (swing_size > 1.0)
    kept, near = _lead_back(swing_size, swing_size * np.pi / np.maximum(angle, _SHORTEST))
    turned, _ = _lead_back(np.abs(twist) / halves[:, 0], np.pi / halves[:, 0])
    limited = _put_together(
        np.copysign(turned * halves[:, 0], twist) * near, swing * (kept / np.maximum(swing_size, _SHORTEST))[:, None]
    )
    frame, row = frame[beyond], _ROWS[bone[beyond]]
    in_place = np.matvec(_TO_BONES[bone], limited)[beyond]
    result = rotations.copy()
    upright = np.copysign(1.0, dot(in_place, rotations[frame, row]))
    result[frame, row] = in_place * upright[:, None]
    return result


def _may_be_beyond(parts: Quaternions) -> NDArray[np.bool_]:
    """bool[B, N]: rotations float64[B, 4, N] that reach beyond their limits, and few others: as `_take_apart` and
    `_measure_size` have it, but with the tangent of the twist, and the swing's angle by no more than its sine."""
    along, first, second, w = parts[:, 0], parts[:, 1], parts[:, 2], parts[:, 3]
    norm2 = along * along + w * w
    stretch = 2.0 + 2.0 * _ARC_EXCESS * (1.0 - norm2)
    # The swing after the twist, longer by the norm than it is, and shorter by no more than the stretch.
    one, other = (first * w - second * along) * _SWINGS[:, 0], (second * w + first * along) * _SWINGS[:, 1]
    one2, other2, stretch2 = one * one, other * other, stretch * stretch
    swung = (one2 * one2 + other2 * other2) * (stretch2 * stretch2) >= norm2 * norm2
    beyond: NDArray[np.bool_] = swung | (np.abs(along) > _TWISTS * np.abs(w))
    return beyond


def _take_apart(parts: Quaternions) -> tuple[Angles, Angles, Angles]:
    """Twist float64[C] (−π…π), and the swing after it as a vector float64[C, 2] and as its angle float64[C], from
    quaternions float64[C, 4] whose first axis is the twist's."""
    upright = parts * np.copysign(1.0, parts[..., 3:])
    along, first, second, w = (upright[..., column] for column in range(4))
    norm = np.sqrt(along * along + w * w)
    sure = np.where(norm > _SHORTEST, norm, 1.0)
    cosine, sine = np.where(norm > _SHORTEST, w / sure, 1.0), along / sure
    across = np.stack((first * cosine - second * sine, second * cosine + first * sine), axis=-1)
    length = np.sqrt(dot(across, across))
    angle = 2.0 * np.arctan2(length, norm)
    scale = np.where(length > _SHORTEST, angle / np.maximum(length, _SHORTEST), 2.0)
    return 2.0 * np.arctan2(along, w), across * scale[..., None], angle


def _put_together(twist: Angles, swing: Angles) -> Quaternions:
    """The opposite of `_take_apart`."""
    angle = np.sqrt(dot(swing, swing))
    scale = np.where(angle > _SHORTEST, np.sin(0.5 * angle) / np.maximum(angle, _SHORTEST), 0.5)
    first, second = swing[..., 0] * scale, swing[..., 1] * scale
    cosine, sine, upright = np.cos(0.5 * twist), np.sin(0.5 * twist), np.cos(0.5 * angle)
    return np.stack(
        (upright * sine, first * cosine + second * sine, second * cosine - first * sine, upright * cosine), axis=-1
    )


def _measure_size(swing: Angles, halves: Angles) -> Angles:
    """1 at the limit, a rounded rectangle whose corners reach 84 % of both ranges: the fourth root of fourth powers."""
    shares = swing / halves[..., 1:]
    squares = shares * shares
    size: Angles = np.sqrt(np.sqrt(dot(squares, squares)))
    return size


def _lead_back(size: Angles, most: Angles) -> tuple[Angles, Angles]:
    """A size cut to 1, and led back to 0 on the rest of the way from there to `most`, at half a turn; and how
    much is left of it then, 1 to 0."""
    way = clamp((size - 1.0) / np.maximum(most - 1.0, _SHORTEST), 0.0, 1.0)
    left = 1.0 - smoothstep(way, _HELD, 1.0)
    return np.minimum(size, 1.0) * left, left
