"""A camera for a receiver to look through (`/VMC/Ext/Cam`)."""

from dataclasses import dataclass
from math import isfinite

import numpy as np

from consumers.avatar.humanoid.rotations import Quaternions, about_axis, multiply

_UP = np.array([0.0, 1.0, 0.0])
_RIGHT = np.array([1.0, 0.0, 0.0])


@dataclass(frozen=True, slots=True)
class Camera:
    """Where a camera stands and looks, in Unity's space: the avatar stands at the origin and faces +z.

    `position_m` is x, y, z; `yaw_deg` turns it to its right (180 looks back along −z, at the avatar's face),
    `pitch_deg` looks down; `field_of_view_deg` is vertical. Raises ValueError for a number that is none, or no field of
    view.
    """

    position_m: tuple[float, float, float]
    yaw_deg: float
    pitch_deg: float = 0.0
    field_of_view_deg: float = 30.0

    def __post_init__(self) -> None:
        if not all(map(isfinite, (*self.position_m, self.yaw_deg, self.pitch_deg))):
            raise ValueError("a camera's numbers must be finite")
        if not 0.0 < self.field_of_view_deg < 180.0:
            raise ValueError("a camera's field of view lies between 0° and 180°")

    @property
    def rotation(self) -> Quaternions:
        """float64[4]: first down by the pitch, then to the right by the yaw."""
        yaw, pitch = np.radians([self.yaw_deg, self.pitch_deg])
        return multiply(about_axis(_UP, np.array(yaw)), about_axis(_RIGHT, np.array(pitch)))
