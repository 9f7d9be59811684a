"""What a body does, measured: pure functions on columns of poses.

A landmark below `VISIBLE_FROM`, or with a coordinate that is not finite, is not seen, and what stands on it is NaN.
Shoulders, hips and ears are pairs of which one hides the other when the person turns, and where the hidden one is can
be told from the body: the middle of a pair, and the distance in it, stand on the more visible of the two.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from consumers.analytics.facts import BodyFacts
from consumers.analytics.features.geometry import Floats, add_up, angle_between, dot, length, turn_to_rows
from keypoints.landmarks import PoseLandmark as Landmark

VISIBLE_FROM: Final = 0.5
TRUNK_OF_SHOULDER_WIDTH: Final = 1.4
"""How many shoulder widths a trunk is long: 1.41 and 1.44 in MediaPipe's metres of two people filmed."""

_SIDES: Final = ("left", "right")
_EARS: Final = (Landmark.LEFT_EAR, Landmark.RIGHT_EAR)
_SHOULDERS: Final = (Landmark.LEFT_SHOULDER, Landmark.RIGHT_SHOULDER)
_HIPS: Final = (Landmark.LEFT_HIP, Landmark.RIGHT_HIP)
_PAIRED: Final = [*_EARS, *_SHOULDERS, *_HIPS]
_OTHERS_OF_PAIRS: Final = [*_EARS[::-1], *_SHOULDERS[::-1], *_HIPS[::-1]]
_LEGS: Final = [
    Landmark.LEFT_HIP,
    Landmark.RIGHT_HIP,
    Landmark.LEFT_KNEE,
    Landmark.RIGHT_KNEE,
    Landmark.LEFT_ANKLE,
    Landmark.RIGHT_ANKLE,
]
# Joint angles: the landmark it is the angle at, between its two neighbours.
_JOINTS: Final = {
    "elbow": ("SHOULDER", "ELBOW", "WRIST"),
    "shoulder": ("HIP", "SHOULDER", "ELBOW"),
    "hip": ("SHOULDER", "HIP", "KNEE"),
    "knee": ("HIP", "KNEE", "ANKLE"),
    "ankle": ("KNEE", "ANKLE", "FOOT_INDEX"),
}
_JOINT_NAMES: Final = [f"{side}_{joint}" for joint in _JOINTS for side in _SIDES]
_JOINT_ENDS: Final = np.array(
    [[Landmark[f"{side.upper()}_{end}"] for end in ends] for ends in _JOINTS.values() for side in _SIDES]
).T
_BONES: Final = {
    "upper_arm": ("SHOULDER", "ELBOW"),
    "forearm": ("ELBOW", "WRIST"),
    "thigh": ("HIP", "KNEE"),
    "shin": ("KNEE", "ANKLE"),
}
_BONE_NAMES: Final = [f"{side}_{bone}_m" for bone in _BONES for side in _SIDES]
_BONE_ENDS: Final = np.array(
    [[Landmark[f"{side.upper()}_{end}"] for end in ends] for ends in _BONES.values() for side in _SIDES]
).T
_MIRRORED: Final = ("ELBOW", "WRIST", "KNEE", "ANKLE")
_LEFT_OF_MIRRORED: Final = [Landmark[f"LEFT_{name}"] for name in _MIRRORED]
_RIGHT_OF_MIRRORED: Final = [Landmark[f"RIGHT_{name}"] for name in _MIRRORED]

