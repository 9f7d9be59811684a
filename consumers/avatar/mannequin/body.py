"""The body: shirt, trousers, shoes, bare arms and hands with fingers, neck. Left limbs are drawn, right ones mirrored.

Proportions follow the built-in skeleton; radii are by eye.
"""

from typing import Final

import numpy as np

from consumers.avatar.humanoid.skeleton import Bone
from consumers.avatar.mannequin.colours import Colour
from consumers.avatar.mannequin.parts import JOINTS, Part, Rod, cover, gather, joint, reflect
from consumers.avatar.mannequin.solids import Blend, Capsule, Field, HalfSpace, Place, Points, Solid, measure_slope
from consumers.avatar.mannequin.surface import Surface, draw_surface, join_grid

_FINGERS: Final[tuple[tuple[str, float, float], ...]] = (
    ("THUMB", 0.0122, 0.026),
    ("INDEX", 0.0093, 0.022),
    ("MIDDLE", 0.0095, 0.024),
    ("RING", 0.0091, 0.022),
    ("LITTLE", 0.0080, 0.018),
)
"""Name, radius at the knuckle, and length of the last segment, metres."""

_WRIST: Final = joint(Bone.LEFT_HAND)
_HIP_X, _KNEE_Y, _ANKLE_Y = JOINTS[Bone.LEFT_UPPER_LEG][0], JOINTS[Bone.LEFT_LOWER_LEG][1], JOINTS[Bone.LEFT_FOOT][1]
_ARM_Y: Final = float(JOINTS[Bone.LEFT_UPPER_ARM][1])


def draw_body() -> list[Part]:
    """All parts that have no face."""
    sided = [_draw_arm(), _draw_palm(), *_draw_fingers(), *_draw_shoe()]
    return [_draw_shirt(), _draw_trousers(), _draw_neck(), *sided, *(reflect(part) for part in sided)]


def _draw_shirt() -> Part:
    flat = (1.32, 1.0, 0.90)
    trunk = [
        Capsule((0.0, 1.285, -0.005), (0.0, 1.12, 0.0), (0.112, 0.097), flat),
        Capsule((0.0, 1.12, 0.0), (0.0, 0.88, 0.0), (0.097, 0.126), flat),
        Capsule((0.09, 1.385, -0.008), (0.0, 1.40, -0.008), (0.040, 0.050)),
        Capsule((-0.09, 1.385, -0.008), (0.0, 1.40, -0.008), (0.040, 0.050)),
        Capsule((-0.05, 1.372, -0.036), (0.05, 1.372, -0.036), (0.046, 0.046)),
    ]
    sleeves = [
        Capsule((side * 0.13, 1.362, -0.002), (side * 0.34, _ARM_Y, 0.0), (0.066, 0.054)) for side in (1.0, -1.0)
    ]
    edges: list[Solid] = [
        HalfSpace((0.0, 0.885, 0.0), (0.0, 1.0, 0.0)),
        HalfSpace((0.295, 0.0, 0.0), (-1.0, 0.0, 0.0)),
        HalfSpace((-0.295, 0.0, 0.0), (1.0, 0.0, 0.0)),
        _COLLAR,
    ]
    solid = Blend([*trunk, *sleeves], 0.055, edges, 0.012)
    surface = draw_surface(solid, (-0.322, 0.85, -0.16), (0.322, 1.48, 0.16), 0.018)
    shirt = cover(surface, Colour.SHIRT, _SHIRT_RODS, 0.016)
    return gather([shirt, _draw_collar(Blend([*trunk, *sleeves], 0.055))])


def _draw_collar(shirt: Solid) -> Part:
    """A tube along the line on which the shirt ends at the neck."""
    turns = np.linspace(0.0, 2.0 * np.pi, 40, endpoint=False)
    centres = _find_edge(shirt, turns)
    along = np.roll(centres, -1, axis=0) - np.roll(centres, 1, axis=0)
    outward = measure_slope(_COLLAR, centres)
    across = np.cross(along, outward)
    across /= np.sqrt((across * across).sum(axis=1, keepdims=True))
    around = np.linspace(0.0, 2.0 * np.pi, 8, endpoint=False)[None, :, None]
    normals = (np.cos(around) * outward[:, None] + np.sin(around) * across[:, None]).reshape(-1, 3)
    points = np.repeat(centres, 8, axis=0) + 0.0085 * normals
    surface = Surface(points, normals, join_grid(40, 8, wrap_rows=True, wrap_columns=True))
    return cover(surface, Colour.TRIM, _SHIRT_RODS, 0.016)


