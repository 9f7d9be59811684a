"""From measures of the face to ARKit's shapes.

Each shape is how far the face moved from its neutral, along one direction of the measures, between a movement that is
none yet and the full one. Directions are those in which the muscles of an action unit of FACS pull (Ekman, Friesen and
Hager, 2002; the unit is named beside each); the full movement is what adults reach (mouth's corner in a smile: 7 to
22 mm, Paletz, Manktelow and Chaban, 1994), less where avatars are expected to answer sooner. What a movement carries
along is taken off: the mouth's corners follow two fifths of the jaw's way down, lips thin as they are drawn wide.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from consumers.avatar.face.arkit import SHAPE_COUNT, Blendshape
from consumers.avatar.face.gaze import MOST_PITCH_RAD, MOST_YAW_RAD, read_gaze, see_eyes
from consumers.avatar.face.measures import MEASURE_COUNT, Measure, Measures
from consumers.avatar.humanoid.rotations import clamp, smoothstep

Shapes = NDArray[np.float64]
_Movement = tuple[dict[str, float], float, float, float]

# Per shape: millimetres of each measure, the movement that is none yet, the full one, and the shape's largest value.
# A shape of one side takes its own side's measures; a shape of the middle the mean of both.
# fmt: off
_MOVEMENTS: Final[dict[str, _Movement]] = {
    # AU 4: corrugator and depressor draw the brows down and together.
    "BROW_DOWN": ({"INNER_BROW": -0.6, "OUTER_BROW": -0.2, "BROW_HEAD_X": -0.5}, 0.7, 5.0, 1.0),
    # AU 1 and AU 2: the inner and the outer part of the frontalis.
    "BROW_INNER_UP": ({"INNER_BROW": 1.0}, 1.0, 9.0, 1.0),
    "BROW_OUTER_UP": ({"OUTER_BROW": 1.0}, 1.2, 8.5, 1.0),
    # AD 34, only what the outline of the cheeks shows of it.
    "CHEEK_PUFF": ({"CHEEK_X": 0.6, "CHEEK_Z": 0.4, "CORNER_X": -0.45}, 2.5, 9.0, 0.6),
    # AU 6, without the lift that the cheeks have from a smile, hence little of it.
    "CHEEK_SQUINT": ({"CHEEKBONE": 1.0, "CORNER": -0.25, "CHIN": 0.1, "CORNER_X": -0.1}, 1.0, 6.0, 0.6),
    # AU 7: the lower lid tightens.
    "EYE_SQUINT": ({"LOWER_LID": 1.0}, 0.5, 2.2, 1.0),
    # AU 5.
    "EYE_WIDE": ({"UPPER_LID": 1.0}, 1.0, 3.2, 1.0),
    # AD 29 and AD 30. Depth is what the detector knows least of, hence little of the first.
    "JAW_FORWARD": ({"CHIN_Z": 0.6, "LOWER_LIP_Z": 0.4, "UPPER_LIP_Z": -0.4}, 4.0, 12.0, 0.5),
    "JAW_LEFT": ({"CHIN_X": -1.0}, 2.0, 9.0, 1.0),
    "JAW_RIGHT": ({"CHIN_X": 1.0}, 2.0, 9.0, 1.0),
    # AU 26 and 27: the lower lip's way down, but for a share of what it goes ahead of the chin.
    "JAW_OPEN": ({"CHIN": -1.0, "LOWER_LIP": -0.8}, 2.0, 22.0, 1.0),
    # AU 14 pulls the corners in, AU 15 down, AU 20 to the side and down, AU 12 to the side, up and back.
    "MOUTH_DIMPLE": ({"CORNER_Z": -0.5, "CORNER_X": 0.1, "CORNER": -0.6, "CHIN": 0.32}, 2.0, 8.0, 0.5),
    "MOUTH_FROWN": ({"CORNER": -1.0, "CHIN": 0.42, "CORNER_X": -0.2}, 1.2, 7.0, 1.0),
    "MOUTH_STRETCH": ({"CORNER_X": 0.6, "CORNER": -0.8, "CHIN": 0.34}, 3.0, 9.0, 1.0),
    "MOUTH_SMILE": ({"CORNER": 0.8, "CHIN": -0.34, "CORNER_X": 0.8, "CORNER_Z": -0.3}, 2.0, 22.0, 1.0),
    # AU 18 and AU 22 both round the lips: what tells them apart is whether the lips part.
    "MOUTH_PUCKER": ({"CORNER_X": -0.6, "UPPER_LIP_Z": 0.4, "LOWER_LIP_Z": 0.1}, 1.5, 8.0, 1.0),
    # The mouth beside the jaw, which carries half of it along.
    "MOUTH_LEFT": ({"LIPS_X": -1.0, "CHIN_X": 0.5}, 1.5, 8.0, 1.0),
    "MOUTH_RIGHT": ({"LIPS_X": 1.0, "CHIN_X": -0.5}, 1.5, 8.0, 1.0),
    # AU 16 and AU 10: the lower lip towards the chin, the upper one towards the nose.
    "MOUTH_LOWER_DOWN": ({"LOWER_LIP": -1.0, "CHIN": 0.2}, 1.0, 7.0, 1.0),
    "MOUTH_UPPER_UP": ({"UPPER_LIP": 1.0}, 1.0, 7.0, 1.0),
    # AU 24 and AU 28: less red is seen of lips that are pressed, little of lips rolled in.
    "MOUTH_PRESS": (
        {"UPPER_LIP_RED": -0.5, "LOWER_LIP_RED": -0.5, "CORNER_X": -0.15, "LOWER_LIP": -0.25, "CHIN": -0.25},
        0.8,
        4.0,
        1.0,
    ),
    "MOUTH_ROLL_LOWER": ({"LOWER_LIP_RED": -1.0, "CORNER_X": -0.15}, 2.0, 7.0, 1.0),
    "MOUTH_ROLL_UPPER": ({"UPPER_LIP_RED": -1.0, "CORNER_X": -0.15}, 2.0, 6.5, 1.0),
    # AU 17: the chin's muscle pushes the lower lip up further than lips close, and it the upper one.
    "MOUTH_SHRUG_LOWER": ({"LOWER_LIP": 1.0, "CHIN": 1.0, "LIP_GAP": 1.0}, 1.0, 5.0, 1.0),
    "MOUTH_SHRUG_UPPER": ({"UPPER_LIP": 1.0}, 1.0, 6.0, 1.0),
    # AU 9, without the lift that the wings of the nose have from a smile.
    "NOSE_SNEER": ({"NOSE_WING": 1.0, "CORNER": -0.25, "CHIN": 0.1, "CORNER_X": -0.15}, 1.0, 6.0, 1.0),
}
# fmt: on

_EYE_CLOSING: Final = (0.12, 0.65)
"""How much of its rest opening an eye has lost when it begins to blink, and when it is closed: less than all of it, for
the lids of a detector seldom meet."""
_LOWER_LID_SHARE: Final = 0.6
"""A lower lid that rises is a squint rather than a blink."""
_FUNNEL_SHARE: Final = 0.7
"""How much of the lips' way up and down a funnel takes for itself."""
_LIPS_PARTED_MM: Final = (2.0, 7.0)
_GAP_OF_OPEN_JAW_MM: Final = 24.0
"""How far lips that do not hold together part while the jaw opens."""


