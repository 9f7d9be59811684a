"""Hands and fingers from the 21 points of each hand.

The palm is the best fit of a palm at rest to the wrist and the four knuckles. Fingers are a joint that curls and
spreads, then two hinges; the thumb is a saddle, then two hinges. Everything here is the left hand's: at rest the
fingers point along −x, the palm looks down, the thumb points half forward; the right hand comes in mirrored.

Ranges of motion: American Academy of Orthopaedic Surgeons, Joint Motion (1965), and Norkin and White, Measurement of
Joint Motion (5th ed., 2016), with some degrees more for what the landmarks are out by.
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
    smoothstep,
)
from consumers.avatar.humanoid.skeleton import REST_OFFSETS_M, Bone
from consumers.avatar.solver.planes import fit_plane, weigh_plane
from keypoints.landmarks import HandLandmark as Hand

PALM: Final = np.array(
    [Hand.WRIST, Hand.INDEX_FINGER_MCP, Hand.MIDDLE_FINGER_MCP, Hand.RING_FINGER_MCP, Hand.PINKY_MCP]
)
"""Points that a palm is read from."""
_PALM_AT_REST: Final = np.array(
    [(0.0, 0.0)]
    + [tuple(REST_OFFSETS_M[Bone[f"LEFT_{name}_PROXIMAL"], [0, 2]]) for name in ("INDEX", "MIDDLE", "RING", "LITTLE")]
)
_PALM_WEIGHTS: Final = weigh_plane(_PALM_AT_REST)
"""The built-in skeleton's palm, seen from above: x towards the wrist, z towards the thumb."""

_CHAINS: Final = np.array(
    [
        (Hand.THUMB_CMC, Hand.THUMB_MCP, Hand.THUMB_IP, Hand.THUMB_TIP),
        (Hand.INDEX_FINGER_MCP, Hand.INDEX_FINGER_PIP, Hand.INDEX_FINGER_DIP, Hand.INDEX_FINGER_TIP),
        (Hand.MIDDLE_FINGER_MCP, Hand.MIDDLE_FINGER_PIP, Hand.MIDDLE_FINGER_DIP, Hand.MIDDLE_FINGER_TIP),
        (Hand.RING_FINGER_MCP, Hand.RING_FINGER_PIP, Hand.RING_FINGER_DIP, Hand.RING_FINGER_TIP),
        (Hand.PINKY_MCP, Hand.PINKY_PIP, Hand.PINKY_DIP, Hand.PINKY_TIP),
    ]
)
_STARTS: Final = _CHAINS[:, :-1].ravel()
_ENDS: Final = _CHAINS[:, 1:].ravel()
_FINGER_LOW_RAD: Final = np.radians([-45.0, -15.0, -15.0])
_FINGER_HIGH_RAD: Final = np.radians([100.0, 115.0, 95.0])
"""Knuckle, middle and outer joint: bent back and curled."""
_FINGER_MIDDLE_RAD: Final = 0.5 * (_FINGER_LOW_RAD + _FINGER_HIGH_RAD)
_MOST_SPREAD_RAD: Final = np.radians(27.0)
_FURTHEST_SPREAD_RAD: Final = np.radians(45.0)
"""A finger further aside shows that the palm is seen wrongly: beyond, its spread falls to none at 90°, where the sides
meet."""
_SPREAD_HIDDEN: Final = 0.04
_SPREAD_SHOWN: Final = 0.16
"""How much of a finger, squared, lies along the palm: from where its spread is guessed, to where it is seen."""

_THUMB_REST: Final[Vectors] = normalise(np.array([-1.0, 0.0, 1.0]))
_THUMB_HINGE: Final[Vectors] = normalise(np.array([0.5, -np.sqrt(0.5), 0.5]))
"""The axis of the thumb's outer joints, halfway between the palm's upright and its plane, so that a bending thumb
crosses the palm in front of it."""
_THUMB_ACROSS: Final[Vectors] = cross(_THUMB_REST, _THUMB_HINGE)
_MOST_THUMB_TURN_RAD: Final = np.radians([80.0, 75.0, 90.0])
_MOST_THUMB_ROLL_RAD: Final = np.radians(45.0)
_THUMB_STRAIGHT: Final = np.sin(np.radians(10.0))
_THUMB_BENT: Final = np.sin(np.radians(35.0))


def solve_hand(hand: Vectors) -> tuple[Quaternions, Quaternions]:
    """The hand's rotation float64[..., 4] in the space of its points float64[..., 21, 3], and the local rotations of
    its fingers float64[..., 15, 4]: thumb to little finger, three segments each."""
    x, z = fit_plane(hand.take(PALM, axis=-2), _PALM_WEIGHTS)
    y = cross(z, x)
    axes = np.stack((x, y, z), axis=-1)
    in_palm = (hand.take(_ENDS, axis=-2) - hand.take(_STARTS, axis=-2)) @ axes
    fingers = np.empty((*in_palm.shape[:-1], 4))
    fingers[..., :3, :] = _solve_thumb(normalise(in_palm[..., :3, :]))
    fingers[..., 3:, :] = _solve_four_fingers(in_palm[..., 3:, :])
    return from_basis(x, y, z), fingers


