"""The mannequin's expressions: VRM 1.0's presets, and ARKit's shapes under their own names ("perfect sync").

Source: VRM consortium, VRMC_vrm-1.0, "Expressions". Gaze is by bone, so the four looks bind nothing.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from consumers.avatar.face.arkit import Blendshape as Shape

UNMOVED: Final = (
    Shape.EYE_LOOK_IN_LEFT,
    Shape.EYE_LOOK_IN_RIGHT,
    Shape.EYE_LOOK_OUT_LEFT,
    Shape.EYE_LOOK_OUT_RIGHT,
)
"""Shapes that move no skin: the eyes themselves turn with their bones."""

MORPHS: Final[tuple[Shape, ...]] = tuple(shape for shape in Shape if shape not in UNMOVED)
"""The shapes that have a morph target, in order of the targets."""


def _both(**weights: float) -> dict[Shape, float]:
    """Weights by ARKit's name in snake case; a name without a side stands for left and right."""
    bound: dict[Shape, float] = {}
    for name, weight in weights.items():
        upper = name.upper()
        names = [upper] if upper in Shape.__members__ else [f"{upper}_LEFT", f"{upper}_RIGHT"]
        bound.update((Shape[each], weight) for each in names)
    return bound


_PRESETS: Final[Mapping[str, Mapping[Shape, float]]] = {
    "happy": _both(mouth_smile=0.9, cheek_squint=0.7, eye_squint=0.4, brow_outer_up=0.2, mouth_upper_up=0.2),
    "angry": _both(brow_down=1.0, nose_sneer=0.7, mouth_frown=0.6, eye_squint=0.4, mouth_press=0.5),
    "sad": _both(brow_inner_up=1.0, mouth_frown=0.8, eye_squint=0.2, mouth_shrug_lower=0.4),
    "relaxed": _both(mouth_smile=0.45, eye_blink=0.35, brow_inner_up=0.1),
    "surprised": _both(brow_inner_up=0.9, brow_outer_up=0.9, eye_wide=0.9, jaw_open=0.45, mouth_funnel=0.35),
    "aa": _both(jaw_open=0.75, mouth_upper_up=0.15),
    "ih": _both(jaw_open=0.20, mouth_stretch=0.6, mouth_upper_up=0.25, mouth_lower_down=0.3),
    "ou": _both(jaw_open=0.15, mouth_pucker=0.9),
    "ee": _both(jaw_open=0.28, mouth_stretch=0.5, mouth_smile=0.25, mouth_lower_down=0.4),
    "oh": _both(jaw_open=0.42, mouth_funnel=0.8),
    "blink": _both(eye_blink=1.0),
    "blinkLeft": _both(eye_blink_left=1.0),
    "blinkRight": _both(eye_blink_right=1.0),
    "lookUp": {},
    "lookDown": {},
    "lookLeft": {},
    "lookRight": {},
    "neutral": {},
}


def describe_expressions(node: int) -> dict[str, Any]:
    """`expressions` of VRMC_vrm, for a mesh at that node whose morph targets are MORPHS."""
    return {
        "preset": {name: _bind(node, weights) for name, weights in _PRESETS.items()},
        "custom": {shape.arkit_name: _bind(node, {shape: 1.0}) for shape in MORPHS},
    }


def _bind(node: int, weights: Mapping[Shape, float]) -> dict[str, Any]:
    none: Sequence[str] = ("overrideBlink", "overrideLookAt", "overrideMouth")
    expression: dict[str, Any] = {"isBinary": False, **dict.fromkeys(none, "none")}
    if weights:
        expression["morphTargetBinds"] = [
            {"node": node, "index": MORPHS.index(shape), "weight": weight} for shape, weight in weights.items()
        ]
    return expression
