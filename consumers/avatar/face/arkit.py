"""The face's blendshapes: Apple ARKit's `ARFaceAnchor.BlendShapeLocation`, which VTuber programs call "perfect sync".

MediaPipe's face blendshapes are the same ones in the same order, without `tongueOut`, which no face mesh shows.
"""

from enum import IntEnum, auto
from typing import Final


class Blendshape(IntEnum):
    """The 51 shapes; the value is the shape's column in every array of shapes. Left and right are the person's own."""

    BROW_DOWN_LEFT = 0
    BROW_DOWN_RIGHT = auto()
    BROW_INNER_UP = auto()
    BROW_OUTER_UP_LEFT = auto()
    BROW_OUTER_UP_RIGHT = auto()
    CHEEK_PUFF = auto()
    CHEEK_SQUINT_LEFT = auto()
    CHEEK_SQUINT_RIGHT = auto()
    EYE_BLINK_LEFT = auto()
    EYE_BLINK_RIGHT = auto()
    EYE_LOOK_DOWN_LEFT = auto()
    EYE_LOOK_DOWN_RIGHT = auto()
    EYE_LOOK_IN_LEFT = auto()
    EYE_LOOK_IN_RIGHT = auto()
    EYE_LOOK_OUT_LEFT = auto()
    EYE_LOOK_OUT_RIGHT = auto()
    EYE_LOOK_UP_LEFT = auto()
    EYE_LOOK_UP_RIGHT = auto()
    EYE_SQUINT_LEFT = auto()
    EYE_SQUINT_RIGHT = auto()
    EYE_WIDE_LEFT = auto()
    EYE_WIDE_RIGHT = auto()
    JAW_FORWARD = auto()
    JAW_LEFT = auto()
    JAW_OPEN = auto()
    JAW_RIGHT = auto()
    MOUTH_CLOSE = auto()
    MOUTH_DIMPLE_LEFT = auto()
    MOUTH_DIMPLE_RIGHT = auto()
    MOUTH_FROWN_LEFT = auto()
    MOUTH_FROWN_RIGHT = auto()
    MOUTH_FUNNEL = auto()
    MOUTH_LEFT = auto()
    MOUTH_LOWER_DOWN_LEFT = auto()
    MOUTH_LOWER_DOWN_RIGHT = auto()
    MOUTH_PRESS_LEFT = auto()
    MOUTH_PRESS_RIGHT = auto()
    MOUTH_PUCKER = auto()
    MOUTH_RIGHT = auto()
    MOUTH_ROLL_LOWER = auto()
    MOUTH_ROLL_UPPER = auto()
    MOUTH_SHRUG_LOWER = auto()
    MOUTH_SHRUG_UPPER = auto()
    MOUTH_SMILE_LEFT = auto()
    MOUTH_SMILE_RIGHT = auto()
    MOUTH_STRETCH_LEFT = auto()
    MOUTH_STRETCH_RIGHT = auto()
    MOUTH_UPPER_UP_LEFT = auto()
    MOUTH_UPPER_UP_RIGHT = auto()
    NOSE_SNEER_LEFT = auto()
    NOSE_SNEER_RIGHT = auto()

    @property
    def arkit_name(self) -> str:
        """ARKit's own name: `browDownLeft`."""
        first, *others = self.name.lower().split("_")
        return first + "".join(word.title() for word in others)

    @property
    def pascal_name(self) -> str:
        """The same as many VRM models write it: `BrowDownLeft`."""
        return self.name.title().replace("_", "")


SHAPE_COUNT: Final = len(Blendshape)
