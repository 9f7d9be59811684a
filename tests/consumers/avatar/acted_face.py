"""A face that acts one action unit at a time: what the face's shapes are checked against.

It shares nothing with what is checked but the mesh's numbering: each act is a soft pull on the skin about a place of
the face, in millimetres, or moves an outline (lids, lips) as a whole. Space: Unity's, the face looking along +z, so
that the person's left is at −x.
"""

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from keypoints.landmarks import FACE_CONTOURS, FACE_MIRROR
from keypoints.landmarks import FaceLandmark as Face
from performers.face import load_face

Mesh = NDArray[np.float64]
Act = Callable[[Mesh], Mesh]
"""From a face at rest to how far every point moves at full strength, both float64[478, 3] in millimetres."""

_HINGE: Final = (0.0, -26.0, -65.0)
_JAW_OPEN_RAD: Final = np.radians(18.0)
_EYEBALL_MM: Final = 11.0
_IRISES: Final = {"left": slice(473, 478), "right": slice(468, 473)}


def resting_face() -> Mesh:
    """float64[478, 3]: the performers' face at rest, from the middle of the eye line."""
    face: Mesh = load_face().template.T.astype(np.float64) * (-1000.0, 1000.0, 1000.0)
    return face


def act(strengths: Mapping[str, float], at_rest: Mesh | None = None) -> Mesh:
    """The face with each named act at its strength."""
    rest = resting_face() if at_rest is None else at_rest
    moved = rest.copy()
    for name, strength in strengths.items():
        moved += strength * ACTS[name](rest)
    return moved


def turn_head(face: Mesh, *, yaw_deg: float = 0.0, pitch_deg: float = 0.0, roll_deg: float = 0.0) -> Mesh:
    """The face on a head turned to the person's right, bowed, and tilted."""
    turned = face
    for degrees, first, second in ((roll_deg, 0, 1), (pitch_deg, 1, 2), (yaw_deg, 2, 0)):
        cosine, sine = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
        matrix = np.eye(3)
        matrix[first, first] = matrix[second, second] = cosine
        matrix[first, second], matrix[second, first] = -sine, sine
        turned = turned @ matrix.T
    return turned


def _pull(place: int, radius_mm: float, by_mm: tuple[float, float, float]) -> Act:
    def spread(rest: Mesh) -> Mesh:
        distance = np.linalg.norm(rest - rest[place], axis=1)
        pulled: Mesh = np.exp(-((distance / radius_mm) ** 2))[:, None] * np.array(by_mm)
        return pulled

    return spread


def _together(*acts: Act) -> Act:
    return lambda rest: np.asarray(np.sum([one(rest) for one in acts], axis=0), dtype=np.float64)


def _mirrored(of_right: Act) -> Act:
    flip = np.array([-1.0, 1.0, 1.0])
    return lambda rest: np.asarray(of_right(rest[FACE_MIRROR] * flip)[FACE_MIRROR] * flip)


def _ring(contour: str) -> list[int]:
    return [start for start, _ in FACE_CONTOURS[contour]]


def _halves(contour: str, first: int, second: int) -> tuple[list[int], list[int]]:
    """An outline's points from one corner to the other, and the ones across, corners left out, in the same order."""
    ring = _ring(contour)
    start = ring.index(first)
    ring = ring[start:] + ring[:start]
    end = ring.index(second)
    return ring[1:end], ring[:end:-1]


_LOWER_LID, _UPPER_LID = _halves("right_eye", Face.RIGHT_EYE_OUTER, Face.RIGHT_EYE_INNER)
_LOWER_EDGE, _UPPER_EDGE = _halves("lips_outer", Face.MOUTH_RIGHT, Face.MOUTH_LEFT)
_LOWER_SEAM, _UPPER_SEAM = _halves("lips_inner", Face.MOUTH_RIGHT_INNER, Face.MOUTH_LEFT_INNER)
_LOWER_LIP: Final = [*_LOWER_EDGE, *_LOWER_SEAM, 15, 16, 86, 85, 316, 315]
_UPPER_LIP: Final = [*_UPPER_EDGE, *_UPPER_SEAM, 11, 12, 38, 72, 268, 302]


def _close_right_eye(rest: Mesh) -> Mesh:
    moved = np.zeros_like(rest)
    gap = rest[_LOWER_LID] - rest[_UPPER_LID]
    moved[_UPPER_LID], moved[_LOWER_LID] = 0.88 * gap, -0.08 * gap
    return moved


def _lift(points: list[int], by_mm: tuple[float, float, float]) -> Act:
    def lift(rest: Mesh) -> Mesh:
        moved = np.zeros_like(rest)
        moved[points] = by_mm
        return moved

    return lift


def _open_jaw(rest: Mesh) -> Mesh:
    arm = rest - np.array(_HINGE)
    cosine, sine = np.cos(_JAW_OPEN_RAD), np.sin(_JAW_OPEN_RAD)
    turned = np.stack((arm[:, 0], cosine * arm[:, 1] - sine * arm[:, 2], sine * arm[:, 1] + cosine * arm[:, 2]), -1)
    seam = rest[Face.LOWER_LIP_INNER, 1]
    share = np.clip((seam + 4.0 - rest[:, 1]) / 18.0, 0.0, 1.0)
    share[_UPPER_LIP], share[_LOWER_LIP] = 0.0, 1.0
    share[[Face.MOUTH_LEFT, Face.MOUTH_RIGHT, Face.MOUTH_LEFT_INNER, Face.MOUTH_RIGHT_INNER]] = 0.42
    share[468:] = 0.0
    opened: Mesh = share[:, None] * (turned - arm)
    return opened


