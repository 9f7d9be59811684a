"""What moves in the face: lids, brows, lips, mouth, and the skin about them, drawn for any values of ARKit's shapes.

Shapes are those of Apple's documentation of `ARFaceAnchor.BlendShapeLocation`, read as movements of a few curves. A
morph target is what one shape at 1 moves.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from consumers.avatar.face.arkit import Blendshape as Shape
from consumers.avatar.humanoid.rotations import smoothstep
from consumers.avatar.humanoid.skeleton import Bone
from consumers.avatar.mannequin.colours import Colour
from consumers.avatar.mannequin.head import EYE, EYE_RADIUS_M, FACE
from consumers.avatar.mannequin.parts import Part, Rod, cover, gather, joint
from consumers.avatar.mannequin.solids import Points, measure_slope
from consumers.avatar.mannequin.surface import Surface, Triangles, join_grid

Values = NDArray[np.float64]

_LEFT, _RIGHT = 1.0, -1.0
_ALONG_MOUTH: Final = np.linspace(-1.0, 1.0, 17)
_MOUTH_Y: Final = 1.5175
_MOUTH_HALF_M: Final = 0.0245
_BELL: Final = 1.0 - np.abs(_ALONG_MOUTH) ** 2.5
_TEETH: Final = slice(2, 15)
_TONGUE: Final = slice(4, 13)
_HINGE: Final = np.array([0.0, 1.548, -0.005])
_JAW_OPEN_RAD: Final = np.radians(15.0)
_LID_SWELL: Final = 1.12
_LASH_SWELL: Final = 1.155
_AROUND_TUBE: Final = 6
_HEAD_ROD: Final = Rod(Bone.HEAD, joint(Bone.HEAD), (0.0, 1.62, 0.0))


class Features:
    """The face's parts, and what each shape moves of them."""

    def __init__(self, skin: Part) -> None:
        self._skin = skin
        at_rest = self._move_all(np.zeros(len(Shape)))
        opened = np.zeros(len(Shape))
        opened[Shape.JAW_OPEN] = 1.0
        pieces = _describe_pieces(at_rest[1:], self._move_all(opened)[1:])
        self.part = gather([skin, *pieces])
        """Skin, lids, lashes, brows, mouth and lips, at rest."""
        self._at_rest = np.concatenate(at_rest)

    def move(self, shape: Shape) -> Points:
        """float64[N, 3]: how far one shape at 1 moves each point of `part`."""
        values = np.zeros(len(Shape))
        values[shape] = 1.0
        moved: Points = np.concatenate(self._move_all(values)) - self._at_rest
        return moved

    def _move_all(self, values: Values) -> list[Points]:
        mouth = _draw_mouth(values)
        lids = [grid for side in (_LEFT, _RIGHT) for grid in _draw_lids(values, side)]
        brows = [_draw_brow(values, side) for side in (_LEFT, _RIGHT)]
        return [_move_skin(self._skin, values), *(grid.reshape(-1, 3) for grid in (*lids, *brows, *mouth))]


def _describe_pieces(points: list[Points], opened: list[Points]) -> list[Part]:
    """The pieces in the order in which they are drawn, with their triangles and colours. Which side of a triangle is
    out is read with the mouth open: closed, much of it has no area.
    """
    lids = [(6, 13, Colour.SKIN), (3, 13, Colour.LASH), (4, 13, Colour.SKIN)]
    across = len(_ALONG_MOUTH)
    sizes = [
        *lids, *lids, (9, _AROUND_TUBE, Colour.BROW), (9, _AROUND_TUBE, Colour.BROW),
        (5, across, Colour.MOUTH), (2, len(_ALONG_MOUTH[_TEETH]), Colour.TEETH),
        (3, len(_ALONG_MOUTH[_TONGUE]), Colour.TONGUE), (across, _AROUND_TUBE, Colour.LIP),
        (across, _AROUND_TUBE, Colour.LIP),
    ]  # fmt: skip
    parts = []
    for (rows, columns, colour), piece, wide in zip(sizes, points, opened, strict=True):
        closed = columns == _AROUND_TUBE
        triangles = join_grid(rows, columns, wrap_columns=closed)
        normals = _face_out(piece, rows, columns, closed=closed)
        if _points_in(wide, triangles, normals):
            triangles = triangles[:, ::-1]
        parts.append(cover(Surface(piece, normals, triangles), colour, [_HEAD_ROD]))
    return parts


