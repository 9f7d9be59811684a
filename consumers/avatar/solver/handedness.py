"""Hands that were found as if they were the other hand's, told by fingers that bend the wrong way.

Of a fist or a hand seen from its edge MediaPipe now and then finds, for a frame or some, a hand of the other side: its
index finger where the little finger is. The palm so found looks the opposite way, and the fingers bend over its back.
No hand does that: knuckles bend back by 45° at most (American Academy of Orthopaedic Surgeons, Joint Motion, 1965).
"""

from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from consumers.avatar.humanoid.rotations import Vectors, cross, dot, normalise
from consumers.avatar.solver.landmarks_in_unity import UnityLandmarks
from keypoints.landmarks import HandLandmark as Hand

_FINGERS: Final = np.array(
    [
        [Hand[f"{finger}_{joint}"] for joint in ("MCP", "PIP", "DIP", "TIP")]
        for finger in ("INDEX_FINGER", "MIDDLE_FINGER", "RING_FINGER", "PINKY")
    ]
)
_KNUCKLES: Final = _FINGERS[:, 0]
_TIPS: Final = _FINGERS[:, -1]
_THUMB: Final = slice(Hand.THUMB_CMC, Hand.THUMB_TIP + 1)
_SIDES: Final = np.array([[1.0], [-1.0]])

_BENT_BACK: Final = 0.525
_BENT_BACK_BY_TURN: Final = 0.225
"""The sine of how far fingers bend back in a hand that is another's: of 17° where its palm is the opposite of the one
shown before, of 32° where none was, of 49° where it is the same."""


class HandednessKeeper:
    """By slot, where the back of each hand was last shown to look.

    Each frame is judged by itself, at once, with more or less doubt as the palm turned over since the frame before or
    did not. So a hand that begins as another's is put right by the first frame that shows it, nothing chatters, and a
    hand that turns over, however fast, is followed in the frame it does: its fingers bend the way fingers do.
    """

    def __init__(self, capacity: int = 0) -> None:
        self._backs = np.zeros((capacity, 2, 3))

    def grow(self, capacity: int) -> None:
        """Make room for slots up to `capacity`; never shrinks."""
        added = max(0, capacity - len(self._backs))
        self._backs = np.concatenate((self._backs, np.zeros((added, 2, 3))))

    def reset(self, slots: NDArray[np.intp]) -> None:
        """Forget the performers of these slots."""
        self._backs[slots] = 0.0

    def keep(self, slots: NDArray[np.intp], landmarks: UnityLandmarks) -> UnityLandmarks:
        """As `put_right`; row i is of the performer in slot `slots[i]`."""
        put, backs = _judge(landmarks, self._backs[slots])
        self._backs[slots] = np.where(np.isfinite(backs), backs, 0.0)
        return put


def put_right(landmarks: UnityLandmarks) -> UnityLandmarks:
    """The same landmarks with the fingers of hands found as the other hand's called by their own names.

    Their thumb is NaN: it was looked for on the wrong side.
    """
    put, _ = _judge(landmarks, np.zeros((len(landmarks.hands), 2, 3)))
    return put


def _judge(landmarks: UnityLandmarks, backs_before: Vectors) -> tuple[UnityLandmarks, Vectors]:
    """What `put_right` gives, and float64[N, 2, 3]: where the hands' backs look then, NaN without a hand."""
    hands = landmarks.hands
    wrists, knuckles = hands[..., Hand.WRIST, :], hands.take(_KNUCKLES, axis=-2)
    backs = normalise(cross(knuckles[..., 0, :] - wrists, knuckles[..., -1, :] - wrists)) * -_SIDES
    fingers = hands.take(_TIPS, axis=-2) - knuckles
    lengths = np.sqrt(dot(fingers, fingers)).sum(axis=-1)
    doubt = _BENT_BACK + _BENT_BACK_BY_TURN * dot(backs, backs_before)
    wrong = dot(fingers.sum(axis=-2), backs) > doubt * lengths
    if not wrong.any():
        return landmarks, backs
    return replace(landmarks, hands=_exchange_fingers(hands, wrong)), np.where(wrong[..., None], -backs, backs)


def _exchange_fingers(hands: Vectors, wrong: NDArray[np.bool_]) -> Vectors:
    exchanged = hands.copy()
    exchanged[..., _FINGERS, :] = hands[..., _FINGERS[::-1], :]
    exchanged[..., _THUMB, :] = np.nan
    return np.where(wrong[..., None, None], exchanged, hands)
