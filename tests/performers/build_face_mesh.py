"""Build performers/face_mesh.npz: `python tests/performers/build_face_mesh.py`.

A face of average measures is placed by hand at some 150 points of the mesh (anthropometry: Farkas, Anthropometry of the
Head and Face): oval, brows, lids, nose, lips, cheeks. The points between them are where a stretched membrane over the
mesh's edges would put them: the solution of the graph's Laplace equation. The same is done for what each expression
moves. Only the mesh's edges come from MediaPipe, which is why this is no part of `performers`.
"""

from pathlib import Path
from typing import Final

import numpy as np
from mediapipe.python.solutions.face_mesh_connections import FACEMESH_TESSELATION
from numpy.typing import NDArray

from keypoints.landmarks import FACE_MIRROR, FACE_POINTS, FACE_POINTS_WITHOUT_IRIS

FloatArray = NDArray[np.float64]
Places = dict[int, tuple[float, float, float]]

# Centimetres from the middle of the eye line: x to the person's left, y up, z forward. Midline and the person's right
# side; the left is the mirror image.
# fmt: off
MIDLINE: Final[Places] = {
    10: (0, 5.6, 1.0), 151: (0, 4.0, 1.7), 9: (0, 2.3, 1.9), 8: (0, 1.2, 1.6), 168: (0, 0.3, 1.3), 6: (0, -0.6, 1.5),
    197: (0, -1.5, 2.0), 195: (0, -2.4, 2.7), 5: (0, -3.1, 3.3), 4: (0, -3.7, 3.7), 1: (0, -4.1, 3.6),
    19: (0, -4.6, 3.2), 94: (0, -4.9, 2.6), 2: (0, -5.1, 2.2), 164: (0, -5.7, 2.1), 0: (0, -6.15, 2.35),
    11: (0, -6.45, 2.4), 12: (0, -6.7, 2.15), 13: (0, -6.9, 1.72), 14: (0, -6.98, 1.68), 15: (0, -7.15, 2.05),
    16: (0, -7.5, 2.2), 17: (0, -7.95, 1.98), 18: (0, -8.5, 1.55), 200: (0, -9.3, 1.55), 199: (0, -10.3, 1.8),
    175: (0, -11.2, 1.6), 152: (0, -12.0, 0.7),
}
RIGHT: Final[Places] = {
    109: (-1.9, 5.4, 0.8), 67: (-3.6, 5.0, 0.3), 103: (-4.9, 4.2, -0.5), 54: (-5.9, 3.2, -1.6), 21: (-6.5, 2.0, -3.0),
    162: (-6.9, 0.7, -4.2), 127: (-7.1, -0.7, -4.9), 234: (-7.2, -2.3, -5.2), 93: (-7.15, -3.9, -5.0),
    132: (-6.9, -5.4, -4.6), 58: (-6.5, -6.9, -4.0), 172: (-5.9, -8.3, -3.1), 136: (-5.0, -9.5, -2.0),
    150: (-4.1, -10.4, -1.1), 149: (-3.2, -11.0, -0.4), 176: (-2.2, -11.5, 0.2), 148: (-1.15, -11.85, 0.55),
    33: (-4.5, 0.0, -0.9), 133: (-1.75, -0.15, -0.2),
    246: (-4.25, 0.2, -0.65), 161: (-3.95, 0.36, -0.35), 160: (-3.55, 0.47, -0.1), 159: (-3.1, 0.5, 0.05),
    158: (-2.7, 0.45, 0.08), 157: (-2.3, 0.31, 0.02), 173: (-2.0, 0.08, -0.1),
    7: (-4.2, -0.17, -0.65), 163: (-3.9, -0.29, -0.4), 144: (-3.5, -0.36, -0.2), 145: (-3.1, -0.38, -0.1),
    153: (-2.7, -0.37, -0.05), 154: (-2.3, -0.33, -0.05), 155: (-2.0, -0.25, -0.1),
    70: (-5.3, 1.7, -1.1), 63: (-4.6, 2.25, -0.1), 105: (-3.6, 2.5, 0.6), 66: (-2.6, 2.4, 1.2), 107: (-1.5, 2.0, 1.5),
    46: (-5.1, 1.3, -1.1), 53: (-4.5, 1.75, -0.1), 52: (-3.6, 2.0, 0.55), 65: (-2.6, 1.9, 1.1), 55: (-1.6, 1.5, 1.4),
    69: (-3.6, 3.7, 0.9), 108: (-1.8, 4.0, 1.5), 104: (-5.0, 3.2, 0.0),
    48: (-1.7, -4.5, 1.3), 129: (-1.9, -4.3, 0.8), 98: (-1.2, -5.0, 1.5), 97: (-0.6, -5.05, 1.95),
    122: (-0.85, -0.3, 0.7), 196: (-0.75, -1.5, 1.35), 3: (-0.75, -2.3, 1.9), 51: (-0.8, -3.0, 2.5),
    45: (-0.8, -3.8, 2.9), 44: (-0.65, -4.35, 2.9),
    116: (-5.6, -1.6, -1.3), 117: (-4.9, -1.9, -0.5), 118: (-4.1, -2.2, 0.1), 119: (-3.2, -2.2, 0.35),
    50: (-4.6, -3.6, 0.2), 36: (-3.2, -3.4, 0.8), 205: (-3.6, -4.6, 0.9), 187: (-4.9, -5.0, -0.2),
    207: (-4.0, -6.0, 0.4), 212: (-3.5, -7.6, 0.6),
    61: (-2.5, -6.9, 0.9), 185: (-2.1, -6.6, 1.25), 40: (-1.6, -6.35, 1.65), 39: (-1.05, -6.15, 2.0),
    37: (-0.5, -6.02, 2.28), 146: (-2.1, -7.3, 1.2), 91: (-1.7, -7.6, 1.5), 181: (-1.15, -7.85, 1.8),
    84: (-0.55, -7.95, 1.95),
    78: (-2.2, -6.9, 1.0), 191: (-1.85, -6.84, 1.25), 80: (-1.4, -6.85, 1.45), 81: (-0.95, -6.87, 1.6),
    82: (-0.48, -6.89, 1.7), 95: (-1.85, -6.96, 1.22), 88: (-1.4, -6.97, 1.42), 178: (-0.95, -6.98, 1.57),
    87: (-0.48, -6.98, 1.66),
}
JAW_SHARE: Final[dict[int, float]] = {
    152: 1, 148: 1, 176: 1, 149: 1, 150: 1, 136: 0.85, 172: 0.6, 58: 0.35, 132: 0.15, 175: 1, 199: 1, 200: 1, 18: 1,
    17: 1, 16: 1, 15: 1, 14: 1, 84: 0.98, 181: 0.93, 91: 0.8, 146: 0.6, 87: 0.98, 178: 0.93, 88: 0.8, 95: 0.6,
    61: 0.42, 78: 0.42, 185: 0.2, 191: 0.2, 207: 0.25, 212: 0.6, 187: 0.1,
}
SMILE: Final[Places] = {
    61: (-0.7, 0.6, -0.4), 78: (-0.65, 0.55, -0.4), 185: (-0.5, 0.42, -0.3), 146: (-0.5, 0.42, -0.3),
    191: (-0.5, 0.4, -0.3), 95: (-0.5, 0.4, -0.3), 40: (-0.32, 0.22, -0.2), 91: (-0.32, 0.22, -0.2),
    80: (-0.32, 0.2, -0.2), 88: (-0.32, 0.2, -0.2), 39: (-0.15, 0.08, -0.1), 181: (-0.15, 0.08, -0.1),
    81: (-0.15, 0.08, -0.1), 178: (-0.15, 0.08, -0.1), 205: (-0.1, 0.35, 0.2), 207: (-0.35, 0.35, 0),
    50: (0, 0.25, 0.12), 212: (-0.3, 0.3, -0.1), 187: (-0.2, 0.25, 0.1), 129: (-0.1, 0.08, 0),
}
PUCKER: Final[Places] = {
    61: (0.95, 0, 0.55), 78: (0.85, 0, 0.5), 185: (0.75, 0.05, 0.6), 146: (0.75, -0.05, 0.6), 191: (0.65, 0.05, 0.6),
    95: (0.65, -0.05, 0.6), 40: (0.5, 0.08, 0.65), 91: (0.5, -0.08, 0.65), 80: (0.45, 0.08, 0.65),
    88: (0.45, -0.08, 0.65), 39: (0.28, 0.1, 0.7), 181: (0.28, -0.1, 0.7), 81: (0.25, 0.1, 0.7),
    178: (0.25, -0.1, 0.7), 37: (0.12, 0.1, 0.7), 84: (0.12, -0.1, 0.7), 82: (0.1, 0.1, 0.7), 87: (0.1, -0.1, 0.7),
    0: (0, 0.1, 0.7), 11: (0, 0.1, 0.7), 12: (0, 0.1, 0.7), 13: (0, 0.1, 0.7), 14: (0, -0.1, 0.7), 15: (0, -0.1, 0.7),
    16: (0, -0.1, 0.7), 17: (0, -0.1, 0.7), 212: (0.25, 0, 0.1), 207: (0.2, 0, 0),
}
LIDS: Final = ((246, 7), (161, 163), (160, 144), (159, 145), (158, 153), (157, 154), (173, 155))
BROWS: Final[Places] = {
    70: (0, 0.5, 0), 63: (0, 0.7, 0), 105: (0, 0.8, 0), 66: (0, 0.8, 0), 107: (0, 0.7, 0), 46: (0, 0.5, 0),
    53: (0, 0.7, 0), 52: (0, 0.8, 0), 65: (0, 0.8, 0), 55: (0, 0.7, 0), 9: (0, 0.5, 0), 8: (0, 0.15, 0),
    69: (0, 0.35, 0), 108: (0, 0.3, 0), 104: (0, 0.3, 0), 151: (0, 0.3, 0),
}
# fmt: on
RIGHT_IRIS: Final = (-3.15, 0.05, 0.2)
IRIS_RADIUS: Final = 0.585
JAW_HINGE: Final = (0.0, -2.6, -6.5)
JAW_FULLY_OPEN_RAD: Final = np.radians(20.0)
STEP_M: Final = 1e-5
"""What is stored is whole hundredths of a millimetre."""


