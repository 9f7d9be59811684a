"""A pinhole camera on a stand, looking straight at the stage."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

_NEAREST_M: Final = 0.05


@dataclass(frozen=True)
class Camera:
    """Where it stands and what it takes in.

    It is `distance_m` in front of the stage's middle and `height_m` above the floor, level; the picture is `width` by
    `height` pixels and takes in `vertical_view_deg` from bottom to top. The defaults show a standing person from head
    to foot.
    """

    distance_m: float = 2.7
    height_m: float = 0.93
    vertical_view_deg: float = 41.0
    width: int = 1280
    height: int = 720

    @classmethod
    def at_desk(cls) -> "Camera":
        """A webcam at eye level, close: head, arms and chest."""
        return cls(distance_m=1.15, height_m=1.38, vertical_view_deg=45.0)

    @cached_property
    def _focal_of_height(self) -> float:
        return float(0.5 / np.tan(np.radians(self.vertical_view_deg) / 2))

    @property
    def focal_of_width(self) -> float:
        """The focal length as a fraction of the picture's width."""
        return self._focal_of_height * self.height / self.width

    def depth(self, z_m: NDArray[Any]) -> NDArray[Any]:
        """Metres in front of the camera of points at `z_m` in body space; never nearer than a hand's breadth."""
        return np.asarray(np.maximum(self.distance_m - z_m, _NEAREST_M))

    def project(self, points_m: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
        """x and y, fractions of the picture's width and height, of points (3, …) in body space.

        The person's left is at the picture's right: nothing is mirrored.
        """
        depth = self.depth(points_m[2])
        x = 0.5 + points_m[0] * self.focal_of_width / depth
        y = 0.5 - (points_m[1] - self.height_m) * self._focal_of_height / depth
        return x, y

    def relative_depth(self, z_m: NDArray[Any], origin_z_m: NDArray[Any]) -> NDArray[Any]:
        """Depth behind an origin in the scale x has at the origin, as MediaPipe counts z: nearer is negative."""
        return np.asarray((origin_z_m - z_m) * (self.focal_of_width / self.depth(origin_z_m)))
