"""What of a flat hand stays the same however it is turned in the image, mirrored, or near: ratios, bends, directions.

Unlike `features.hands` these are many, and none of them means a shape: which ones count is learned. They are for rows
of a file; what streams are judged by stays with operations that are exactly rounded.
"""

from itertools import combinations
from typing import Final

import numpy as np

from consumers.analytics.learning.plane import Floats, cross, dot, measure_length
from keypoints.landmarks import HandLandmark

_FINGERS: Final = (
    (HandLandmark.THUMB_CMC, HandLandmark.THUMB_MCP, HandLandmark.THUMB_IP, HandLandmark.THUMB_TIP),
    *(
        tuple(HandLandmark[f"{finger}_{joint}"] for joint in ("MCP", "PIP", "DIP", "TIP"))
        for finger in ("INDEX_FINGER", "MIDDLE_FINGER", "RING_FINGER", "PINKY")
    ),
)
_TIPS: Final = tuple(finger[-1] for finger in _FINGERS)
_KNUCKLES: Final = tuple(finger[0] for finger in _FINGERS[1:])
_THUMB_TOUCHES: Final = (
    HandLandmark.INDEX_FINGER_PIP,
    HandLandmark.INDEX_FINGER_DIP,
    HandLandmark.MIDDLE_FINGER_PIP,
    HandLandmark.RING_FINGER_PIP,
)
# Hand lengths; what is shorter has no direction.
_LEAST: Final = 1e-3
# Of a bone seen end on, ratios go anywhere.
_GREATEST: Final = 6.0


def measure_invariants(points: Floats) -> Floats:
    """float64 (N, F) of hands float64 (N, 21, 2), of any size at any place, in units that are the same in x and y."""
    hand = points - points[:, [HandLandmark.WRIST]]
    length = np.maximum.reduce([measure_length(hand[:, knuckle]) for knuckle in _KNUCKLES])
    hand = hand / np.where(length > 0, length, 1.0)[:, None, None]
    index, little = hand[:, HandLandmark.INDEX_FINGER_MCP], hand[:, HandLandmark.PINKY_MCP]
    # A left hand's cross products, and those of a hand seen from behind, have the other sign.
    side = np.where(cross(index, little) < 0, -1.0, 1.0)
    columns = [column for finger in _FINGERS for column in _measure_finger(hand, finger, side)]
    columns += [_distance(hand, one, other) for one, other in combinations(_TIPS, 2)]
    columns += [_distance(hand, tip, knuckle) for tip in _TIPS for knuckle in _KNUCKLES]
    columns += [_distance(hand, HandLandmark.THUMB_TIP, joint) for joint in _THUMB_TOUCHES]
    columns += [
        measure_length(index - little),
        measure_length(index) / (measure_length(little) + _LEAST),
        measure_length(hand[:, HandLandmark.MIDDLE_FINGER_MCP]),
    ]
    return np.clip(np.stack(columns, axis=1), -_GREATEST, _GREATEST)


def _measure_finger(hand: Floats, joints: tuple[HandLandmark, ...], side: Floats) -> list[Floats]:
    """How far a finger reaches, how each joint bends, and where it points against the palm."""
    chain = hand[:, [HandLandmark.WRIST, *joints]]
    bones = np.diff(chain, axis=1)
    lengths = measure_length(bones) + _LEAST
    finger = lengths[:, 1:].sum(axis=1)
    from_wrist = measure_length(chain) + _LEAST
    pointing = chain[:, -1] - chain[:, 1]
    stretched = measure_length(pointing)
    palm = hand[:, HandLandmark.MIDDLE_FINGER_MCP]
    palm = palm / (measure_length(palm) + _LEAST)[:, None]
    along, across = dot(pointing, palm), side * cross(pointing, palm)
    measured = [
        from_wrist[:, 4] / from_wrist[:, 2],
        from_wrist[:, 4] / from_wrist[:, 3],
        from_wrist[:, 4],
        stretched / finger,
        stretched,
        finger,
        along,
        across,
        along / (stretched + _LEAST),
    ]
    for bone in range(3):
        both = lengths[:, bone] * lengths[:, bone + 1]
        measured.append(dot(bones[:, bone], bones[:, bone + 1]) / both)
        measured.append(side * cross(bones[:, bone], bones[:, bone + 1]) / both)
    return measured


def _distance(hand: Floats, one: HandLandmark, other: HandLandmark) -> Floats:
    return measure_length(hand[:, one] - hand[:, other])
