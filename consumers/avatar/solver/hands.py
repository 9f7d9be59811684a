"""Hands and fingers from the 21 points of each hand.

The palm gives the hand's basis: towards the middle knuckle, and across from the little to the index knuckle. Fingers
are a joint that curls and spreads, then two hinges; the thumb turns freely. Everything here is the left hand's: at rest
the fingers point along −x, the palm looks down, the thumb points half forward; the right hand comes in mirrored.
"""

from typing import Final

import numpy as np

from consumers.avatar.humanoid.rotations import (
    Angles,
    Quaternions,
    Vectors,
    about_axis,
    cross,
    dot,
    from_basis,
    invert,
    limit_angle,
    multiply,
    normalise,
    rotate,
    shortest_arc,
    smoothstep,
    twist_about,
)
from consumers.avatar.solver.limbs import fold
from keypoints.landmarks import HandLandmark as Hand

FOREARM_SHARE: Final = 0.5
"""How much of the wrist's twist the forearm takes, as radius and ulna do."""

_X: Final[Vectors] = np.array([1.0, 0.0, 0.0])
_Y: Final[Vectors] = np.array([0.0, 1.0, 0.0])
_Z: Final[Vectors] = np.array([0.0, 0.0, 1.0])
_THUMB_REST: Final[Vectors] = normalise(np.array([-1.0, 0.0, 1.0]))
_CHAINS: Final = np.array(
    [
        (Hand.THUMB_CMC, Hand.THUMB_MCP, Hand.THUMB_IP, Hand.THUMB_TIP),
        (Hand.INDEX_FINGER_MCP, Hand.INDEX_FINGER_PIP, Hand.INDEX_FINGER_DIP, Hand.INDEX_FINGER_TIP),
        (Hand.MIDDLE_FINGER_MCP, Hand.MIDDLE_FINGER_PIP, Hand.MIDDLE_FINGER_DIP, Hand.MIDDLE_FINGER_TIP),
        (Hand.RING_FINGER_MCP, Hand.RING_FINGER_PIP, Hand.RING_FINGER_DIP, Hand.RING_FINGER_TIP),
        (Hand.PINKY_MCP, Hand.PINKY_PIP, Hand.PINKY_DIP, Hand.PINKY_TIP),
    ]
)
_LEAST_CURL_RAD: Final = np.radians(-30.0)
_MOST_CURL_RAD: Final = np.radians(110.0)
_MOST_SPREAD_RAD: Final = np.radians(30.0)
_MOST_BEND_RAD: Final = np.radians(115.0)
_MOST_THUMB_TURN_RAD: Final = np.radians(80.0)


def solve_palm(hand: Vectors) -> Quaternions:
    """float64[..., 4]: the hand's rotation in the space of its points float64[..., 21, 3]."""
    towards_fingers = hand[..., Hand.MIDDLE_FINGER_MCP, :] - hand[..., Hand.WRIST, :]
    towards_thumb = hand[..., Hand.INDEX_FINGER_MCP, :] - hand[..., Hand.PINKY_MCP, :]
    x = normalise(-towards_fingers)
    y = normalise(cross(towards_thumb, x))
    return from_basis(x, y, cross(x, y))


def share_wrist_twist(forearm: Quaternions, palm: Quaternions) -> tuple[Quaternions, Quaternions]:
    """The twist the forearm takes over about itself, and the hand's local rotation on the forearm so twisted.

    `forearm` and `palm` are in one space. A twist no wrist can reach is brought back (`fold`), so that a wrist never
    spins through half a turn between two frames.
    """
    local = multiply(invert(forearm), palm)
    measured = twist_about(local, _X)
    reached = fold(measured)
    swing = multiply(local, about_axis(_X, -measured))
    taken = about_axis(_X, FOREARM_SHARE * reached)
    return taken, multiply(multiply(invert(taken), swing), about_axis(_X, reached))


def solve_fingers(hand: Vectors, palm: Quaternions) -> Quaternions:
    """float64[..., 15, 4]: local rotations, thumb to little finger, three segments each."""
    joints = hand[..., _CHAINS, :]
    segments = normalise(joints[..., 1:, :] - joints[..., :-1, :])
    in_palm = rotate(invert(palm)[..., None, None, :], segments)
    thumb = _solve_thumb(in_palm[..., 0, :, :])
    fingers = _solve_four_fingers(in_palm[..., 1:, :, :])
    together = np.concatenate((thumb[..., None, :, :], fingers), axis=-3)
    return together.reshape(*together.shape[:-3], 15, 4)


def _solve_thumb(segments: Vectors) -> Quaternions:
    """Three turns of the smallest angle, each in the space the one before made."""
    turned = shortest_arc(_THUMB_REST, segments[..., 0, :])
    first = limit_angle(turned, _MOST_THUMB_TURN_RAD)
    second = shortest_arc(_THUMB_REST, rotate(invert(turned), segments[..., 1, :]))
    turned = multiply(turned, second)
    third = shortest_arc(_THUMB_REST, rotate(invert(turned), segments[..., 2, :]))
    return np.stack(
        (first, limit_angle(second, _MOST_THUMB_TURN_RAD), limit_angle(third, _MOST_THUMB_TURN_RAD)), axis=-2
    )


def _solve_four_fingers(segments: Vectors) -> Quaternions:
    """Knuckle: spread about y, then curl about z; the two outer joints bend as far as their segments stand apart."""
    knuckle = segments[..., 0, :]
    spread = _measure_spread(knuckle)
    forward = -knuckle[..., 0] * np.cos(spread) + knuckle[..., 2] * np.sin(spread)
    curl = np.clip(np.arctan2(-knuckle[..., 1], forward), _LEAST_CURL_RAD, _MOST_CURL_RAD)
    first = multiply(about_axis(_Y, spread), about_axis(_Z, curl))
    bends = np.arccos(np.clip(dot(segments[..., 1:, :], segments[..., :-1, :]), -1.0, 1.0))
    outer = about_axis(_Z, np.minimum(bends, _MOST_BEND_RAD))
    return np.concatenate((first[..., None, :], outer), axis=-2)


def _measure_spread(knuckle: Vectors) -> Angles:
    """The angle to the side, which a finger curled towards the palm no longer shows."""
    forward = -knuckle[..., 0]
    angle = np.arctan2(knuckle[..., 2], np.maximum(forward, 0.1))
    limited: Angles = np.clip(angle, -_MOST_SPREAD_RAD, _MOST_SPREAD_RAD)
    return limited * smoothstep(forward, 0.15, 0.5)