def _find_edge(shirt: Solid, turns: Field) -> Points:
    """Where the collar's surface leaves the shirt, in directions about the neck: by halving heights."""
    low, high = np.full(len(turns), 1.34), np.full(len(turns), 1.52)
    for _ in range(_HALVINGS):
        middle = 0.5 * (low + high)
        within = shirt.measure(_reach_collar(turns, middle)) < 0.0
        low, high = np.where(within, middle, low), np.where(within, high, middle)
    return _reach_collar(turns, low)


def _reach_collar(turns: Field, heights: Field) -> Points:
    """The collar's surface at heights, in directions about its axis: by halving distances."""
    inner, outer = np.zeros(len(turns)), np.full(len(turns), 0.2)
    for _ in range(_HALVINGS):
        middle = 0.5 * (inner + outer)
        within = _COLLAR.measure(_go_out(turns, heights, middle)) < 0.0
        inner, outer = np.where(within, middle, inner), np.where(within, outer, middle)
    return _go_out(turns, heights, inner)


def _go_out(turns: Field, heights: Field, distances: Field) -> Points:
    return np.stack((distances * np.sin(turns), heights, _COLLAR_Z + distances * np.cos(turns)), axis=1)


_COLLAR_Z: Final = 0.0
_HALVINGS: Final = 20
_COLLAR: Final = Capsule((0.0, 1.455, _COLLAR_Z), (0.0, 1.60, 0.02), (0.072, 0.12))
"""What the shirt leaves free about the neck."""


def _both(bone: str, start: Place, end: Place) -> list[Rod]:
    right_start, right_end = (-start[0], *start[1:]), (-end[0], *end[1:])
    return [Rod(Bone[f"LEFT_{bone}"], start, end), Rod(Bone[f"RIGHT_{bone}"], right_start, right_end)]


_SHIRT_RODS: Final = [
    Rod(Bone.HIPS, (-0.10, 0.92, 0.0), (0.10, 0.92, 0.0)),
    Rod(Bone.HIPS, (-0.10, 0.98, 0.0), (0.10, 0.98, 0.0)),
    Rod(Bone.SPINE, (-0.08, 1.08, 0.0), (0.08, 1.08, 0.0)),
    Rod(Bone.CHEST, (-0.09, 1.20, 0.0), (0.09, 1.20, 0.0)),
    Rod(Bone.UPPER_CHEST, (-0.10, 1.29, 0.0), (0.10, 1.29, 0.0)),
    Rod(Bone.UPPER_CHEST, (0.0, 1.27, 0.0), (0.0, 1.40, 0.0)),
    *_both("SHOULDER", (0.06, 1.38, 0.0), (0.135, 1.385, 0.0)),
    *_both("UPPER_ARM", (0.185, _ARM_Y, 0.0), (0.41, _ARM_Y, 0.0)),
]