def _tabulate() -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Directions float64[K, 51] divided by their range, what to take off [51], and the largest values [51]."""
    directions, none_yet, largest = np.zeros((MEASURE_COUNT, SHAPE_COUNT)), np.zeros(SHAPE_COUNT), np.zeros(SHAPE_COUNT)
    for shape in Blendshape:
        stem, _, side = shape.name.rpartition("_")
        sides = (side,) if stem in _MOVEMENTS else ("LEFT", "RIGHT")
        terms, start, end, most = _MOVEMENTS.get(stem if stem in _MOVEMENTS else shape.name, ({}, 0.0, 1.0, 1.0))
        for name, weight in terms.items():
            columns = [Measure[name]] if name in Measure.__members__ else [Measure[f"{name}_{one}"] for one in sides]
            directions[columns, shape] = weight / len(columns) / (end - start)
        none_yet[shape], largest[shape] = start / (end - start), most
    return directions, none_yet, largest


_DIRECTIONS, _NONE_YET, _LARGEST = _tabulate()
_LINEAR: Final = int(Measure.HEAD_YAW_DEG)


def _pair(first: Blendshape | Measure) -> slice:
    return slice(int(first), int(first) + 2)


_BLINK: Final = _pair(Blendshape.EYE_BLINK_LEFT)
_SQUINT: Final = _pair(Blendshape.EYE_SQUINT_LEFT)
_PRESS: Final = _pair(Blendshape.MOUTH_PRESS_LEFT)
_LIPS_APART: Final = [
    Blendshape.MOUTH_UPPER_UP_LEFT,
    Blendshape.MOUTH_UPPER_UP_RIGHT,
    Blendshape.MOUTH_LOWER_DOWN_LEFT,
    Blendshape.MOUTH_LOWER_DOWN_RIGHT,
]
_OPENING: Final = _pair(Measure.EYE_OPENING_LEFT)
_UPPER_LID: Final = _pair(Measure.UPPER_LID_LEFT)
_LOWER_LID: Final = _pair(Measure.LOWER_LID_LEFT)
_LOOKS: Final = slice(int(Blendshape.EYE_LOOK_DOWN_LEFT), int(Blendshape.EYE_LOOK_UP_RIGHT) + 1)
# In order of the shapes: down, in, out and up, each of the left and of the right eye, from gaze to the right and down.
_LOOK_DIRECTIONS: Final = np.array(
    [[0, 0, 1, -1, -1, 1, 0, 0] / MOST_YAW_RAD, [1, 1, 0, 0, 0, 0, -1, -1] / MOST_PITCH_RAD]
)


def read_shapes(measures: Measures, neutral: Measures) -> Shapes:
    """float64[N, 51] in 0…1, in order of Blendshape, from measures float64[N, K] and neutral faces [N, K] or [K].

    NaN where a shape was not seen: without a face, or gaze behind a closed lid.
    """
    moved = measures - neutral
    shapes: Shapes = moved[:, :_LINEAR].dot(_DIRECTIONS[:_LINEAR])
    shapes -= _NONE_YET
    shapes[:, _BLINK] = _close_eyes(moved, neutral, measures[:, Measure.HEAD_YAW_DEG])
    shapes = clamp(shapes, 0.0, 1.0)
    shapes *= _LARGEST
    _tell_apart(shapes, moved[:, Measure.LIP_GAP])
    shapes[:, _LOOKS] = clamp(read_gaze(measures, neutral).dot(_LOOK_DIRECTIONS), 0.0, 1.0)
    return shapes


def _close_eyes(moved: Measures, neutral: Measures, head_yaw_deg: NDArray[np.float64]) -> Shapes:
    """float64[N, 2]: the far eye of a turned head, which the detector guesses, closes as the near one does."""
    lost = (_LOWER_LID_SHARE * moved[:, _LOWER_LID] - moved[:, _UPPER_LID]) / neutral[..., _OPENING]
    start, end = _EYE_CLOSING
    seen = see_eyes(head_yaw_deg)
    closed: Shapes = (lost * seen + lost[:, ::-1] * (1.0 - seen) - start) / (end - start)
    return closed


def _tell_apart(shapes: Shapes, gap_mm: NDArray[np.float64]) -> None:
    """What one direction alone cannot say: shapes that look alike but for whether the eyes or the lips are open."""
    parted = smoothstep(gap_mm, *_LIPS_PARTED_MM)
    together = 1.0 - parted
    rounded = shapes[:, Blendshape.MOUTH_PUCKER].copy()
    shapes[:, _SQUINT] *= 1.0 - shapes[:, _BLINK]
    shapes[:, Blendshape.MOUTH_FUNNEL] = rounded * parted
    shapes[:, _LIPS_APART] *= 1.0 - _FUNNEL_SHARE * (rounded * parted)[:, None]
    shapes[:, Blendshape.MOUTH_PUCKER] = rounded * together
    held = shapes[:, Blendshape.JAW_OPEN] - np.maximum(gap_mm, 0.0) / _GAP_OF_OPEN_JAW_MM
    shapes[:, Blendshape.MOUTH_CLOSE] = np.maximum(held, 0.0)
    rolled = np.maximum(shapes[:, Blendshape.MOUTH_ROLL_LOWER], shapes[:, Blendshape.MOUTH_ROLL_UPPER])
    shapes[:, _PRESS] *= (together * (1.0 - rolled))[:, None]
    shapes[:, Blendshape.MOUTH_SHRUG_LOWER] *= together * (1.0 - shapes[:, Blendshape.MOUTH_ROLL_LOWER])
    shapes[:, Blendshape.MOUTH_SHRUG_UPPER] = np.minimum(
        shapes[:, Blendshape.MOUTH_SHRUG_UPPER], shapes[:, Blendshape.MOUTH_SHRUG_LOWER]
    )