# Points the segments of the body end at that are no landmarks: middles between two.
_MIDDLES: Final = {
    "EARS": _EARS,
    "SHOULDERS": _SHOULDERS,
    "HIPS": _HIPS,
    "LEFT_KNUCKLES": (Landmark.LEFT_INDEX, Landmark.LEFT_PINKY),
    "RIGHT_KNUCKLES": (Landmark.RIGHT_INDEX, Landmark.RIGHT_PINKY),
}
_MIDDLE_ENDS: Final = np.array(list(_MIDDLES.values())).T
_ENDS: Final = {name: len(Landmark) + number for number, name in enumerate(_MIDDLES)} | {
    landmark.name: landmark.value for landmark in Landmark
}
# Start, end, share of the body's mass, and where between the two its centre lies (source: D. A. Winter, Biomechanics
# and Motor Control of Human Movement, 4th ed. 2009, table 4.1). Head and neck weigh at the ear canals.
_TRUNK_SEGMENTS: Final = (("SHOULDERS", "HIPS", 0.497, 0.5), ("EARS", "EARS", 0.081, 0.0))
_SIDE_SEGMENTS: Final = (
    ("SHOULDER", "ELBOW", 0.028, 0.436),
    ("ELBOW", "WRIST", 0.016, 0.430),
    ("WRIST", "KNUCKLES", 0.006, 0.506),
    ("HIP", "KNEE", 0.100, 0.433),
    ("KNEE", "ANKLE", 0.0465, 0.433),
    ("ANKLE", "FOOT_INDEX", 0.0145, 0.5),
)
_SEGMENTS: Final = _TRUNK_SEGMENTS + tuple(
    (f"{side.upper()}_{start}", f"{side.upper()}_{end}", mass, centre)
    for side in _SIDES
    for start, end, mass, centre in _SIDE_SEGMENTS
)
_SEGMENT_STARTS: Final = [_ENDS[start] for start, *_ in _SEGMENTS]
_SEGMENT_ENDS: Final = [_ENDS[end] for _, end, *_ in _SEGMENTS]
_MASSES: Final = np.array([mass for *_, mass, _ in _SEGMENTS])[:, None]
_CENTRES: Final = np.array([centre for *_, centre in _SEGMENTS])[:, None]
# A body seen from its side has one arm and one leg hidden (79 % seen), one at a desk both legs (68 %).
_MASS_NEEDED: Final = 0.7


def measure_bodies(
    pose: NDArray[np.float32], pose_world: NDArray[np.float32], aspect: Floats, mirrored: NDArray[np.bool_]
) -> list[BodyFacts]:
    """Measure N poses, float32 (N, 33, 4): `pose` in fractions of images of an aspect (N,), `pose_world` in metres.

    Where the pose in metres is absent (NaN), joint angles and symmetry are told from the pose in the image with its
    depth, and what is in metres is NaN.
    """
    with np.errstate(all="ignore"):
        body = _Bodies(pose, pose_world, aspect)
        columns = (
            body.measure_visibility()
            | body.measure_places()
            | body.measure_limbs(np.where(mirrored, -1.0, 1.0))
            | body.measure_head()
            | body.measure_joints()
            | body.measure_bones()
        )
        rows = np.stack([columns[name] for name in BodyFacts._fields], axis=1)
    return list(map(BodyFacts._make, rows.tolist()))


def measure_scale(pose: NDArray[np.float32], pose_world: NDArray[np.float32], aspect: Floats) -> Floats:
    """(N,) image heights: the body scale of poses as `measure_bodies` takes them, NaN where it cannot be told."""
    with np.errstate(all="ignore"):
        _, half_hidden = _find_hidden(pose)
        return _find_scale(turn_to_rows(pose, aspect), turn_to_rows(pose_world), half_hidden)[0]


def find_seen(pose: NDArray[np.float32]) -> NDArray[np.bool_]:
    """bool (N, 33): which landmarks of poses (N, 33, 4) are seen; of a pair both, when one of them is."""
    _, half_hidden = _find_hidden(pose)
    return np.asarray(~half_hidden.T & np.isfinite(pose[:, :, :3]).all(axis=2))


