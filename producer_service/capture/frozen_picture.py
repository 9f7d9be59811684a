"""Whether a camera still sees, or sends one picture over and over."""

from typing import Final

import numpy as np

from producer_service.capture.captured import RgbImage

_POINTS_A_SIDE: Final = 64


class FrozenPicture:
    """Compares some 64 by 64 points of each picture with those of the one before.

    They must be the same to the last bit: even an empty room differs by a sensor's noise.
    """

    def __init__(self) -> None:
        self._points: RgbImage | None = None
        self._since_s = 0.0

    def still_for_s(self, image: RgbImage, at_s: float) -> float:
        """For how long the pictures up to this one, seen at `at_s`, have been the same."""
        rows, columns = (max(1, side // _POINTS_A_SIDE) for side in image.shape[:2])
        points = image[::rows, ::columns]
        if self._points is None or not np.array_equal(points, self._points):
            self._points = points.copy()
            self._since_s = at_s
        return at_s - self._since_s