def both_sides(right: Places, *, sign_x: float = -1.0) -> Places:
    """The points of the right side and their mirror images."""
    mirrored = {int(FACE_MIRROR[point]): (sign_x * x, y, z) for point, (x, y, z) in right.items()}
    return right | mirrored


def fill_between(fixed: Places) -> FloatArray:
    """(468, 3): the fixed points, and the others each in the middle of its neighbours on the mesh."""
    laplacian = np.zeros((FACE_POINTS_WITHOUT_IRIS, FACE_POINTS_WITHOUT_IRIS))
    for first, second in FACEMESH_TESSELATION:
        laplacian[first, second] = laplacian[second, first] = -1.0
    laplacian[np.diag_indices_from(laplacian)] = -laplacian.sum(axis=1)
    filled = np.zeros((FACE_POINTS_WITHOUT_IRIS, 3))
    known = np.array(sorted(fixed))
    filled[known] = [fixed[point] for point in known]
    free = np.setdiff1d(np.arange(FACE_POINTS_WITHOUT_IRIS), known)
    filled[free] = np.linalg.solve(laplacian[np.ix_(free, free)], -laplacian[np.ix_(free, known)] @ filled[known])
    return filled


def make_symmetric(face: FloatArray) -> FloatArray:
    """The mesh cuts a few quads differently on its two sides; what is the same on both sides is so all the same."""
    return 0.5 * (face + mirror(face))