def _draw_trousers() -> Part:
    solids = [
        Capsule((-0.045, 0.925, -0.002), (0.045, 0.925, -0.002), (0.092, 0.092), (1.06, 1.0, 0.98)),
        *(
            capsule
            for side in (1.0, -1.0)
            for capsule in (
                Capsule((side * 0.080, 0.88, -0.002), (side * _HIP_X, _KNEE_Y, 0.0), (0.080, 0.060)),
                Capsule((side * _HIP_X, _KNEE_Y, 0.0), (side * _HIP_X, 0.05, -0.008), (0.060, 0.056)),
            )
        ),
    ]
    edges = [HalfSpace((0.0, 0.078, 0.0), (0.0, 1.0, 0.0)), HalfSpace((0.0, 0.985, 0.0), (0.0, -1.0, 0.0))]
    surface = draw_surface(Blend(solids, 0.03, edges, 0.012), (-0.20, 0.05, -0.15), (0.20, 1.02, 0.15), 0.018)
    rods = [
        Rod(Bone.HIPS, (-0.11, 0.955, 0.0), (0.11, 0.955, 0.0)),
        Rod(Bone.HIPS, (0.0, 0.97, 0.0), (0.0, 0.87, 0.0)),
        *_both("UPPER_LEG", (_HIP_X, 0.855, 0.0), (_HIP_X, _KNEE_Y, 0.0)),
        *_both("LOWER_LEG", (_HIP_X, _KNEE_Y, 0.0), (_HIP_X, _ANKLE_Y, 0.0)),
    ]
    return cover(surface, Colour.TROUSERS, rods, 0.014)


def _draw_neck() -> Part:
    solid = Blend(
        [
            Capsule((0.0, 1.33, -0.012), (0.0, 1.53, 0.004), (0.052, 0.050)),
            Capsule((-0.07, 1.355, -0.004), (0.07, 1.355, -0.004), (0.045, 0.045)),
        ],
        0.05,
    )
    surface = draw_surface(solid, (-0.14, 1.28, -0.10), (0.14, 1.60, 0.10), 0.0135)
    rods = [
        Rod(Bone.UPPER_CHEST, (-0.08, 1.36, 0.0), (0.08, 1.36, 0.0)),
        Rod(Bone.NECK, (0.0, 1.43, 0.0), (0.0, 1.50, 0.0)),
        Rod(Bone.HEAD, (0.0, 1.515, 0.0), (0.0, 1.60, 0.0)),
    ]
    return cover(surface, Colour.SKIN, rods, 0.012)


def _draw_arm() -> Part:
    elbow = joint(Bone.LEFT_LOWER_ARM)
    solid = Blend(
        [
            Capsule((0.24, _ARM_Y, 0.0), elbow, (0.042, 0.036)),
            Capsule(elbow, (0.50, _ARM_Y, -0.001), (0.036, 0.037)),
            Capsule((0.50, _ARM_Y, -0.001), (0.655, _ARM_Y, 0.0), (0.037, 0.022), (1.0, 0.94, 1.06)),
        ],
        0.02,
    )
    surface = draw_surface(solid, (0.19, _ARM_Y - 0.06, -0.06), (0.69, _ARM_Y + 0.06, 0.06), 0.013)
    rods = [
        Rod(Bone.LEFT_UPPER_ARM, (0.2, _ARM_Y, 0.0), elbow),
        Rod(Bone.LEFT_LOWER_ARM, elbow, (0.645, _ARM_Y, 0.0)),
        Rod(Bone.LEFT_HAND, (0.655, _ARM_Y, 0.0), (0.70, _ARM_Y, 0.0)),
    ]
    return cover(surface, Colour.SKIN, rods, 0.008)


def _draw_palm() -> Part:
    x, y, z = _WRIST
    solids = [Capsule((x - 0.02, y, z), (x + 0.02, y, z), (0.021, 0.020), (1.0, 0.9, 1.15))]
    for finger, radius, _ in _FINGERS[1:]:
        knuckle = joint(Bone[f"LEFT_{finger}_PROXIMAL"])
        heel = (x + 0.018, y, z + 0.62 * (knuckle[2] - z))
        solids.append(Capsule(heel, (knuckle[0] + 0.002, knuckle[1], knuckle[2]), (0.0165, radius + 0.0022)))
    thumb = joint(Bone.LEFT_THUMB_PROXIMAL)
    ball = joint(Bone.LEFT_THUMB_INTERMEDIATE)
    solids.append(Capsule((x + 0.016, y, z + 0.010), thumb, (0.018, 0.0155)))
    solids.append(Capsule(thumb, _between(thumb, ball, 0.75), (0.0155, 0.0125)))
    low, high = (x - 0.05, y - 0.03, z - 0.065), (x + 0.115, y + 0.03, z + 0.08)
    surface = draw_surface(Blend(solids, 0.014), low, high, 0.0066)
    rods = [
        Rod(Bone.LEFT_LOWER_ARM, (x - 0.06, y, z), (x - 0.006, y, z)),
        Rod(Bone.LEFT_HAND, (x + 0.006, y, z), (x + 0.08, y, z - 0.012)),
        Rod(Bone.LEFT_HAND, (x + 0.02, y, z + 0.01), (x + 0.08, y, z + 0.02)),
        Rod(Bone.LEFT_HAND, (x + 0.02, y, z - 0.01), (x + 0.07, y, z - 0.035)),
        Rod(Bone.LEFT_THUMB_PROXIMAL, _between(thumb, ball, 0.25), ball),
    ]
    return cover(surface, Colour.SKIN, rods, 0.005)


