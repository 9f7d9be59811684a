"""Where the hips are: sideways and in depth from the picture, upright from the legs.

World landmarks have no place, the picture has no size: laying the one over the other by least squares gives where the
middle of the hips is in the picture, even outside it, and how many pixels a metre has there; through the lens that is a
place before the camera. Counted is how far it is from where the performer began. The height is not read from it, or an
error of depth would make a performer hover: the lowest foot stands on the floor, and only what that foot rises above
where feet stood before is a jump. Without legs to stand on, it is no more than a small sway.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from consumers.avatar.humanoid.kinematics import list_levels, rest_where_unseen
from consumers.avatar.humanoid.rotations import Angles, Quaternions, Vectors, dot, invert, rotate, smoothstep
from consumers.avatar.humanoid.skeleton import REST_OFFSETS_M, Bone
from consumers.avatar.solver.landmarks_in_unity import UnityLandmarks
from keypoints.landmarks import PoseLandmark as Pose

LEG_BONES: Final = [
    Bone.HIPS,
    Bone.LEFT_UPPER_LEG,
    Bone.RIGHT_UPPER_LEG,
    Bone.LEFT_LOWER_LEG,
    Bone.RIGHT_LOWER_LEG,
    Bone.LEFT_FOOT,
    Bone.RIGHT_FOOT,
    Bone.LEFT_TOES,
    Bone.RIGHT_TOES,
]
LEG_LEVELS: Final = list_levels(LEG_BONES)
_SOLE_BY_LEG: Final = [[Bone.LEFT_FOOT, Bone.LEFT_TOES], [Bone.RIGHT_FOOT, Bone.RIGHT_TOES]]
_ANKLE_M: Final = float(REST_OFFSETS_M[[Bone.HIPS, Bone.LEFT_UPPER_LEG, Bone.LEFT_LOWER_LEG, Bone.LEFT_FOOT], 1].sum())
_TOES_M: Final = _ANKLE_M + float(REST_OFFSETS_M[Bone.LEFT_TOES, 1])
SOLE_POINTS_M: Final[Vectors] = np.array(
    [[[0.0, -_ANKLE_M, -0.05], [0.0, -_ANKLE_M, 0.13]], [[0.0, -_TOES_M, 0.0], [0.0, -_TOES_M, 0.06]]]
)
"""float64[2, 2, 3]: heel and ball in the foot's space; ball and tip in that of the toes; on the floor at rest."""

_UP: Final[Vectors] = np.array([0.0, 1.0, 0.0])
_LEG_SEGMENTS: Final = np.array(
    [
        [Bone.LEFT_UPPER_LEG, Bone.RIGHT_UPPER_LEG],
        [Bone.LEFT_LOWER_LEG, Bone.RIGHT_LOWER_LEG],
        [Bone.LEFT_FOOT, Bone.RIGHT_FOOT],
        [Bone.LEFT_TOES, Bone.RIGHT_TOES],
    ]
)


def _tabulate_heights() -> NDArray[np.float64]:
    """float64[30, 8]: from where up is in the space of the hips and of each segment of both legs, [5, 2, 3], to how
    high the eight points of the soles are over the hips."""
    heights = np.zeros((len(_LEG_SEGMENTS) + 1, 2, 3, 2, 2, 2))
    for side in range(2):
        for segment, bones in enumerate(_LEG_SEGMENTS):
            heights[segment, side, :, side] = REST_OFFSETS_M[bones[side]][:, None, None]
        # Heel and ball stand where the foot is, not where the toes begin.
        heights[-2, side, :, side, 0] = SOLE_POINTS_M[0].T
        heights[-1, side, :, side, 1] = SOLE_POINTS_M[1].T
    return heights.reshape(-1, 8)


_SOLE_HEIGHTS: Final = _tabulate_heights()

_TRUNK: Final = (Pose.LEFT_SHOULDER, Pose.RIGHT_SHOULDER, Pose.LEFT_HIP, Pose.RIGHT_HIP)
_FITTED: Final = np.array([*_TRUNK, Pose.LEFT_EAR, Pose.RIGHT_EAR, Pose.LEFT_KNEE, Pose.RIGHT_KNEE, Pose.LEFT_ANKLE,
                           Pose.RIGHT_ANKLE])  # fmt: skip
