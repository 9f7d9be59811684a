"""The lens a picture was taken through, and how to look past its perspective.

MediaPipe's x and y are where a point is in the picture, its z how far behind the part's origin it lies, in the scale x
has there. Read as if they were places in space, they shear what is not in the middle: what is nearer lies further out,
by the tangent of the angle the ray of sight makes with the camera's axis. A pinhole undoes that: a point's true offset
from the axis is the one seen, times how far away it is compared with the origin.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from consumers.avatar.humanoid.rotations import Vectors

ASSUMED_VIEW_DEG: Final = 43.0
"""How much of the world a picture takes in across its shorter side: 43° is a webcam of 78° across the corners of 16:9
(Logitech's C920), and within a few degrees what telephones film in."""

_NEAREST: Final = 0.1
"""No point is nearer to the camera than this share of its origin's distance, whatever its z says."""


@dataclass(frozen=True, slots=True)
class Lens:
    """N pictures in pixels of Unity's axes: `centre` float64[N, 3] (z is 0), `focal_px` float64[N]."""

    centre: Vectors
    focal_px: NDArray[np.float64]

    @classmethod
    def assume(cls, pixels_per_unit: Vectors) -> "Lens":
        """The usual lens, from float64[N, 3]: pixels of the picture's width (negative in a mirror), height, and z."""
        size = np.abs(pixels_per_unit[:, :2])
        return cls(
            centre=pixels_per_unit * (-0.5, -0.5, 0.0),
            focal_px=0.5 * size.min(axis=-1) / np.tan(np.radians(ASSUMED_VIEW_DEG) / 2),
        )

    def straighten(self, points: Vectors) -> Vectors:
        """Points float64[N, …, 3] of the pictures, counted from the corner, as they lie in space beside the origin."""
        extra = (1,) * (points.ndim - 2)
        centre = self.centre.reshape(-1, *extra, 3)[..., :2]
        nearness = np.maximum(1.0 - points[..., 2:] / self.focal_px.reshape(-1, *extra, 1), _NEAREST)
        return np.concatenate((centre + (points[..., :2] - centre) * nearness, points[..., 2:]), axis=-1)
