"""Triangles on the surface of a solid, by surface nets (Gibson, "Constrained elastic surface nets", 1998).

One vertex for each cell of a grid that the surface crosses, then moved onto the surface itself along its normal.
Normals are the field's own, so that few triangles look smooth.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from consumers.avatar.mannequin.solids import Place, Points, Solid, measure_slope

Triangles = NDArray[np.int64]

_CORNERS: Final = np.array([(x, y, z) for x in (0, 1) for y in (0, 1) for z in (0, 1)])
_EDGES: Final = [
    (first, second)
    for first in range(8)
    for second in range(first + 1, 8)
    if np.abs(_CORNERS[first] - _CORNERS[second]).sum() == 1
]
_PROJECTIONS: Final = 3


@dataclass(frozen=True, slots=True)
class Surface:
    """Vertices and normals float64[N, 3], and triangles int64[T, 3], counter-clockwise seen from outside."""

    points: Points
    normals: Points
    triangles: Triangles


def draw_surface(solid: Solid, low: Place, high: Place, cell_m: float) -> Surface:
    """The surface of a solid within a box, in cells of that size."""
    counts = [int(np.ceil((end - start) / cell_m)) + 1 for start, end in zip(low, high, strict=True)]
    axes = [start + cell_m * np.arange(count) for start, count in zip(low, counts, strict=True)]
    grid = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)
    values = solid.measure(grid.reshape(-1, 3)).reshape(counts)
    inside = values < 0.0
    points, cells = _place_vertices(values, inside)
    points = np.array(low) + cell_m * points
    for _ in range(_PROJECTIONS):
        points = points - measure_slope(solid, points) * np.clip(solid.measure(points), -cell_m, cell_m)[:, None]
    return Surface(points, measure_slope(solid, points), _join(inside, cells))


def join_grid(rows: int, columns: int, *, wrap_rows: bool = False, wrap_columns: bool = False) -> Triangles:
    """Two triangles for each cell of a grid of points, row by row; `wrap`: the last one meets the first."""
    index = np.pad(np.arange(rows * columns).reshape(rows, columns), ((0, wrap_rows), (0, wrap_columns)), mode="wrap")
    a, b, c, d = index[:-1, :-1], index[:-1, 1:], index[1:, 1:], index[1:, :-1]
    return np.concatenate([np.stack(corners, axis=-1).reshape(-1, 3) for corners in ((a, b, c), (a, c, d))])


def _place_vertices(values: NDArray[np.float64], inside: NDArray[np.bool_]) -> tuple[Points, NDArray[np.int64]]:
    """The mean of where the surface crosses a cell's edges; and for each cell the number of its vertex, or −1."""
    nx, ny, nz = (count - 1 for count in values.shape)
    corner_values = np.stack([values[x : x + nx, y : y + ny, z : z + nz] for x, y, z in _CORNERS], axis=-1)
    within = np.stack([inside[x : x + nx, y : y + ny, z : z + nz] for x, y, z in _CORNERS], axis=-1)
    crossed = within.any(axis=-1) & ~within.all(axis=-1)
    at = np.argwhere(crossed)
    around, is_in = corner_values[crossed], within[crossed]
    total, count = np.zeros((len(at), 3)), np.zeros(len(at))
    for first, second in _EDGES:
        cut = is_in[:, first] != is_in[:, second]
        gap = np.where(cut, around[:, first] - around[:, second], 1.0)
        share = np.where(cut, around[:, first] / gap, 0.0)
        crossing = _CORNERS[first] + share[:, None] * (_CORNERS[second] - _CORNERS[first])
        total += crossing * cut[:, None]
        count += cut
    cells = np.full((nx, ny, nz), -1)
    cells[crossed] = np.arange(len(at))
    return at + total / count[:, None], cells


def _join(inside: NDArray[np.bool_], cells: NDArray[np.int64]) -> Triangles:
    """Two triangles around each grid edge that the surface crosses, of the four cells that share the edge."""
    triangles = []
    for axis in range(3):
        first, second = (axis + 1) % 3, (axis + 2) % 3
        turned = np.moveaxis(inside, (axis, first, second), (0, 1, 2))
        around = np.moveaxis(cells, (axis, first, second), (0, 1, 2))
        leaving = turned[:-1, 1:-1, 1:-1] & ~turned[1:, 1:-1, 1:-1]
        entering = ~turned[:-1, 1:-1, 1:-1] & turned[1:, 1:-1, 1:-1]
        corners = (around[:, :-1, :-1], around[:, 1:, :-1], around[:, 1:, 1:], around[:, :-1, 1:])
        for flags, order in ((leaving, (0, 1, 2, 3)), (entering, (3, 2, 1, 0))):
            a, b, c, d = (corners[corner][flags] for corner in order)
            triangles += [np.stack((a, b, c), axis=1), np.stack((a, c, d), axis=1)]
    return np.concatenate(triangles)
