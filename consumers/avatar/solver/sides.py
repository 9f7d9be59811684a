"""Which hand is the left one: kept by the distances between the hands' wrists and the pose's, with hysteresis."""

from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from consumers.avatar.humanoid.rotations import Vectors, dot
from consumers.avatar.solver.landmarks_in_unity import UnityLandmarks
from keypoints.landmarks import HandLandmark

_SURE: Final = 0.3
"""How much nearer the hands have to be to one order of the wrists than to the other, of the most they can be."""

_WRISTS_APART_PALMS: Final = 1.0
"""Wrists nearer to each other than a palm is long tell no hands apart."""


class SideKeeper:
    """By slot, whether the frame's left and right hand are the other way round.

    Each frame is judged by itself, at once: the hands belong to the nearer wrists of the pose. The last word stands
    where a frame says nothing clear: hands that cross or touch, no pose, no hand. So a swap of one frame and one that
    lasts are both put right in the frame they come in, whatever the frame rate, and nothing chatters between the two.

    The pose is believed: if it takes left for right itself, the arms swap, and the hands go with the arms they are on.
    """

    def __init__(self, capacity: int = 0) -> None:
        self._exchanged = np.zeros(capacity, dtype=np.bool_)

    def grow(self, capacity: int) -> None:
        """Make room for slots up to `capacity`."""
        missing = max(0, capacity - len(self._exchanged))
        self._exchanged = np.concatenate((self._exchanged, np.zeros(missing, dtype=np.bool_)))

    def reset(self, slots: NDArray[np.intp]) -> None:
        """Forget the performers of these slots: their hands are as frames say, until seen otherwise."""
        self._exchanged[slots] = False

    def keep(self, slots: NDArray[np.intp], landmarks: UnityLandmarks) -> UnityLandmarks:
        """The same landmarks with each hand on its own side; row i is of the performer in slot `slots[i]`."""
        doubt = _compare_orders(landmarks.hands[..., HandLandmark.WRIST, :], landmarks.wrists_in_image)
        wrists_apart = _length(landmarks.wrists_in_image[:, 1] - landmarks.wrists_in_image[:, 0])
        palms = _length(
            landmarks.hands[..., HandLandmark.MIDDLE_FINGER_MCP, :] - landmarks.hands[..., HandLandmark.WRIST, :]
        )
        clear = wrists_apart > _WRISTS_APART_PALMS * np.fmax(palms[:, 0], palms[:, 1])
        said = clear & (np.abs(doubt) > _SURE)
        exchanged = np.where(said, doubt > 0.0, self._exchanged[slots])
        self._exchanged[slots] = exchanged
        if not exchanged.any():
            return landmarks
        hands = np.where(exchanged[:, None, None, None], landmarks.hands[:, ::-1], landmarks.hands)
        return replace(landmarks, hands=hands)


def _compare_orders(hands: Vectors, wrists: Vectors) -> NDArray[np.float64]:
    """float64[N] in −1…1: how much nearer hands are to the wrists of the other side; NaN where nothing can be said.

    The sums of distances of both orders differ by at most the wrists' own distance for each hand.
    """
    distances = _length(hands[:, :, None] - wrists[:, None])
    own_less_other = np.stack(
        (distances[:, 0, 0] - distances[:, 0, 1], distances[:, 1, 1] - distances[:, 1, 0]), axis=-1
    )
    seen = np.isfinite(own_less_other)
    most = _length(wrists[:, 1] - wrists[:, 0]) * seen.sum(axis=-1)
    doubt: NDArray[np.float64] = np.where(seen, own_less_other, 0.0).sum(axis=-1) / np.where(most > 0.0, most, np.nan)
    return doubt


def _length(vectors: Vectors) -> NDArray[np.float64]:
    """In the picture: depth is counted from another origin in each part."""
    flat = vectors[..., :2]
    length: NDArray[np.float64] = np.sqrt(dot(flat, flat))
    return length