def _face_out(piece: Points, rows: int, columns: int, *, closed: bool) -> Points:
    """Normals: away from a tube's middle; from an eye's middle; else straight on."""
    if closed:
        grid = piece.reshape(rows, columns, 3)
        away = (grid - grid.mean(axis=1, keepdims=True)).reshape(-1, 3)
    elif columns == 13 and abs(float(piece[:, 0].mean())) > 0.01:
        away = piece - np.array(EYE) * (np.sign(piece[:, 0].mean()), 1.0, 1.0)
        away = away + np.array([0.0, 0.0, 0.35 * EYE_RADIUS_M])
    else:
        away = np.tile([0.0, 0.0, 1.0], (len(piece), 1))
    unit: Points = away / np.maximum(np.sqrt((away * away).sum(axis=1, keepdims=True)), 1e-9)
    return unit


def _points_in(piece: Points, triangles: Triangles, normals: Points) -> bool:
    corners = piece[triangles]
    facing = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    return float((facing * normals[triangles[:, 0]]).sum()) < 0.0


def _move_skin(skin: Part, values: Values) -> Points:
    points = skin.points
    moved = points + _drop_jaw(points, values, _weigh_jaw(points))
    for side, name in ((_LEFT, "LEFT"), (_RIGHT, "RIGHT")):
        puff = _bump(points, (side * 0.046, 1.524, 0.070), 0.022) * values[Shape.CHEEK_PUFF] * 0.011
        smile = _bump(points, (side * 0.045, 1.545, 0.080), 0.020) * values[Shape[f"MOUTH_SMILE_{name}"]] * 0.005
        squint = _bump(points, (side * 0.040, 1.552, 0.088), 0.016) * values[Shape[f"CHEEK_SQUINT_{name}"]] * 0.004
        sneer = _bump(points, (side * 0.014, 1.555, 0.102), 0.012) * values[Shape[f"NOSE_SNEER_{name}"]] * 0.004
        moved = moved + skin.normals * (puff + smile + squint)[:, None]
        moved[:, 1] += 0.7 * (smile + squint) + sneer
    return moved


def _bump(points: Points, centre: tuple[float, float, float], width_m: float) -> Values:
    offsets = (points - np.array(centre)) / width_m
    bump: Values = np.exp(-0.5 * (offsets * offsets).sum(axis=1))
    return bump


def _weigh_jaw(points: Points) -> Values:
    """How much of the jaw's movement the skin takes: all below the lips, none above and behind them."""
    return smoothstep(-points[:, 1], -1.530, -1.505) * smoothstep(points[:, 2], -0.045, 0.045)


def _drop_jaw(points: Points, values: Values, weight: Values) -> Points:
    """float64[N, 3]: how far the jaw takes points: about the hinge, forward and to the sides."""
    angle = _JAW_OPEN_RAD * values[Shape.JAW_OPEN]
    y, z = (points - _HINGE)[:, 1], (points - _HINGE)[:, 2]
    turned_y, turned_z = y * np.cos(angle) - z * np.sin(angle), y * np.sin(angle) + z * np.cos(angle)
    aside = 0.009 * (values[Shape.JAW_LEFT] - values[Shape.JAW_RIGHT])
    ahead = 0.008 * values[Shape.JAW_FORWARD]
    moved = np.stack((np.full(len(points), aside), turned_y - y, turned_z - z + ahead), axis=1)
    share: Points = weight[:, None] * moved
    return share


def _draw_lids(values: Values, side: float) -> list[Points]:
    """Upper lid [6, 13, 3], its lashes [3, 13, 3], lower lid [4, 13, 3]: strips of a ball about the eye's."""
    name = "LEFT" if side == _LEFT else "RIGHT"
    blink, squint, wide = (values[Shape[f"EYE_{kind}_{name}"]] for kind in ("BLINK", "SQUINT", "WIDE"))
    up, down = (values[Shape[f"EYE_LOOK_{kind}_{name}"]] for kind in ("UP", "DOWN"))
    upper = 31.0 - 47.0 * blink - 10.0 * squint + 12.0 * wide + 8.0 * up - 15.0 * down
    lower = -37.0 + 21.0 * blink + 13.0 * squint - 3.0 * wide + 3.0 * up - 5.0 * down
    lower += 6.0 * values[Shape[f"CHEEK_SQUINT_{name}"]]
    middle = np.array(EYE) * (side, 1.0, 1.0)
    return [
        middle + _strip(112.0, upper, 6, _LID_SWELL),
        middle + _strip(upper + 6.0, upper - 1.5, 3, _LASH_SWELL),
        middle + _strip(-112.0, lower, 4, _LID_SWELL),
    ]


