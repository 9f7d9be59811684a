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
    world, image = batch.pose_world.astype(np.float64), batch.pose.astype(np.float64)
    has_world = batch.pose_world_present[:, None, None]
    in_image = _negate(_keep(image[..., :3], batch.pose_present) * pixels)
    body = _negate(np.where(has_world, world[..., :3], np.nan))
    if not has_world.all():
        body = np.where(has_world, body, lens.straighten(in_image))
    visibility = np.where(has_world[..., 0], world[..., 3], image[..., 3])
    hands = np.stack(
        (_keep(batch.left_hand, batch.left_hand_present), _keep(batch.right_hand, batch.right_hand_present)), axis=1
    )
    hands[_is_out_of_picture(hands)] = np.nan
    return UnityLandmarks(
        body=body,
        visibility=np.nan_to_num(visibility, nan=0.0, posinf=0.0, neginf=0.0),
        hands=lens.straighten(_negate(hands * pixels[:, None])),
        face=_negate(_keep(batch.face, batch.face_present) * pixels),
        in_image=in_image,
        pixels=pixels[:, 0],
    )


def _is_out_of_picture(hands: Vectors) -> NDArray[np.bool_]:
    """bool[N, 2]: hands too much of which is beyond the picture's edges."""
    outside = (np.abs(hands[..., :2] - 0.5) > 0.5).any(axis=-1)
    out: NDArray[np.bool_] = outside.mean(axis=-1) > _MOST_OUTSIDE
    return out


def _keep(points: NDArray[np.floating], present: NDArray[np.bool_]) -> Vectors:
    return np.where(present[:, None, None], points, np.nan).astype(np.float64, copy=False)


def _negate(points: Vectors) -> Vectors:
    return np.where(np.abs(points) < _FURTHEST, -points, np.nan)


def _pixels_per_unit(batch: FrameBatch) -> Vectors:
    """float64[N, 1, 3]: x, in a mirror backwards, is a fraction of the width, y of the height, z about as x."""
    known = (batch.width > 0) & (batch.height > 0)
    width = np.where(known, batch.width, _USUAL_SIZE[0]).astype(np.float64)
    height = np.where(known, batch.height, _USUAL_SIZE[1]).astype(np.float64)
    return np.stack((np.where(batch.mirrored, -width, width), height, width), axis=-1)[:, None, :]