_FEET: Final = np.array([Pose.LEFT_HEEL, Pose.RIGHT_HEEL, Pose.LEFT_FOOT_INDEX, Pose.RIGHT_FOOT_INDEX])
_TRUNK_REST_M: Final = float(
    REST_OFFSETS_M[[Bone.SPINE, Bone.CHEST, Bone.UPPER_CHEST, Bone.LEFT_SHOULDER], 1].sum()
    - REST_OFFSETS_M[Bone.LEFT_UPPER_LEG, 1]
)
_LEAST_SEEN: Final = 2.5
"""How many of the fitted points, by trust, give a place."""

_MOST_SWAY_M: Final = np.array([0.25, 0.08, 0.25])
_LEAST_HIPS_M: Final = 0.1 - float(REST_OFFSETS_M[Bone.HIPS, 1])
"""Hips on the floor are a hand's breadth above it."""

_RISES_M: Final = (0.02, 0.05)
"""What a foot seems to rise by noise, and by a jump."""
_SETTLING_S: Final = 0.15
_RISING_S: Final = 4.0
"""How soon the floor is believed to be lower, and higher, than feet stood before."""
_BEGINNING: Final = 10
"""How many frames make up where a performer began."""


@dataclass(frozen=True, slots=True)
class Place:
    """N frames in metres of the landmarks, on Unity's axes: `hips_m` float64[N, 3] from the camera, `feet_m` float64[N]
    the height of the lowest foot over the camera's axis, `trunk_m` float64[N] the trunk's length; NaN if not seen."""

    hips_m: Vectors
    feet_m: Angles
    trunk_m: Angles


def find_place(landmarks: UnityLandmarks, trust: Angles) -> Place:
    """Where performers are before the camera, from landmarks trusted as float64[N, 33] (0…1) says."""
    body = landmarks.body.take(_FITTED, axis=1)
    lens = landmarks.lens
    points = np.stack((body[..., :2], landmarks.in_image.take(_FITTED, axis=1)[..., :2] - lens.centre[:, None, :2]))
    finite: NDArray[np.bool_] = np.isfinite(points.sum(axis=(0, 3)))
    points = np.where(finite[..., None], points, 0.0)
    weight = finite * trust.take(_FITTED, axis=1)
    total = weight.sum(axis=1)
    share = (weight / np.where(total >= _LEAST_SEEN, total, np.nan)[:, None])[..., None]
    middles = (share * points).sum(axis=2)
    in_space, in_image = points - middles[:, :, None]
    size = (share * in_space * in_space).sum(axis=(1, 2))
    pixels_per_m = (share * in_space * in_image).sum(axis=(1, 2)) / np.where(size > 0.0, size, np.nan)
    m_per_pixel = (1.0 / np.where(pixels_per_m > 0.0, pixels_per_m, np.nan))[:, None]
    hips = 0.5 * (body[:, 2] + body[:, 3])
    trunk = 0.5 * (body[:, 0] + body[:, 1]) - hips
    flat_m = middles[1] * m_per_pixel + hips[:, :2] - middles[0]
    feet_m = flat_m[:, 1] + np.fmin.reduce(landmarks.body[:, :, 1].take(_FEET, axis=1), axis=1) - hips[:, 1]
    hips_m = np.concatenate((flat_m, -lens.focal_px[:, None] * m_per_pixel), axis=1)
    return Place(hips_m, feet_m, np.sqrt(dot(trunk, trunk)))


def stand_on_floor(rotations: Quaternions) -> Angles:
    """float64[N]: how much higher than at rest the hips are, for the lowest foot of solved legs to be on the floor."""
    turned_back = invert(rest_where_unseen(rotations, _LEG_SEGMENTS))
    up = np.empty((len(rotations), len(_LEG_SEGMENTS) + 1, 2, 3))
    up[:, 0] = rotate(invert(rotations[:, Bone.HIPS]), _UP)[:, None]
    for segment in range(len(_LEG_SEGMENTS)):
        up[:, segment + 1] = rotate(turned_back[:, segment], up[:, segment])
    heights = up.reshape(len(rotations), _SOLE_HEIGHTS.shape[0]).dot(_SOLE_HEIGHTS)
    height: Angles = np.maximum(-float(REST_OFFSETS_M[Bone.HIPS, 1]) - heights.min(axis=1), _LEAST_HIPS_M)
    return height


