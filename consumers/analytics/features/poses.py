"""Poses as columns: which landmarks are seen, where the middles between two are, and how large a body is.

A landmark below `VISIBLE_FROM`, or with a coordinate that is not finite, is not seen, and what stands on it is NaN.
Shoulders, hips and ears are pairs of which one hides the other when the person turns, and where the hidden one is can
be told from the body: the middle of a pair, and the distance in it, stand on the more visible of the two.
"""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from consumers.analytics.features.geometry import Floats, add_up, find_aspect, length, turn_to_rows
from keypoints.frame import FrameBatch
from keypoints.landmarks import PoseLandmark as Landmark

VISIBLE_FROM: Final = 0.5
TRUNK_OF_SHOULDER_WIDTH: Final = 1.4
"""How many shoulder widths a trunk is long: 1.41 and 1.44 in MediaPipe's metres of two people filmed."""

_EARS: Final = (Landmark.LEFT_EAR, Landmark.RIGHT_EAR)
_SHOULDERS: Final = (Landmark.LEFT_SHOULDER, Landmark.RIGHT_SHOULDER)
_HIPS: Final = (Landmark.LEFT_HIP, Landmark.RIGHT_HIP)
_PAIRED: Final = [*_EARS, *_SHOULDERS, *_HIPS]
_OTHERS_OF_PAIRS: Final = [*_EARS[::-1], *_SHOULDERS[::-1], *_HIPS[::-1]]

MIDDLES: Final = {
    "EARS": _EARS,
    "SHOULDERS": _SHOULDERS,
    "HIPS": _HIPS,
    "LEFT_KNUCKLES": (Landmark.LEFT_INDEX, Landmark.LEFT_PINKY),
    "RIGHT_KNUCKLES": (Landmark.RIGHT_INDEX, Landmark.RIGHT_PINKY),
}
"""Points that are no landmarks: the middles between two."""
_MIDDLE_ENDS: Final = np.array(list(MIDDLES.values())).T


class Poses(NamedTuple):
    """The poses of a batch that are there."""

    rows: NDArray[np.intp]
    """(N,): of the batch, rising."""
    pose: NDArray[np.float32]
    """(N, 33, 4) in fractions of the image."""
    pose_world: NDArray[np.float32]
    """(N, 33, 4) in metres, NaN where it is absent."""
    aspect: Floats
    """(N,): the images' widths by their heights."""


def take_poses(batch: FrameBatch) -> Poses:
    """The rows with a pose in the image; one in metres alone is nowhere."""
    rows = np.flatnonzero(batch.pose_present)
    pose_world = batch.pose_world[rows]
    pose_world[~batch.pose_world_present[rows]] = np.nan
    return Poses(rows, batch.pose[rows], pose_world, find_aspect(batch.width[rows], batch.height[rows]))


class PoseColumns:
    """N poses turned so that one landmark's coordinate is one contiguous row, NaN where it is not seen.

    `visibility` (33, N). `in_image` (3, 33, N) in image heights. `in_space` (3, 33, N) in metres where `has_metres`
    (N,), else in image heights with the depth guessed in the image. `middle`, `span`: for each of `MIDDLES` (3, N) in
    the image the middle, and the way from the second of the two to the first; `middle_in_space`, `span_in_space` the
    same in space. `scale` (N,) is the body scale in image heights and `heights_per_m` (N,) how many a metre is.
    """

    def __init__(self, poses: Poses) -> None:
        _, pose, pose_world, aspect = poses
        visibility = np.ascontiguousarray(pose[:, :, 3].T, dtype=np.float64)
        self.visibility = np.minimum(np.maximum(visibility, 0.0), 1.0)
        in_image, in_m = turn_to_rows(pose, aspect), turn_to_rows(pose_world)
        hidden, half_hidden = _find_hidden(pose)
        self.scale, self.heights_per_m = _find_scale(in_image, in_m, half_hidden)
        self.has_metres = np.isfinite(in_m[:, Landmark.LEFT_HIP]).all(axis=0)
        in_space = np.where(self.has_metres, in_m, in_image)
        self.middle, self.span = _halve(in_image, half_hidden)
        self.middle_in_space, self.span_in_space = _halve(in_space, half_hidden)
        self.in_image = _blank(in_image, hidden)
        self.in_space = _blank(in_space, hidden)


def measure_scale(poses: Poses) -> Floats:
    """(N,) image heights: the body scale, NaN where it cannot be told.

    A trunk in the image is short when the person bends towards the camera, a shoulder width when they turn; a trunk in
    metres is neither. So the scale is the trunk's length in metres by how many image heights a metre is at the trunk:
    the size in the image of the four corners of the trunk, against that of the same corners in metres seen from the
    camera. It stands on shoulders and hips wherever MediaPipe takes them to be, below the image too. Without metres the
    scale is the longer of the trunk, when its hips are seen, and 1.4 shoulder widths, in the image.
    """
    with np.errstate(all="ignore"):
        _, half_hidden = _find_hidden(poses.pose)
        return _find_scale(turn_to_rows(poses.pose, poses.aspect), turn_to_rows(poses.pose_world), half_hidden)[0]


def find_seen(pose: NDArray[np.float32]) -> NDArray[np.bool_]:
    """bool (N, 33): which landmarks of poses (N, 33, 4) are seen; of a pair both, when one of them is."""
    _, half_hidden = _find_hidden(pose)
    return np.asarray(~half_hidden.T & np.isfinite(pose[:, :, :3]).all(axis=2))


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
    """For each of `MIDDLES` the middle (3, N), and the way from the second of the two to the first."""
    blanked = _blank(points, hidden)
    first, second = blanked[:, _MIDDLE_ENDS[0]], blanked[:, _MIDDLE_ENDS[1]]
    middle, span = 0.5 * (first + second), first - second
    return (
        {name: middle[:, number] for number, name in enumerate(MIDDLES)},
        {name: span[:, number] for number, name in enumerate(MIDDLES)},
    )


def _find_scale(in_image: Floats, in_m: Floats, hidden: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """(N,) the body scale in image heights, and how many image heights a metre is at the trunk."""
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
    return np.where(_is_length(scale), scale, np.nan), heights_per_m


def _spread(corners: Floats) -> Floats:
    """(N,): how far apart points (3, 4, N) are as the camera sees them: the root of their squared distances from their
    middle."""
    x, y = corners[0], corners[1]
    from_middle_x, from_middle_y = x - 0.25 * add_up(x), y - 0.25 * add_up(y)
    return np.asarray(np.sqrt(add_up(from_middle_x * from_middle_x) + add_up(from_middle_y * from_middle_y)))


def _is_length(values: Floats) -> NDArray[np.bool_]:
    return np.asarray((values > 0.0) & np.isfinite(values))
