"""From landmarks to motion: bones, shapes and the hips' place, for many frames and performers at once.

The method is geometry (directions between landmarks, swing and twist, palm and face bases), no model: each module names
its own. `solve` is pure: a frame's result depends on that frame alone. A `Solver` remembers of each performer what one
frame does not tell: which hand is which, and which way round; a face at rest; where the performer began; which feet
stand.
"""

import numpy as np
from numpy.typing import NDArray

from consumers.avatar.face.calibration import DEFAULT_NEUTRAL, NeutralFaces
from consumers.avatar.face.gaze import turn_eyes
from consumers.avatar.face.measures import measure_face
from consumers.avatar.face.shapes import read_shapes
from consumers.avatar.solver.bones import pose_bones
from consumers.avatar.solver.ground import GroundContact
from consumers.avatar.solver.handedness import HandednessKeeper, put_right
from consumers.avatar.solver.hands import PALM
from consumers.avatar.solver.head import solve_head
from consumers.avatar.solver.head_keeper import HeadKeeper
from consumers.avatar.solver.landmarks_in_unity import place_in_unity
from consumers.avatar.solver.root import RootReference, find_place, stand_on_floor
from consumers.avatar.solver.sides import SideKeeper
from consumers.avatar.solver.trust import rate_trust
from consumers.avatar.solver.twist_keeper import TwistKeeper
from consumers.avatar.states import SolvedMotion
from keypoints.frame import FrameBatch


def solve(batch: FrameBatch) -> SolvedMotion:
    """Solve every frame of a batch by itself: hands as the frame names them, an adult's face at rest, hips that move
    up and down alone."""
    landmarks = put_right(place_in_unity(batch))
    measures = measure_face(landmarks.face, landmarks.lens.focal_px)
    trust = rate_trust(landmarks)
    eyes = turn_eyes(measures, DEFAULT_NEUTRAL)
    posed = pose_bones(landmarks, trust, solve_head(landmarks), eyes)
    root_m = np.zeros((len(batch), 3))
    root_m[:, 1] = posed.legs_trust * stand_on_floor(posed.rotations)
    root_m[~np.isfinite(root_m[:, 1])] = np.nan
    return SolvedMotion(posed.rotations, read_shapes(measures, DEFAULT_NEUTRAL), root_m)


class Solver:
    """Solves the frames of performers in `capacity` slots.

    `faces` are the performers' faces at rest, to calibrate, export and restore.
    """

    def __init__(self, capacity: int) -> None:
        self.faces = NeutralFaces(capacity)
        self._sides = SideKeeper(capacity)
        self._handedness = HandednessKeeper(capacity)
        self._twists = TwistKeeper(capacity)
        self._heads = HeadKeeper(capacity)
        self._roots = RootReference(capacity)
        self._ground = GroundContact(capacity)
        self._keeps_feet = np.zeros(capacity, dtype=np.bool_)
        self._memories = (
            self.faces, self._sides, self._handedness, self._twists, self._heads, self._roots, self._ground,
        )  # fmt: skip

    def grow(self, capacity: int) -> None:
        """Make room for slots up to `capacity`; never shrinks."""
        for memory in self._memories:
            memory.grow(capacity)
        more = max(0, capacity - len(self._keeps_feet))
        self._keeps_feet = np.concatenate((self._keeps_feet, np.zeros(more, dtype=np.bool_)))

    def reset(self, slots: NDArray[np.intp]) -> None:
        """Forget what these slots' performers did."""
        for memory in self._memories:
            memory.reset(slots)
        self._keeps_feet[slots] = False

    def keep_feet(self, slot: int, wanted: bool) -> None:
        """Whether this performer's standing feet neither sink nor slide; they do as they are seen to until asked."""
        self._keeps_feet[slot] = wanted

    def solve(self, batch: FrameBatch, slots: NDArray[np.intp]) -> SolvedMotion:
        """Solve one frame of each of N performers, in `slots` intp[N], each at most once."""
        at_s = batch.captured_at_us / 1e6
        landmarks = self._handedness.keep(slots, self._sides.keep(slots, place_in_unity(batch)))
        measures = measure_face(landmarks.face, landmarks.lens.focal_px)
        neutral = self.faces.observe(slots, measures, at_s)
        trust = rate_trust(landmarks)
        palms_seen = np.isfinite(landmarks.hands.take(PALM, axis=2).sum(axis=(-2, -1)))
        lead = self._twists.lead(slots, palms_seen, at_s)
        head, eyes = self._heads.solve(slots, landmarks), turn_eyes(measures, neutral)
        posed = pose_bones(landmarks, trust, head, eyes, lead)
        root_m = self._roots.move(slots, find_place(landmarks, trust), posed.legs_trust, at_s)
        root_m[:, 1] += posed.legs_trust * stand_on_floor(posed.rotations)
        root_m[~np.isfinite(root_m).all(axis=1)] = np.nan
        rotations = posed.rotations
        kept = np.flatnonzero(self._keeps_feet[slots])
        if len(kept):
            rotations[kept] = self._ground.hold(slots[kept], rotations[kept], root_m[kept], at_s[kept])
        return SolvedMotion(rotations, read_shapes(measures, neutral), root_m)