def place_soles(positions: Vectors, spaces: Quaternions) -> Vectors:
    """float64[N, 2, 4, 3]: heel, ball, ball and tip of toes of the left and of the right foot, from bones' world
    positions float64[N, 55, 3] and rotations float64[N, 55, 4]."""
    points = positions[:, _SOLE_BY_LEG, None] + rotate(spaces[:, _SOLE_BY_LEG, None], SOLE_POINTS_M)
    soles: Vectors = points.reshape(len(positions), 2, 4, 3)
    return soles


class RootReference:
    """By slot, where each performer began and how long the trunk was then, and where the feet stood."""

    def __init__(self, capacity: int) -> None:
        self._began_m = np.zeros((capacity, 4))
        self._frames = np.zeros(capacity)
        self._floor_m = np.full(capacity, np.nan)
        self._at_s = np.full(capacity, -np.inf)

    def grow(self, capacity: int) -> None:
        """Make room for slots up to `capacity`; never shrinks."""
        more = max(0, capacity - len(self._frames))
        self._began_m = np.concatenate((self._began_m, np.zeros((more, 4))))
        self._frames = np.concatenate((self._frames, np.zeros(more)))
        self._floor_m = np.concatenate((self._floor_m, np.full(more, np.nan)))
        self._at_s = np.concatenate((self._at_s, np.full(more, -np.inf)))

    def reset(self, slots: NDArray[np.intp]) -> None:
        """Let the next frames of these slots be where their performers begin."""
        self._began_m[slots] = 0.0
        self._frames[slots] = 0.0
        self._floor_m[slots] = np.nan
        self._at_s[slots] = -np.inf

    def move(self, slots: NDArray[np.intp], place: Place, legs_trust: Angles, at_s: Angles) -> Vectors:
        """float64[N, 3]: how far the hips have come from where they began, and how high the feet are off the floor.

        `slots` intp[N], each at most once; `legs_trust` float64[N] (0…1) says how far legs are seen, `at_s` float64[N]
        when. NaN where the place is not known. Without legs the movement is a sway of the trunk, in height too.
        """
        seen_m = np.concatenate((place.hips_m, place.trunk_m[:, None]), axis=1)
        known = np.isfinite(seen_m).all(axis=1) & (place.trunk_m > 0.0)
        self._begin(slots[known], seen_m[known])
        began_m = self._began_m[slots]
        scale = _TRUNK_REST_M / np.where(began_m[:, 3] > 0.0, began_m[:, 3], np.nan)
        moved = scale[:, None] * (place.hips_m - began_m[:, :3])
        sway = _MOST_SWAY_M * np.tanh(moved / _MOST_SWAY_M)
        standing = legs_trust[:, None]
        carried: Vectors = standing * moved + (1.0 - standing) * sway
        rise = self._rise(slots, scale * place.feet_m, legs_trust, at_s)
        carried[:, 1] = legs_trust * rise + (1.0 - legs_trust) * sway[:, 1]
        return carried

    def _begin(self, slots: NDArray[np.intp], seen_m: Vectors) -> None:
        """Where a performer began is the mean of the first frames, so that no single one decides."""
        frames = self._frames[slots]
        share = np.where(frames < _BEGINNING, 1.0 / (frames + 1.0), 0.0)
        self._began_m[slots] += share[:, None] * (seen_m - self._began_m[slots])
        self._frames[slots] = frames + 1.0

    def _rise(self, slots: NDArray[np.intp], feet_m: Angles, legs_trust: Angles, at_s: Angles) -> Angles:
        """float64[N]: how high the lowest foot is over the floor, which is where feet stood: soon lowered, slowly
        raised, since who jumps comes down again and who climbs stays."""
        floor = np.where(np.isfinite(self._floor_m[slots]), self._floor_m[slots], feet_m)
        step_s = np.maximum(at_s - self._at_s[slots], 0.0)
        pace = step_s / np.where(feet_m < floor, _SETTLING_S, _RISING_S)
        floor = floor + (1.0 - np.exp(-np.minimum(pace, 50.0))) * (feet_m - floor)
        seen = np.isfinite(floor) & (legs_trust > 0.0)
        self._floor_m[slots[seen]] = floor[seen]
        self._at_s[slots] = at_s
        rise = np.maximum(feet_m - floor, 0.0)
        return np.where(seen, rise * smoothstep(rise, *_RISES_M), 0.0)