def _solve_four_fingers(segments: Vectors) -> Quaternions:
    """float64[..., 12, 4] from segments float64[..., 12, 3] in the palm's axes.

    A finger bends in one plane, which stands upright on the palm: its spread is that plane's turn, the line that best
    holds the segments seen from above (their principal axis). So a fist, whose knuckles point down, shows it still.
    """
    by_finger = segments.reshape(*segments.shape[:-2], 4, 3, 3)
    forward, down, aside = -by_finger[..., 0], -by_finger[..., 1], by_finger[..., 2]
    products = by_finger * by_finger
    lengths = products.sum(axis=-2)
    turn = 0.5 * np.arctan2(2.0 * (forward * aside).sum(axis=-1), lengths[..., 0] - lengths[..., 2])
    flat = lengths[..., 0] + lengths[..., 2]
    total = flat + lengths[..., 1]
    shown = smoothstep(flat / np.where(total > 0.0, total, np.nan), _SPREAD_HIDDEN, _SPREAD_SHOWN)
    spread = np.clip(turn, -_MOST_SPREAD_RAD, _MOST_SPREAD_RAD) * shown
    spread *= np.minimum((0.5 * np.pi - np.abs(turn)) / (0.5 * np.pi - _FURTHEST_SPREAD_RAD), 1.0)
    ahead = forward * np.cos(spread)[..., None] + aside * np.sin(spread)[..., None]
    curl = np.arctan2(down, ahead)
    curl[..., 1:] -= curl[..., :-1].copy()
    return _write_fingers(spread, _limit_curl(curl)).reshape(*segments.shape[:-1], 4)


def _limit_curl(curl: Angles) -> Angles:
    """Angles cut to their joint's range, by whichever end is nearer round the circle."""
    from_middle = np.remainder(curl - (_FINGER_MIDDLE_RAD - np.pi), 2.0 * np.pi) + (_FINGER_MIDDLE_RAD - np.pi)
    limited: Angles = np.clip(from_middle, _FINGER_LOW_RAD, _FINGER_HIGH_RAD)
    return limited


def _write_fingers(spread: Angles, curl: Angles) -> Quaternions:
    """float64[..., 4, 3, 4]: the knuckle spreads about y and curls about z, the outer joints curl about z."""
    sine, cosine = np.sin(0.5 * curl), np.cos(0.5 * curl)
    spread_sine, spread_cosine = np.sin(0.5 * spread), np.cos(0.5 * spread)
    turned = np.zeros((*curl.shape, 4))
    turned[..., 2], turned[..., 3] = sine, cosine
    turned[..., 0, 0] = spread_sine * sine[..., 0]
    turned[..., 0, 1] = spread_sine * cosine[..., 0]
    turned[..., 0, 2:] *= spread_cosine[..., None]
    return turned


def _solve_thumb(segments: Vectors) -> Quaternions:
    """float64[..., 3, 4] from unit segments float64[..., 3, 3] in the palm's axes.

    Every segment points where it was seen to. How far the saddle is rolled (opposition) shows in the plane in which
    the outer joints bend; the straighter they are, the less, as the upper arm's twist does in the elbow.
    """
    along = np.concatenate((np.broadcast_to(_THUMB_REST, (*segments.shape[:-2], 1, 3)), segments), axis=-2)
    normals, cosines = cross(along[..., :-1, :], along[..., 1:, :]), dot(along[..., :-1, :], along[..., 1:, :])
    arcs = normalise(np.concatenate((normals, 1.0 + cosines[..., None]), axis=-1))
    swing, middle = arcs[..., 0, :], arcs[..., 1, :]
    saddle = multiply(swing, _read_roll(swing, normals[..., 1:, :].sum(axis=-2)))
    # An arc from segment to segment, as the bone before it sees it.
    before = np.stack((saddle, multiply(middle, saddle)), axis=-2)
    outer = np.concatenate((rotate(invert(before), arcs[..., 1:, :3]), arcs[..., 1:, 3:]), axis=-1)
    return limit_angle(np.concatenate((saddle[..., None, :], outer), axis=-2), _MOST_THUMB_TURN_RAD)


def _read_roll(swing: Quaternions, normals: Vectors) -> Quaternions:
    """The saddle's roll about the thumb, from the sum of the normals of its outer joints' bends."""
    hinge = rotate(invert(swing), normals)
    ahead = dot(hinge, _THUMB_HINGE)
    roll = np.arctan2(dot(hinge, _THUMB_ACROSS), ahead)
    bend = np.sqrt(dot(normals, normals))
    # A thumb bent back shows the hinge the wrong way round, and no roll.
    trust = smoothstep(bend, _THUMB_STRAIGHT, _THUMB_BENT) * smoothstep(ahead, 0.0, 0.2)
    return about_axis(_THUMB_REST, np.clip(roll, -_MOST_THUMB_ROLL_RAD, _MOST_THUMB_ROLL_RAD) * trust)