def _strip(start_deg: float, end_deg: float, rows: int, swell: float) -> Points:
    """float64[rows, 13, 3]: from one elevation to another, from corner to corner of an eye."""
    elevation = np.radians(np.linspace(start_deg, end_deg, rows))[:, None]
    across = np.radians(np.linspace(-90.0, 90.0, 13))[None, :]
    directions = np.stack(
        np.broadcast_arrays(np.sin(across), np.cos(across) * np.sin(elevation), np.cos(across) * np.cos(elevation)),
        axis=-1,
    )
    strip: Points = swell * EYE_RADIUS_M * directions
    return strip


def _draw_brow(values: Values, side: float) -> Points:
    """float64[9, 6, 3]: a tapered tube from the nose outwards."""
    name = "LEFT" if side == _LEFT else "RIGHT"
    outward = np.linspace(0.0, 1.0, 9)
    inner, outer = (1.0 - outward) ** 2, outward * (2.0 - outward)
    down, raised = values[Shape[f"BROW_DOWN_{name}"]], values[Shape[f"BROW_OUTER_UP_{name}"]]
    lift = values[Shape.BROW_INNER_UP] * (0.003 + 0.009 * inner) + raised * (0.002 + 0.009 * outer)
    lift = lift - down * (0.009 - 0.004 * outward) - 0.003 * inner * values[Shape[f"NOSE_SNEER_{name}"]]
    x = 0.0145 + 0.0395 * outward - 0.003 * inner * down
    y = 1.6165 + 0.0065 * (1.0 - (1.7 * outward - 0.85) ** 2) + lift
    centres, normals = _lay_on_face(side * x, y, 0.0012)
    radii = 0.0040 * np.sin(np.pi * (0.22 + 0.72 * outward)) + 0.0004
    return _tube(centres, normals, radii)


def _lay_on_face(x: Values, y: Values, above_m: float) -> tuple[Points, Points]:
    """Points on the face as seen from the front, lifted off it, and the normals there."""
    points = np.stack((x, y, np.full(len(x), 0.15)), axis=1)
    for _ in range(24):
        points[:, 2] -= 0.8 * FACE.measure(points)
    normals = measure_slope(FACE, points)
    return points + above_m * normals, normals


def _tube(centres: Points, normals: Points, radii: Values) -> Points:
    """float64[N, 6, 3]: rings about a line across the face, flatter along the normal than up and down."""
    turns = np.linspace(0.0, 2.0 * np.pi, _AROUND_TUBE, endpoint=False)
    up = np.array([0.0, 1.0, 0.0])
    rings = np.cos(turns)[:, None] * up + 0.7 * np.sin(turns)[:, None] * normals[:, None, :]
    tube: Points = centres[:, None, :] + radii[:, None, None] * rings
    return tube


def _draw_mouth(values: Values) -> list[Points]:
    """Its inside [5, 17, 3], teeth, tongue, upper and lower lip (tubes)."""
    upper, lower, normals = _draw_lip_lines(values)
    gap = upper - lower
    rows = np.linspace(0.0, 1.0, 5)[:, None, None]
    bulge = 0.0015 * (4.0 * rows * (1.0 - rows)) * normals
    inside = lower + rows * gap + bulge
    edge = upper + 0.0010 * normals
    teeth = np.stack((edge, edge - 0.30 * gap + 0.0008 * normals))[:, _TEETH]
    hump = np.clip(1.0 - (_ALONG_MOUTH / 0.62) ** 2, 0.0, 1.0)[:, None] * 0.42 * gap
    base = lower + 0.0010 * normals
    tongue = np.stack((base, base + 0.6 * hump + 0.0012 * normals, base + hump + 0.0008 * normals))[:, _TONGUE]
    pucker = values[Shape.MOUTH_PUCKER] + 0.5 * values[Shape.MOUTH_FUNNEL]
    press = 0.5 * (values[Shape.MOUTH_PRESS_LEFT] + values[Shape.MOUTH_PRESS_RIGHT])
    thick = 0.0008 + 0.0026 * _BELL * (1.0 + 0.25 * pucker - 0.3 * press)
    rolled_up, rolled_down = values[Shape.MOUTH_ROLL_UPPER], values[Shape.MOUTH_ROLL_LOWER]
    up = np.array([0.0, 1.0, 0.0])
    upper_lip = _tube(upper + 0.0018 * up * _BELL[:, None], normals, thick * (1.0 - 0.7 * rolled_up))
    lower_lip = _tube(lower - 0.0022 * up * _BELL[:, None], normals, 1.12 * thick * (1.0 - 0.7 * rolled_down))
    return [inside, teeth, tongue, upper_lip, lower_lip]