def _draw_fingers() -> list[Part]:
    parts = []
    for finger, radius, tip_m in _FINGERS:
        bones = [Bone[f"LEFT_{finger}_{segment}"] for segment in ("PROXIMAL", "INTERMEDIATE", "DISTAL")]
        places = [joint(bone) for bone in bones]
        along = np.array(places[2]) - np.array(places[1])
        x, y, z = (np.array(places[2]) + (tip_m - 0.5 * radius) * along / np.linalg.norm(along)).tolist()
        chain: list[Place] = [*places, (x, y, z)]
        radii = [radius * share for share in (1.0, 0.94, 0.86, 0.70)]
        capsules = [Capsule(chain[i], chain[i + 1], (radii[i], radii[i + 1])) for i in range(3)]
        corners = np.array(chain)
        margin = radius + 0.008
        low, high = (corners.min(axis=0) - margin).tolist(), (corners.max(axis=0) + margin).tolist()
        surface = draw_surface(Blend(capsules, 0.003), tuple(low), tuple(high), 0.0060)
        rods = [Rod(bone, chain[i], chain[i + 1]) for i, bone in enumerate(bones)]
        parts.append(cover(surface, Colour.SKIN, rods, 0.0022))
    return parts


def _draw_shoe() -> list[Part]:
    x = float(_HIP_X)
    toes = JOINTS[Bone.LEFT_TOES]
    upper = [
        Capsule((x, 0.048, -0.038), (x + 0.001, 0.036, 0.06), (0.043, 0.040)),
        Capsule((x + 0.001, 0.036, 0.06), (x + 0.004, 0.026, 0.150), (0.043, 0.036), (1.0, 0.86, 1.0)),
        Capsule((x, 0.04, -0.012), (x, 0.092, -0.012), (0.043, 0.036)),
    ]
    sole = [Capsule((x, 0.012, -0.040), (x + 0.004, 0.012, 0.152), (0.045, 0.041))]
    floor = HalfSpace((0.0, 0.0, 0.0), (0.0, 1.0, 0.0))
    rods = [
        Rod(Bone.LEFT_FOOT, (x, 0.03, -0.05), (x, 0.03, 0.11)),
        Rod(Bone.LEFT_FOOT, (x, 0.03, 0.0), (x, 0.09, 0.0)),
        Rod(Bone.LEFT_TOES, (x, 0.02, float(toes[2]) + 0.02), (x, 0.02, 0.19)),
    ]
    low, high = (x - 0.07, -0.02, -0.11), (x + 0.07, 0.16, 0.22)
    shoe = Blend(upper, 0.025, [HalfSpace((0.0, 0.012, 0.0), (0.0, 1.0, 0.0))], 0.004)
    welt = Blend(sole, 0.01, [floor, HalfSpace((0.0, 0.020, 0.0), (0.0, -1.0, 0.0))], 0.006)
    return [
        cover(draw_surface(shoe, low, high, 0.0115), Colour.SHOE, rods, 0.008),
        cover(draw_surface(welt, low, high, 0.0115), Colour.SOLE, rods, 0.008),
    ]


def _between(start: Place, end: Place, share: float) -> Place:
    x, y, z = (a + share * (b - a) for a, b in zip(start, end, strict=True))
    return x, y, z
