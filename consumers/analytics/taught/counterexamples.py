"""What a taught gesture must not be taken for: the built-in shapes, hands at rest, and people who do something else.

They are performed when something is taught; a service that recognises needs none of it, nor has it the performers.
"""

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Final

import numpy as np

from consumers.analytics.features.geometry import Floats, find_aspect, turn_to_rows
from consumers.analytics.shapes.hand_shape import HandShape
from keypoints.frame import FrameBatch
from keypoints.landmarks import Part
from performers.acts import HAND_ACTS, Act, ActKind
from performers.camera import Camera
from performers.joints import SIDES, Side
from performers.performer import Performer, Stage
from performers.skeleton import Body

AT_REST: Final = "a relaxed hand"
PASSING_TIME: Final = "standing and walking"

_BODIES: Final = (Body(height_m=1.62, hands=1.06), Body(height_m=1.84, breadth=1.06, hands=0.95))
_CAMERAS: Final = (Camera(), Camera.at_desk())
_SHOWN_S: Final = 4.0
_FRAMES: Final = 6
_PARTS: Final = {Side.LEFT: Part.LEFT_HAND, Side.RIGHT: Part.RIGHT_HAND}
_FPS: Final = 20.0
_ACT_S: Final = 5.0
_PASSED_S: Final = 45.0
_BUILT_IN: Final = frozenset(shape.value for shape in HandShape)
_ONE_HANDED: Final = (
    ActKind.WAVE,
    ActKind.SWIPE_LEFT,
    ActKind.SWIPE_RIGHT,
    ActKind.SWIPE_UP,
    ActKind.SWIPE_DOWN,
    ActKind.CIRCLE_CLOCKWISE,
    ActKind.CIRCLE_COUNTER_CLOCKWISE,
    ActKind.RAISE_HAND,
)
_WITH_BOTH: Final = (ActKind.CLAP, ActKind.CROSS_ARMS, ActKind.T_POSE, ActKind.CURL, ActKind.JUMPING_JACK)


@cache
def show_hand_shapes() -> Mapping[str, Floats]:
    """By built-in shape, and AT_REST: hands as right ones, float64 (3, 21, N) in image heights, of several bodies."""
    shown = {
        kind.value: _show(kind, [(_BODIES[number], camera) for number, camera in enumerate(_CAMERAS)])
        for kind in HAND_ACTS
        if kind.value in _BUILT_IN
    }
    rest = [_show(kind, [(body, Camera()) for body in _BODIES]) for kind in (ActKind.IDLE, ActKind.WALK)]
    return shown | {AT_REST: np.concatenate(rest, axis=2)}


def pass_time() -> FrameBatch:
    """People who stand about and walk, each a stream of its own."""
    return FrameBatch.concat(
        [
            _perform(f"{kind}-{number}", [Act(kind, 0.0, _PASSED_S)], _PASSED_S, number)
            for number, kind in enumerate((ActKind.IDLE, ActKind.WALK, ActKind.WALK))
        ]
    )


def do_something_else() -> Iterator[tuple[str, FrameBatch]]:
    """By built-in movement: somebody who does it, with the right hand where it is done with one."""
    for number, kind in enumerate((*_ONE_HANDED, *_WITH_BOTH)):
        yield kind.value, _perform(kind.value, [Act(kind, 0.5, 0.5 + _ACT_S)], _ACT_S + 1.0, number)


def _show(kind: ActKind, views: list[tuple[Body, Camera]]) -> Floats:
    hands = []
    for body, camera in views:
        for side in SIDES:
            performer = Performer("shown", [Act(kind, 0.0, _SHOWN_S, side)], seed=side, stage=Stage(body, camera))
            batch = performer.batch(np.linspace(1.0, _SHOWN_S - 1.0, _FRAMES))
            seen = batch.take(batch.present(_PARTS[side]))
            rows = turn_to_rows(seen.part(_PARTS[side]), find_aspect(seen.width, seen.height))
            if side is Side.LEFT:
                rows[0] = -rows[0]
            hands.append(rows)
    return np.concatenate(hands, axis=2)


def _perform(stream_id: str, script: list[Act], seconds: float, seed: int) -> FrameBatch:
    performer = Performer(stream_id, script, seed=seed, stage=Stage(_BODIES[seed % len(_BODIES)]))
    return performer.batch(np.arange(round(seconds * _FPS), dtype=np.float64) / _FPS)
