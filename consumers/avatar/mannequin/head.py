"""The head: face, ears, nose, hair, and the two eyes, which turn with their bones."""

from typing import Final

import numpy as np

from consumers.avatar.humanoid.skeleton import Bone
from consumers.avatar.mannequin.colours import Colour
from consumers.avatar.mannequin.parts import JOINTS, Part, Rod, cover, gather, joint, reflect
from consumers.avatar.mannequin.solids import Blend, Capsule, Ellipsoid, HalfSpace, Solid
from consumers.avatar.mannequin.surface import Surface, draw_surface, join_grid

EYE_RADIUS_M: Final = 0.0205
EYE: Final = joint(Bone.LEFT_EYE)

_SKULL: Final = (0.0, 1.603, 0.004)
_LOW: Final = (-0.115, 1.45, -0.13)
_HIGH: Final = (0.115, 1.78, 0.15)

_IRIS_RAD: Final = np.radians(34.0)
_PUPIL_RAD: Final = np.radians(17.0)
_GLINT_RAD: Final = np.radians(6.0)
_SECTORS: Final = 20

FACE: Final[Solid] = Blend(
    [
        Ellipsoid(_SKULL, (0.084, 0.118, 0.098)),
        Ellipsoid((0.0, 1.540, 0.030), (0.064, 0.062, 0.066)),
        Ellipsoid((0.0, 1.497, 0.066), (0.028, 0.020, 0.026)),
        Ellipsoid((0.0, 1.554, 0.104), (0.0115, 0.0125, 0.014)),
        Ellipsoid((0.0, 1.572, 0.094), (0.008, 0.020, 0.010)),
    ],
    0.030,
    [Ellipsoid(place, (0.0265, 0.022, 0.026)) for place in ((EYE[0], EYE[1], 0.096), (-EYE[0], EYE[1], 0.096))],
    0.014,
)
"""The skin of the face, without ears: what brows and mouth lie on."""


def draw_skin() -> Part:
    """Face and ears, all carried by the head."""
    skin = cover(draw_surface(FACE, _LOW, _HIGH, 0.0082), Colour.SKIN, [_HEAD_ROD])
    ear = Blend(
        [Ellipsoid((0.085, 1.572, -0.004), (0.011, 0.027, 0.017))],
        0.01,
        [Ellipsoid((0.100, 1.574, 0.002), (0.009, 0.016, 0.009))],
        0.006,
    )
    left = cover(draw_surface(ear, (0.06, 1.53, -0.04), (0.11, 1.62, 0.04), 0.0072), Colour.SKIN, [_HEAD_ROD])
    return gather([skin, left, reflect(left)])


def draw_hair(style: int) -> Part:
    """Hair in one of four styles, modulo its number: short, bob, bun, tousled."""
    x, y, z = _SKULL
    cap: list[Solid] = [
        Ellipsoid((x, y + 0.012, z - 0.010), (0.0965, 0.122, 0.107)),
        Capsule((-0.040, y + 0.106, 0.070), (0.052, y + 0.088, 0.076), (0.024, 0.022)),
        Capsule((0.052, y + 0.088, 0.076), (0.084, y + 0.028, 0.044), (0.021, 0.012)),
        Capsule((-0.040, y + 0.106, 0.070), (-0.084, y + 0.034, 0.044), (0.022, 0.012)),
    ]
    window: list[Solid] = [
        Ellipsoid((0.0, 1.566, 0.125), (0.073, 0.096, 0.085)),
        HalfSpace((0.0, 1.525, -0.01), (0.0, 0.92, 0.39)),
        *(Ellipsoid((side * 0.097, 1.565, 0.010), (0.030, 0.042, 0.028)) for side in (1.0, -1.0)),
    ]
    kind = style % 4
    if kind == 1:
        cap += [Capsule((side * 0.072, 1.61, -0.03), (side * 0.080, 1.475, -0.020), (0.040, 0.030)) for side in (1, -1)]
        cap += [Capsule((-0.055, 1.50, -0.068), (0.055, 1.50, -0.068), (0.042, 0.042))]
        window = [window[0], HalfSpace((0.0, 1.462, 0.0), (0.0, 1.0, 0.0))]
    elif kind == 2:
        cap.append(Ellipsoid((0.0, y + 0.130, -0.065), (0.046, 0.042, 0.046)))
    elif kind == 3:
        cap += [
            Ellipsoid((0.05 * np.cos(turn), y + 0.105 + 0.012 * np.sin(2.0 * turn), 0.05 * np.sin(turn)), (0.034,) * 3)
            for turn in np.linspace(0.0, 2.0 * np.pi, 7, endpoint=False).tolist()
        ]
    solid = Blend(cap, 0.018, window, 0.005)
    surface = draw_surface(solid, (-0.135, 1.44, -0.145), (0.135, 1.80, 0.13), 0.009)
    return cover(surface, Colour.HAIR, [_HEAD_ROD])


def draw_eyes() -> Part:
    """Two balls, each with iris, pupil and a glint, that look along +z and turn about their middles."""
    left = _draw_eye(Bone.LEFT_EYE, 1.0)
    return gather([left, _draw_eye(Bone.RIGHT_EYE, -1.0)])


def _draw_eye(bone: Bone, side: float) -> Part:
    edges = [0.0, _PUPIL_RAD, _IRIS_RAD, np.radians(62.0), np.radians(95.0), np.radians(135.0), np.pi]
    colours = [Colour.PUPIL, Colour.IRIS, *[Colour.EYE_WHITE] * 4]
    parts = [
        _draw_band(bone, first, second, colour)
        for first, second, colour in zip(edges, edges[1:], colours, strict=False)
    ]
    glint = _draw_band(bone, 0.0, _GLINT_RAD, Colour.GLINT, swell=1.012)
    tilt = np.radians(15.0)
    shift = EYE_RADIUS_M * np.array([side * 0.6 * np.sin(tilt), np.sin(tilt), np.cos(tilt) - 1.0])
    parts.append(Part(glint.points + shift, glint.normals, glint.triangles, glint.colours, glint.bones, glint.weights))
    return gather(parts)


def _draw_band(bone: Bone, first_rad: float, second_rad: float, colour: Colour, swell: float = 1.0) -> Part:
    """The part of an eye's ball between two angles from the direction it looks."""
    around = np.linspace(0.0, 2.0 * np.pi, _SECTORS, endpoint=False)
    rows = np.linspace(first_rad, second_rad, 3)
    directions = np.stack(
        [
            np.stack(
                (np.sin(row) * np.cos(around), np.sin(row) * np.sin(around), np.full(_SECTORS, np.cos(row))), axis=1
            )
            for row in rows
        ]
    ).reshape(-1, 3)
    surface = Surface(
        JOINTS[bone] + swell * EYE_RADIUS_M * directions, directions, join_grid(3, _SECTORS, wrap_columns=True)[:, ::-1]
    )
    return cover(surface, colour, [Rod(bone, joint(bone), joint(bone))])


_HEAD_ROD: Final = Rod(Bone.HEAD, joint(Bone.HEAD), (0.0, 1.62, 0.0))
