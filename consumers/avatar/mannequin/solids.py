"""Solids as fields: how far a point is outside a solid, in metres; negative inside. Solids melt into each other.

Tapered capsules and ellipsoids, united by the polynomial smooth minimum (Quílez, "Smooth minimum"): a field need not be
an exact distance, since only where it is zero is drawn.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]
Field = NDArray[np.float64]
Place = tuple[float, float, float]


class Solid(Protocol):
    """What has an inside."""

    def measure(self, points: Points) -> Field:
        """float64[N]: how far points float64[N, 3] are outside."""


@dataclass(frozen=True, slots=True)
class Capsule:
    """A rod from `start` to `end`, its radius going from one to the other; `flat` stretches it along each axis."""

    start: Place
    end: Place
    radii: tuple[float, float]
    flat: Place = (1.0, 1.0, 1.0)

    def measure(self, points: Points) -> Field:
        """See Solid."""
        flat = np.array(self.flat)
        start, end = np.array(self.start) / flat, np.array(self.end) / flat
        along = end - start
        offsets = points / flat - start
        share = np.clip(offsets @ along / (along @ along), 0.0, 1.0)
        rest = offsets - share[:, None] * along
        distance: Field = np.sqrt((rest * rest).sum(axis=1)) - (self.radii[0] + share * (self.radii[1] - self.radii[0]))
        return distance * min(self.flat)


@dataclass(frozen=True, slots=True)
class Ellipsoid:
    """Half-axes `radii` about `centre`."""

    centre: Place
    radii: Place

    def measure(self, points: Points) -> Field:
        """See Solid. First order (value over gradient), which is exact where it is zero."""
        scaled = (points - np.array(self.centre)) / np.array(self.radii)
        length = np.sqrt((scaled * scaled).sum(axis=1))
        steepness = scaled / np.array(self.radii)
        slope = np.sqrt((steepness * steepness).sum(axis=1))
        distance: Field = length * (length - 1.0) / np.maximum(slope, 1e-9)
        return distance


@dataclass(frozen=True, slots=True)
class HalfSpace:
    """All that lies behind a plane through `place`, whose unit `normal` points out."""

    place: Place
    normal: Place

    def measure(self, points: Points) -> Field:
        """See Solid."""
        distance: Field = (points - np.array(self.place)) @ np.array(self.normal)
        return distance


@dataclass(frozen=True, slots=True)
class Blend:
    """Solids melted together over `melt_m`, less others, whose edges are rounded over `carve_m`."""

    solids: Sequence[Solid]
    melt_m: float
    less: Sequence[Solid] = field(default=())
    carve_m: float = 0.01

    def measure(self, points: Points) -> Field:
        """See Solid."""
        united = self.solids[0].measure(points)
        for solid in self.solids[1:]:
            united = _smooth_minimum(united, solid.measure(points), self.melt_m)
        for solid in self.less:
            united = -_smooth_minimum(-united, solid.measure(points), self.carve_m)
        return united


def _smooth_minimum(first: Field, second: Field, melt_m: float) -> Field:
    near = np.maximum(melt_m - np.abs(first - second), 0.0) / melt_m
    return np.minimum(first, second) - near * near * melt_m / 4.0


def measure_slope(solid: Solid, points: Points) -> Points:
    """float64[N, 3]: the outward unit normal of the field at points, by central differences."""
    step = 1e-4
    shifts = np.concatenate((np.eye(3), -np.eye(3))) * step
    around = solid.measure((points[:, None, :] + shifts).reshape(-1, 3)).reshape(-1, 6)
    slope = (around[:, :3] - around[:, 3:]) / (2.0 * step)
    unit: Points = slope / np.maximum(np.sqrt((slope * slope).sum(axis=1, keepdims=True)), 1e-9)
    return unit