def spread(moved: Places) -> FloatArray:
    """(478, 3): an expression's displacement everywhere; placed points it does not name stay, the irises too."""
    still = dict.fromkeys(both_sides(RIGHT) | MIDLINE, (0.0, 0.0, 0.0))
    return np.concatenate([fill_between(still | moved), np.zeros((FACE_POINTS - FACE_POINTS_WITHOUT_IRIS, 3))])


def open_jaw(template: FloatArray) -> Places:
    """The jaw turned about its hinge in front of the ears."""
    cos, sin = np.cos(JAW_FULLY_OPEN_RAD), np.sin(JAW_FULLY_OPEN_RAD)
    moved: Places = {}
    for point, share in JAW_SHARE.items():
        for side in {point, int(FACE_MIRROR[point])}:
            _, y, z = template[side] - JAW_HINGE
            moved[side] = (
                -0.08 * template[side][0] * share,
                share * (cos * y - sin * z - y),
                share * (sin * y + cos * z - z),
            )
    return moved


def close_right_lids(template: FloatArray) -> Places:
    """The upper lid comes down to the lower one, which rises by a tenth of the gap."""
    moved: Places = {}
    for upper, lower in LIDS:
        gap = template[lower] - template[upper]
        for point, share in ((upper, 0.9), (lower, -0.1)):
            x, y, z = gap * share
            moved[point] = (float(x), float(y), float(z))
    return moved


def mirror(field: FloatArray) -> FloatArray:
    """The other side's displacement."""
    return np.asarray(field[FACE_MIRROR] * (-1.0, 1.0, 1.0))


def place_irises() -> FloatArray:
    """(10, 3): the right iris' centre and its image-right, top, image-left and bottom points, then the left's."""
    points = []
    for x in (RIGHT_IRIS[0], -RIGHT_IRIS[0]):
        around = np.array([(0, 0), (1, 0), (0, 1), (-1, 0), (0, -1)]) * IRIS_RADIUS
        points.append(np.column_stack([x + around[:, 0], RIGHT_IRIS[1] + around[:, 1], np.full(5, RIGHT_IRIS[2])]))
    return np.concatenate(points)


def build() -> dict[str, NDArray[np.int16]]:
    """The face at rest (478, 3) and each expression's displacement, in steps of STEP_M."""
    template = make_symmetric(np.concatenate([fill_between(both_sides(RIGHT) | MIDLINE), place_irises()]))
    right_blink = spread(close_right_lids(template))
    meshes = {
        "template": template,
        "jaw_open": make_symmetric(spread(open_jaw(template))),
        "smile": make_symmetric(spread(both_sides(SMILE))),
        "pucker": make_symmetric(spread(both_sides(PUCKER))),
        "blink_left": mirror(right_blink),
        "blink_right": right_blink,
        "brow_raise": make_symmetric(spread(both_sides(BROWS))),
    }
    return {name: np.round(mesh * 0.01 / STEP_M).astype(np.int16) for name, mesh in meshes.items()}


if __name__ == "__main__":
    np.savez_compressed(Path(__file__).parents[2] / "performers" / "face_mesh.npz", allow_pickle=False, **build())