class _Bodies:
    """N bodies turned so that one landmark's coordinate is one contiguous row.

    Image heights (3, 33, N) and metres: `in_image`, `in_m` have NaN where a landmark is not seen; `middles`,
    `spans` (3, 5, N) of `_MIDDLES` stand on the more visible of two.
    """

    def __init__(self, pose: NDArray[np.float32], pose_world: NDArray[np.float32], aspect: Floats) -> None:
        self.visibility = np.ascontiguousarray(pose[:, :, 3].T, dtype=np.float64)
        in_image, in_m = turn_to_rows(pose, aspect), turn_to_rows(pose_world)
        hidden, half_hidden = _find_hidden(pose)
        self.scale, self.heights_per_m = _find_scale(in_image, in_m, half_hidden)

        self.has_metres = np.isfinite(in_m[:, Landmark.LEFT_HIP]).all(axis=0)
        in_space = np.where(self.has_metres, in_m, in_image)
        self.middle, self.span = _halve(in_image, half_hidden)
        self.middle_in_space, self.span_in_space = _halve(in_space, half_hidden)
        self.in_image = _blank(in_image, hidden)
        self.in_space = _blank(in_space, hidden)

    def measure_visibility(self) -> dict[str, Floats]:
        legs = self.visibility[_LEGS]
        return {
            "scale": self.scale,
            "visibility": add_up(self.visibility) / len(Landmark),
            "legs_visibility": np.minimum.reduce(legs),
        }

    def measure_places(self) -> dict[str, Floats]:
        """Where things are in the image."""
        centre_x, centre_y = self._weigh()
        shoulders, hips = self.middle["SHOULDERS"], self.middle["HIPS"]
        trunk = shoulders[:2] - hips[:2]
        up = np.zeros_like(trunk)
        up[1] = -1.0
        return {
            "nose_x": self.in_image[0, Landmark.NOSE],
            "nose_y": self.in_image[1, Landmark.NOSE],
            "shoulders_x": shoulders[0],
            "shoulders_y": shoulders[1],
            "hips_x": hips[0],
            "hips_y": hips[1],
            "centre_of_mass_x": centre_x,
            "centre_of_mass_y": centre_y,
            "trunk_lean": angle_between(trunk, up),
        }

    def measure_limbs(self, side_of_left: Floats) -> dict[str, Floats]:
        """Where limbs are from their trunk, and how wide shoulders and hips are seen; in body scales."""
        columns = {
            "shoulder_span": side_of_left * self.span["SHOULDERS"][0] / self.scale,
            "hip_span": side_of_left * self.span["HIPS"][0] / self.scale,
        }
        for names, middle in ((("elbow", "wrist"), "SHOULDERS"), (("knee", "ankle"), "HIPS")):
            for name in names:
                for side in _SIDES:
                    from_trunk = self.in_image[:, Landmark[f"{side}_{name}".upper()]] - self.middle[middle]
                    columns[f"{side}_{name}_right"] = from_trunk[0] / self.scale
                    columns[f"{side}_{name}_up"] = -from_trunk[1] / self.scale
        return columns

    def measure_head(self) -> dict[str, Floats]:
        from_ears = self.in_image[:, Landmark.NOSE] - self.middle["EARS"]
        # In space, for in the image the ears come together when the head turns.
        in_space = length(self.span_in_space["EARS"])
        ear_distance = np.where(self.has_metres, in_space * self.heights_per_m, in_space)
        return {"head_turn": from_ears[0] / ear_distance, "head_drop": from_ears[1] / self.scale}

    def measure_joints(self) -> dict[str, Floats]:
        starts, at, ends = (
            self.in_space[:, _JOINT_ENDS[0]],
            self.in_space[:, _JOINT_ENDS[1]],
            self.in_space[:, _JOINT_ENDS[2]],
        )
        angles = angle_between(starts - at, ends - at)
        return dict(zip(_JOINT_NAMES, angles, strict=True)) | {"symmetry": self._measure_symmetry()}

    def measure_bones(self) -> dict[str, Floats]:
        """Lengths in metres."""
        bones = length(self.in_space[:, _BONE_ENDS[0]] - self.in_space[:, _BONE_ENDS[1]])
        columns = dict(zip(_BONE_NAMES, bones, strict=True)) | {
            "shoulder_width_m": length(self.span_in_space["SHOULDERS"]),
            "trunk_m": length(self.middle_in_space["SHOULDERS"] - self.middle_in_space["HIPS"]),
        }
        return {name: np.where(self.has_metres, column, np.nan) for name, column in columns.items()}

    def _measure_symmetry(self) -> Floats:
        """1 less the mean distance, in trunk lengths, of left elbows, wrists, knees and ankles from the reflections of
        the right ones in the plane that parts the body; of those pairs that are seen, NaN when there is none."""
        shoulders, hips = self.middle_in_space["SHOULDERS"], self.middle_in_space["HIPS"]
        trunk = length(shoulders - hips)
        across = self.span_in_space["SHOULDERS"] + self.span_in_space["HIPS"]
        across = across / length(across)
        # Shoulders turned against the hips leave no one plane; the middle of the trunk is on all that may be meant.
        left, right = self.in_space[:, _LEFT_OF_MIRRORED], self.in_space[:, _RIGHT_OF_MIRRORED]
        middle = (0.5 * (shoulders + hips))[:, None]
        beyond = dot(right - middle, across[:, None])
        apart = length(left - right + 2.0 * beyond * across[:, None]) / trunk
        seen = ~np.isnan(apart)
        mean = add_up(np.where(seen, apart, 0.0)) / add_up(seen.astype(np.float64))
        return np.asarray(np.maximum(1.0 - mean, 0.0))

    def _weigh(self) -> Floats:
        """(2, N): the centre of mass in the image, of the segments that are seen."""
        middles = np.stack(list(self.middle.values()), axis=1)
        ends = np.concatenate([self.in_image, middles], axis=1)[:2]
        starts = ends[:, _SEGMENT_STARTS]
        centres = starts + _CENTRES * (ends[:, _SEGMENT_ENDS] - starts)
        seen = ~np.isnan(centres[0])
        masses = np.where(seen, _MASSES, 0.0)
        mass = add_up(masses)
        moments = np.where(seen, centres, 0.0) * masses
        centre = np.stack([add_up(moments[0]), add_up(moments[1])]) / mass
        return np.where(seen[0] & (mass >= _MASS_NEEDED), centre, np.nan)