def _draw_lip_lines(values: Values) -> tuple[Points, Points, Points]:
    """The lower edge of the upper lip and the upper edge of the lower one, float64[17, 3], and the face's normals."""
    left, right = np.clip(_ALONG_MOUTH, 0.0, 1.0) ** 2, np.clip(-_ALONG_MOUTH, 0.0, 1.0) ** 2
    left_half = smoothstep(_ALONG_MOUTH, -0.5, 0.5)

    def at_corners(name: str) -> tuple[Values, Values]:
        return left * values[Shape[f"{name}_LEFT"]], right * values[Shape[f"{name}_RIGHT"]]

    def along(name: str) -> Values:
        sides: Values = left_half * values[Shape[f"{name}_LEFT"]] + (1.0 - left_half) * values[Shape[f"{name}_RIGHT"]]
        return sides * _BELL

    smile, frown, dimple, stretch = (at_corners(f"MOUTH_{name}") for name in ("SMILE", "FROWN", "DIMPLE", "STRETCH"))
    pucker, funnel = values[Shape.MOUTH_PUCKER], values[Shape.MOUTH_FUNNEL]
    out = [0.0065 * smile[i] + 0.002 * frown[i] + 0.004 * dimple[i] + 0.008 * stretch[i] for i in (0, 1)]
    x = _ALONG_MOUTH * _MOUTH_HALF_M * (1.0 - 0.45 * pucker - 0.34 * funnel) + out[0] - out[1]
    x = x + 0.009 * (values[Shape.MOUTH_LEFT] - values[Shape.MOUTH_RIGHT])
    raised = [0.0095 * smile[i] - 0.0085 * frown[i] + 0.002 * dimple[i] - 0.0025 * stretch[i] for i in (0, 1)]
    y = _MOUTH_Y + 0.0042 * _ALONG_MOUTH**2 + raised[0] + raised[1]
    press = 0.0010 * along("MOUTH_PRESS")
    upper_y = y + _BELL * (0.006 * funnel + 0.0025 * values[Shape.MOUTH_SHRUG_UPPER] + 0.001 * pucker)
    upper_y = upper_y + 0.0075 * along("MOUTH_UPPER_UP") - press + _BELL * 0.002 * values[Shape.MOUTH_SHRUG_LOWER]
    lower_y = y - _BELL * (0.0065 * funnel + 0.001 * pucker) - 0.0085 * along("MOUTH_LOWER_DOWN") + press
    lower_y = lower_y + _BELL * 0.0035 * values[Shape.MOUTH_SHRUG_LOWER]
    ahead = 0.0012 + 0.006 * pucker * _BELL + 0.005 * funnel * _BELL
    _, normals = _lay_on_face(x, y, 0.0)
    upper = _lay_on_face(x, upper_y, 0.0)[0] + normals * (ahead - 0.003 * values[Shape.MOUTH_ROLL_UPPER])[:, None]
    lower = _lay_on_face(x, lower_y, 0.0)[0] + normals * (ahead - 0.003 * values[Shape.MOUTH_ROLL_LOWER])[:, None]
    corners = 0.30 * (1.0 - _BELL)
    return *_close(upper + _drop_jaw(upper, values, corners), lower, values, corners), normals


def _close(upper: Points, lower: Points, values: Values, corners: Values) -> tuple[Points, Points]:
    """Let the jaw take the lower lip, and the lips meet again as far as `mouthClose` says."""
    opened = np.zeros(len(Shape))
    opened[Shape.JAW_OPEN] = 1.0
    dropped = lower + _drop_jaw(lower, values, corners + _BELL)
    apart = _drop_jaw(lower, opened, _BELL) * values[Shape.MOUTH_CLOSE]
    return upper + 0.35 * apart, dropped - 0.65 * apart
