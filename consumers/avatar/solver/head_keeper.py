"""The head's turn as the face mesh comes and goes, without a nod at either edge."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from consumers.avatar.humanoid.rotations import IDENTITY, Quaternions, invert, multiply, slerp
from consumers.avatar.solver.head import LIFT, measure_face_turn, measure_pose_turn, prefer
from consumers.avatar.solver.landmarks_in_unity import UnityLandmarks

_LEARNT_PER_FRAME: Final = 0.2
_LED_BACK_PER_FRAME: Final = 0.1


class HeadKeeper:
    """By slot, how the head's turn by the face mesh differs from that by the pose.

    The two differ by 8 to 32° in recorded people, each in a way of their own that changes with the way they look. It is
    learnt while both are there, over about five frames, and kept while the face is hidden; when the face comes, how far
    it is from what was shown is worked off over about ten frames.
    """

    def __init__(self, capacity: int = 0) -> None:
        self._difference = np.empty((0, 4))
        self._left_over = np.empty((0, 4))
        self._learnt = np.empty(0, dtype=np.bool_)
        self._by_pose = np.empty(0, dtype=np.bool_)
        self.grow(capacity)

    def grow(self, capacity: int) -> None:
        """Make room for slots up to `capacity`; never shrinks."""
        added = max(0, capacity - len(self._learnt))
        self._difference = np.concatenate((self._difference, np.tile(LIFT, (added, 1))))
        self._left_over = np.concatenate((self._left_over, np.tile(IDENTITY, (added, 1))))
        self._learnt = np.concatenate((self._learnt, np.zeros(added, dtype=np.bool_)))
        self._by_pose = np.concatenate((self._by_pose, np.zeros(added, dtype=np.bool_)))

    def reset(self, slots: NDArray[np.intp]) -> None:
        """Forget the performers of these slots: the difference is the usual one again."""
        self._difference[slots] = LIFT
        self._left_over[slots] = IDENTITY
        self._learnt[slots] = self._by_pose[slots] = False

    def solve(self, slots: NDArray[np.intp], landmarks: UnityLandmarks) -> Quaternions:
        """float64[N, 4]: as `solve_head`; row i is of the performer in slot `slots[i]`."""
        by_face, by_pose = measure_face_turn(landmarks), measure_pose_turn(landmarks)
        expected = multiply(by_pose, self._difference[slots])
        has_face, has_pose = np.isfinite(by_face[:, 0]), np.isfinite(by_pose[:, 0])
        back = has_face & has_pose & self._by_pose[slots]
        led = slerp(self._left_over[slots], IDENTITY, np.full(len(slots), _LED_BACK_PER_FRAME))
        left_over = np.where(back[:, None], multiply(invert(by_face), multiply(expected, led)), led)
        self._learn(slots[has_face & has_pose], multiply(invert(by_pose), by_face)[has_face & has_pose])
        self._left_over[slots] = left_over
        self._by_pose[slots] = has_pose & ~has_face
        return multiply(prefer(by_face, expected), left_over)

    def _learn(self, slots: NDArray[np.intp], difference: Quaternions) -> None:
        share = np.where(self._learnt[slots], _LEARNT_PER_FRAME, 1.0)
        self._difference[slots] = slerp(self._difference[slots], difference, share)
        self._learnt[slots] = True