def _find_hidden(pose: NDArray[np.float32]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """bool (33, N) twice: the landmarks below the visibility asked for, and those of them that are in no pair whose
    other one is visible."""
    hidden = np.ascontiguousarray(~(pose[:, :, 3] >= VISIBLE_FROM).T)
    half_hidden = hidden.copy()
    half_hidden[_PAIRED] &= hidden[_OTHERS_OF_PAIRS]
    return hidden, half_hidden


def _blank(points: Floats, hidden: NDArray[np.bool_]) -> Floats:
    """The points (3, 33, N) with NaN where a landmark (33, N) is hidden or has a coordinate that is not finite."""
    finite = np.isfinite(points[0]) & np.isfinite(points[1]) & np.isfinite(points[2])
    return np.where(hidden | ~finite, np.nan, points)


def _halve(points: Floats, hidden: NDArray[np.bool_]) -> tuple[dict[str, Floats], dict[str, Floats]]:
    """For each of `_MIDDLES` the middle (3, N), and the way from the second of the two to the first."""
    blanked = _blank(points, hidden)
    first, second = blanked[:, _MIDDLE_ENDS[0]], blanked[:, _MIDDLE_ENDS[1]]
    middle, span = 0.5 * (first + second), first - second
    return (
        {name: middle[:, number] for number, name in enumerate(_MIDDLES)},
        {name: span[:, number] for number, name in enumerate(_MIDDLES)},
    )


def _find_scale(in_image: Floats, in_m: Floats, hidden: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """(N,) the body scale in image heights, and how many image heights a metre is; NaN where shoulders are not seen.

    A trunk in the image is short when the person bends towards the camera, a shoulder width when they turn; a trunk in
    metres is neither. So the scale is the trunk's length in metres by how many image heights a metre is at the trunk:
    the size in the image of the four corners of the trunk, against that of the same corners in metres seen from the
    camera. Hips below the image count where MediaPipe takes them to be. Without metres the scale is the longer of the
    trunk, when its hips are seen, and 1.4 shoulder widths, in the image.
    """
    corners = [*_SHOULDERS, *_HIPS]
    corners_in_image, corners_in_m = in_image[:, corners], in_m[:, corners]
    heights_per_m = _spread(corners_in_image) / _spread(corners_in_m)
    trunk_m = length(0.5 * (add_up(corners_in_m[:, :2].swapaxes(0, 1)) - add_up(corners_in_m[:, 2:].swapaxes(0, 1))))
    by_metres = trunk_m * heights_per_m

    shoulders, hips = corners_in_image[:2, :2], corners_in_image[:2, 2:]
    trunk = length(0.5 * ((shoulders[:, 0] + shoulders[:, 1]) - (hips[:, 0] + hips[:, 1])))
    trunk = np.where(hidden[Landmark.LEFT_HIP], np.nan, trunk)
    by_image = np.fmax(trunk, TRUNK_OF_SHOULDER_WIDTH * length(shoulders[:, 0] - shoulders[:, 1]))

    scale = np.where(_is_length(by_metres), by_metres, by_image)
    told = _is_length(scale) & ~hidden[Landmark.LEFT_SHOULDER]
    return np.where(told, scale, np.nan), heights_per_m


def _spread(corners: Floats) -> Floats:
    """(N,): how far apart points (3, 4, N) are as the camera sees them: the root of their squared distances from their
    middle."""
    x, y = corners[0], corners[1]
    from_middle_x, from_middle_y = x - 0.25 * add_up(x), y - 0.25 * add_up(y)
    return np.asarray(np.sqrt(add_up(from_middle_x * from_middle_x) + add_up(from_middle_y * from_middle_y)))


def _is_length(values: Floats) -> NDArray[np.bool_]:
    return np.asarray((values > 0.0) & np.isfinite(values))
