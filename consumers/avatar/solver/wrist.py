"""The wrist between a forearm and a palm: its twist shared with the forearm, its swing within what a wrist can do.

The left hand's: the forearm points along −x at rest; the right side comes in mirrored.
"""

from typing import Final

import numpy as np

from consumers.avatar.humanoid.rotations import Angles, Quaternions, from_rotation_vector, invert, multiply, smoothstep
from consumers.avatar.solver.limbs import fold

FOREARM_SHARE: Final = 0.5
"""How much of the wrist's twist the forearm takes, as radius and ulna do."""

_MOST_FLEXION_RAD: Final = np.radians(90.0)
_MOST_DEVIATION_RAD: Final = np.radians(45.0)
"""Flexion reaches 80°, extension 70°, deviation 20° to the thumb and 30° to the little finger (American Academy of
Orthopaedic Surgeons, Joint Motion, 1965); what is more here is for forearms, whose depth is known less well."""

_FAR_FROM_OPPOSITE: Final = 0.25
"""Squared cosine of half a swing of 120°, which no wrist makes: the nearer a palm comes to pointing back up the
forearm, the less it says of how it got there."""


def share_wrist_twist(forearm: Quaternions, palm: Quaternions) -> tuple[Quaternions, Quaternions]:
    """The twist the forearm takes over about itself, and the hand's local rotation on the forearm so twisted.

    `forearm` and `palm` are float64[..., 4] in one space. The rotation between them is a twist about the forearm, and
    then a swing. A twist no wrist can reach is brought back (`fold`), and so is all of a palm that points back up the
    forearm, so that a wrist never spins: the answer follows the palm without a jump, and remembers nothing.
    """
    local = multiply(invert(forearm), palm)
    x, y, z, w = (local[..., axis] for axis in range(4))
    upright = x * x + w * w
    known = smoothstep(upright, 0.0, _FAR_FROM_OPPOSITE)
    twist = 2.0 * np.arctan2(np.copysign(x, x * w), np.abs(w))
    reached = fold(twist) * known
    taken, kept = _about_x(FOREARM_SHARE * reached), _about_x((1.0 - FOREARM_SHARE) * reached)
    # What is left without the twist, as the wrist sees it: its axes turn with the forearm's bones.
    length = np.sqrt(upright)
    divisor = np.where(length > 0.0, length, 1.0)
    sine, cosine = x / divisor, w / divisor
    sideways, upwards = y * cosine + z * sine, z * cosine - y * sine
    half_swing = np.arctan2(np.sqrt(sideways * sideways + upwards * upwards), length)
    scale = 2.0 * known / np.sinc(half_swing / np.pi)
    deviation = np.clip(scale * sideways, -_MOST_DEVIATION_RAD, _MOST_DEVIATION_RAD)
    flexion = np.clip(scale * upwards, -_MOST_FLEXION_RAD, _MOST_FLEXION_RAD)
    # Back among the axes of the forearm as it came, so that the hand points the same way though its twist is brought
    # back.
    cosine, sine = cosine * cosine - sine * sine, 2.0 * sine * cosine
    across = (np.zeros_like(scale), deviation * cosine - flexion * sine, deviation * sine + flexion * cosine)
    swing = from_rotation_vector(np.stack(across, axis=-1))
    return taken, multiply(multiply(invert(taken), swing), multiply(taken, kept))


def _about_x(angle_rad: Angles) -> Quaternions:
    nothing = np.zeros_like(angle_rad)
    return np.stack((np.sin(0.5 * angle_rad), nothing, nothing, np.cos(0.5 * angle_rad)), axis=-1)
