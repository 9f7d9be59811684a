"""A batch's landmarks as points in Unity's space, each part in units and with an origin of its own.

MediaPipe's x runs to the image's right, y down, z away from the camera; Unity's y runs up, and a performer who faces
the camera looks along +z with the left side at −x: all three axes change sign. Of a mirrored picture only y and z do:
the points of the picture are still in its mirror, whereas sides and world landmarks are the person's own. Only
directions and ratios are read from the points, so units (metres, pixels) and origins do not matter. Hands, and a body
known from the picture alone, are freed of the picture's perspective.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from consumers.avatar.humanoid.rotations import Vectors
from consumers.avatar.solver.lens import Lens
from keypoints.frame import FrameBatch
from keypoints.landmarks import PoseLandmark

_USUAL_SIZE: Final = (1280, 720)
"""Width and height in pixels assumed for a frame that does not say."""

_MOST_OUTSIDE: Final = 1 / 3
"""A hand with a larger share of its points outside the picture is MediaPipe's guess, and jumps about."""

_FURTHEST: Final = 1e6
"""Pixels or metres; a coordinate beyond is none, and would overflow what is computed of it."""

_ALL_AXES: Final = np.array([-1.0, -1.0, -1.0])
_WRISTS: Final = np.array([PoseLandmark.LEFT_WRIST, PoseLandmark.RIGHT_WRIST])


@dataclass(frozen=True, slots=True)
class UnityLandmarks:
    """N frames; NaN where a part is absent or a coordinate is not finite, or beyond all bounds.

    `body` float64[N, 33, 3] (metres where world landmarks are there, else pixels), `visibility` float64[N, 33] (0 where
    unknown), `hands` float64[N, 2, 21, 3] left then right (pixels; NaN where too much lies outside the picture), `face`
    float64[N, 478, 3] (pixels, with the picture's perspective), `in_image` float64[N, 33, 3] the body in the picture
    (pixels). Points in pixels count from the picture's corner, `pixels` float64[N, 3] are its width (negative in a
    mirror), its height, and the unit of z.
    """

    body: Vectors
    visibility: NDArray[np.float64]
    hands: Vectors
    face: Vectors
    in_image: Vectors
    pixels: Vectors

    @property
    def wrists_in_image(self) -> Vectors:
        """float64[N, 2, 3]: the pose's left and right wrist in the picture."""
        return self.in_image[:, _WRISTS]

    @property
    def lens(self) -> Lens:
        """The lens the pictures are taken to be seen through."""
        return Lens.assume(self.pixels)


def place_in_unity(batch: FrameBatch) -> UnityLandmarks:
    """Turn a batch's parts into Unity's space."""
    pixels = _pixels_per_unit(batch)
    lens = Lens.assume(pixels[:, 0])
    has_world = batch.pose_world_present
    in_image = _scale(batch.pose[..., :3], -pixels, batch.pose_present)
    body = _scale(batch.pose_world[..., :3], _ALL_AXES, has_world)
    visibility = batch.pose_world[..., 3].astype(np.float64)
    if not has_world.all():
        body = np.where(has_world[:, None, None], body, lens.straighten(in_image))
        visibility = np.where(has_world[:, None], visibility, batch.pose[..., 3])
    hands = np.empty((len(batch), 2, *batch.left_hand.shape[1:]))
    hands[:, 0] = _keep(batch.left_hand, batch.left_hand_present)
    hands[:, 1] = _keep(batch.right_hand, batch.right_hand_present)
    hands[_is_out_of_picture(hands)] = np.nan
    return UnityLandmarks(
        body=body,
        visibility=np.where(np.isfinite(visibility), visibility, 0.0),
        hands=lens.straighten(_bound(hands * -pixels[:, None])),
        face=_scale(batch.face, -pixels, batch.face_present),
        in_image=in_image,
        pixels=pixels[:, 0],
    )


def _is_out_of_picture(hands: Vectors) -> NDArray[np.bool_]:
    """bool[N, 2]: hands too much of which is beyond the picture's edges."""
    outside = (np.abs(hands[..., :2] - 0.5) > 0.5).any(axis=-1)
    out: NDArray[np.bool_] = outside.mean(axis=-1) > _MOST_OUTSIDE
    return out


def _scale(points: NDArray[np.floating], per_unit: Vectors, present: NDArray[np.bool_]) -> Vectors:
    return _bound(_keep(points, present) * per_unit)


def _keep(points: NDArray[np.floating], present: NDArray[np.bool_]) -> NDArray[np.floating]:
    return points if present.all() else np.where(present[:, None, None], points, np.nan)


def _bound(points: Vectors) -> Vectors:
    """The same points, of which coordinates beyond all bounds are NaN; written in place."""
    if not (points.min(initial=0.0) > -_FURTHEST and points.max(initial=0.0) < _FURTHEST):
        points[~(np.abs(points) < _FURTHEST)] = np.nan
    return points


def _pixels_per_unit(batch: FrameBatch) -> Vectors:
    """float64[N, 1, 3]: x, in a mirror backwards, is a fraction of the width, y of the height, z about as x."""
    known = (batch.width > 0) & (batch.height > 0)
    width = np.where(known, batch.width, _USUAL_SIZE[0]).astype(np.float64)
    height = np.where(known, batch.height, _USUAL_SIZE[1]).astype(np.float64)
    return np.stack((np.where(batch.mirrored, -width, width), height, width), axis=-1)[:, None, :]