def _round_lips(part_mm: float) -> Act:
    def purse(rest: Mesh) -> Mesh:
        lips = sorted({*_UPPER_LIP, *_LOWER_LIP, *_ring("lips_outer"), *_ring("lips_inner")})
        moved = np.zeros_like(rest)
        moved[lips, 0], moved[lips, 2] = -0.33 * rest[lips, 0], 6.0
        middle = 1.0 - np.abs(rest[:, 0]) / 30.0
        moved[_UPPER_LIP, 1] += 0.4 * part_mm * middle[_UPPER_LIP]
        moved[_LOWER_LIP, 1] -= 0.6 * part_mm * middle[_LOWER_LIP]
        return moved

    return purse


def _thin(edge: list[int], seam: list[int], share: float, back_mm: float) -> Act:
    def thin(rest: Mesh) -> Mesh:
        moved = np.zeros_like(rest)
        moved[edge] = share * (rest[seam] - rest[edge])
        moved[[*edge, *seam], 2] -= back_mm
        return moved

    return thin


def _look(down_deg: float, right_deg: float) -> Act:
    def look(rest: Mesh) -> Mesh:
        moved = np.zeros_like(rest)
        right, down = np.radians(right_deg), np.radians(down_deg)
        by = np.array([np.sin(right) * np.cos(down), -np.sin(down), np.cos(right) * np.cos(down) - 1.0])
        for irises in _IRISES.values():
            moved[irises] = _EYEBALL_MM * by
        return moved

    return look


_RIGHT_ACTS: Final[dict[str, Act]] = {
    "eyeBlink": _close_right_eye,
    "eyeSquint": _lift(_LOWER_LID, (0.0, 1.8, 0.0)),
    "eyeWide": _lift(_UPPER_LID, (0.0, 2.6, 0.0)),
    "browOuterUp": _pull(Face.RIGHT_BROW_OUTER, 14.0, (0.0, 7.0, 0.0)),
    "browDown": _together(
        _pull(Face.RIGHT_BROW_INNER, 14.0, (-2.0, -4.0, 0.0)), _pull(Face.RIGHT_BROW_MIDDLE, 14.0, (-1.0, -3.0, 0.0))
    ),
    "noseSneer": _together(
        _pull(Face.NOSE_RIGHT, 9.0, (0.0, 5.0, 0.0)), _pull(Face.RIGHT_BROW_INNER, 12.0, (0.0, -1.0, 0.0))
    ),
    "mouthSmile": _together(
        _pull(Face.MOUTH_RIGHT, 16.0, (8.0, 8.0, -5.0)), _pull(205, 18.0, (1.0, 3.5, 1.0)), _pull(145, 6.0, (0, 0.4, 0))
    ),
    "mouthFrown": _pull(Face.MOUTH_RIGHT, 12.0, (0.0, -6.0, 0.0)),
    "mouthStretch": _pull(Face.MOUTH_RIGHT, 16.0, (10.0, -3.0, -2.0)),
    "mouthDimple": _pull(Face.MOUTH_RIGHT, 9.0, (1.0, 0.0, -10.0)),
    "mouthUpperUp": _pull(39, 11.0, (0.0, 5.5, 0.0)),
    "mouthLowerDown": _pull(181, 11.0, (0.0, -5.5, 0.0)),
    "cheekSquint": _together(_pull(118, 20.0, (0.0, 6.0, 1.0)), _pull(50, 14.0, (0.0, 3.0, 1.0))),
}
_MIDDLE_ACTS: Final[dict[str, Act]] = {
    "browInnerUp": _together(
        _pull(Face.RIGHT_BROW_INNER, 13.0, (0.0, 7.0, 0.0)), _pull(Face.LEFT_BROW_INNER, 13.0, (0.0, 7.0, 0.0))
    ),
    "jawOpen": _open_jaw,
    "jawForward": _pull(Face.CHIN, 42.0, (0.0, 0.0, 14.0)),
    "jawLeft": _pull(Face.CHIN, 40.0, (-8.0, 0.0, 0.0)),
    "jawRight": _pull(Face.CHIN, 40.0, (8.0, 0.0, 0.0)),
    "mouthLeft": _pull(Face.LOWER_LIP_INNER, 30.0, (-8.0, 0.0, 0.0)),
    "mouthRight": _pull(Face.LOWER_LIP_INNER, 30.0, (8.0, 0.0, 0.0)),
    "mouthPucker": _round_lips(0.0),
    "mouthFunnel": _round_lips(11.0),
    "mouthRollUpper": _thin(_UPPER_EDGE, _UPPER_SEAM, 0.85, 2.0),
    "mouthRollLower": _thin(_LOWER_EDGE, _LOWER_SEAM, 0.85, 2.0),
    "mouthPress": _together(_thin(_UPPER_EDGE, _UPPER_SEAM, 0.3, 0.0), _thin(_LOWER_EDGE, _LOWER_SEAM, 0.3, 0.0)),
    "mouthShrugLower": _pull(Face.LOWER_LIP_OUTER, 14.0, (0.0, 5.0, 2.0)),
    "cheekPuff": _together(_pull(187, 22.0, (8.0, 0.0, 6.0)), _mirrored(_pull(187, 22.0, (8.0, 0.0, 6.0)))),
    "eyeLookUp": _look(-20.0, 0.0),
    "eyeLookDown": _look(20.0, 0.0),
    "eyesLeft": _look(0.0, -24.0),
    "eyesRight": _look(0.0, 24.0),
}
ACTS: Final[dict[str, Act]] = {
    **_MIDDLE_ACTS,
    **{f"{name}Right": one for name, one in _RIGHT_ACTS.items()},
    **{f"{name}Left": _mirrored(one) for name, one in _RIGHT_ACTS.items()},
}
"""Every act by the name of ARKit's shape; `eyesLeft` and `eyesRight` are of both eyes, to the person's own side."""
