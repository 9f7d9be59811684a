"""Performers with gestures of their own, that no recogniser was built for."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from consumers.analytics.facts import FrameFacts
from consumers.analytics.finding import Change, Finding, Moment, Phase
from consumers.analytics.frame_facts import read_facts
from consumers.analytics.shapes.hand_shape import SHAPES
from consumers.analytics.shapes.holding import HandShapes
from consumers.analytics.taught.gesture import TaughtGesture, TaughtHand
from consumers.analytics.taught.movements import MovementCatalogue, TaughtMovements
from consumers.analytics.taught.shapes import TaughtShapes
from consumers.analytics.taught.teaching import Subject, take_hands, teach_movement, teach_shape
from keypoints.frame import FrameBatch
from keypoints.landmarks import Part
from performers.acts import Act, ActKind, cue_act
from performers.camera import Camera
from performers.hand_shapes import HandShape, shape_angles
from performers.joints import Side
from performers.noise import Noise
from performers.performer import Performer, Stage
from performers.posture import Finger, Limb, Posture
from performers.rotations import FloatArray
from performers.skeleton import Body

NOW: Final = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
ACT: Final = Act(ActKind.OPEN, 0.5, 4.0)

_HANDS: Final = {Side.LEFT: Part.LEFT_HAND, Side.RIGHT: Part.RIGHT_HAND}
_DRAWING: Final = {
    Limb.ARM_DOWN: 12.0, Limb.ARM_FORWARD: 60.0, Limb.ARM_SWING: 0.0, Limb.ARM_INTERNAL: 0.0, Limb.ELBOW: 20.0,
}  # fmt: skip


class Shaka(Performer):
    """Thumb and little finger out, the others folded, whenever the script asks for an open hand."""

    def posture(self, at_s: FloatArray) -> Posture:
        posture = super().posture(at_s)
        angles = shape_angles(HandShape.THUMB_OUT).copy()
        straight = shape_angles(HandShape.OPEN)
        little = slice(Finger.LITTLE_SPREAD, Finger.LITTLE_DIP + 1)
        angles[little] = straight[little]
        for act in self.script:
            cue = cue_act(act, posture, at_s)
            if cue is not None:
                fingers = posture.fingers[act.side]
                fingers[:, cue.rows] += cue.weight * (angles[:, None] - fingers[:, cue.rows])
        return posture


class FigureOfEight(Performer):
    """An eight that lies on its side, drawn in the air once in each act."""

    def posture(self, at_s: FloatArray) -> Posture:
        posture = super().posture(at_s)
        for act in self.script:
            cue = cue_act(act, posture, at_s)
            if cue is not None:
                cue.limb(act.side, _DRAWING)
                once = 1.0 / (act.seconds - 2.0 * act.ease_s)
                turn = np.where((cue.elapsed_s > act.ease_s) & (cue.elapsed_s < act.seconds - act.ease_s), 1.0, 0.0)
                begun = act.ease_s * once
                cue.limb(act.side, {
                    Limb.ARM_FORWARD: _DRAWING[Limb.ARM_FORWARD] + 28.0 * turn * cue.swing(once, -begun),
                    Limb.ARM_DOWN: _DRAWING[Limb.ARM_DOWN] + 18.0 * turn * cue.swing(2.0 * once, -2.0 * begun),
                })  # fmt: skip
        return posture


def show_shaka(
    seed: int, *, side: Side = Side.RIGHT, body: Body | None = None, camera: Camera | None = None, noise: float = 1.0
) -> FrameBatch:
    """Four seconds at 30 frames a second, the shape held for 2.3 s of them."""
    stage = Stage(body or Body(), camera or Camera(), Noise(noise))
    performer = Shaka(f"shaka-{seed}", [replace(ACT, side=side)], seed=seed, stage=stage)
    return performer.batch(np.arange(120) / 30.0)


def draw_eight(
    seed: int, *, speed: float = 1.0, side: Side = Side.RIGHT, body: Body | None = None, fps: float = 30.0
) -> FrameBatch:
    """The figure of eight, `speed` times as fast as in 2.4 s, a second of rest before and after."""
    act = Act(ActKind.IDLE, 1.0, 4.2, side, ease_s=0.4)
    performer = FigureOfEight(f"eight-{seed}", [act], seed=seed, stage=Stage(body or Body()))
    return at_speed(performer, 5.2, speed, fps)


def at_speed(performer: Performer, seconds: float, speed: float, fps: float) -> FrameBatch:
    """What a performer shows in so many seconds, done `speed` times as fast."""
    at_s = np.arange(int(seconds / speed * fps)) / fps
    batch = performer.batch(at_s * speed)
    batch.captured_at_us[:] = np.round(at_s * 1e6).astype(np.int64)
    return batch


def turn_hand(batch: FrameBatch, degrees: float, side: Side = Side.RIGHT) -> FrameBatch:
    """The hand turned in the image about its wrist."""
    part = _HANDS[side]
    hands: NDArray[np.float64] = batch.part(part).astype(np.float64)
    aspect = float(batch.width[0] / batch.height[0])
    x, y = (hands[:, :, 0] - hands[:, :1, 0]) * aspect, hands[:, :, 1] - hands[:, :1, 1]
    cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    turned = hands.copy()
    turned[:, :, 0] = hands[:, :1, 0] + (x * cos - y * sin) / aspect
    turned[:, :, 1] = hands[:, :1, 1] + x * sin + y * cos
    column: dict[str, Any] = {part.value: turned.astype(np.float32)}
    return replace(batch, **column)


def held(batch: FrameBatch, frames: int = 5) -> FrameBatch:
    """A few frames of the time in which the shape is held, evenly spread."""
    first_s, last_s = ACT.held_s
    at_s = (batch.captured_at_us - batch.captured_at_us[0]) / 1e6
    rows = np.flatnonzero((at_s >= first_s) & (at_s <= last_s))
    return batch.take(rows[np.linspace(0, len(rows) - 1, frames).astype(np.intp)])


def taught_shaka(*, upright: bool = False) -> TaughtGesture:
    """Taught from five frames of one performer."""
    shown, _ = take_hands(held(show_shaka(1)), TaughtHand.EITHER)
    return teach_shape(subject("shaka"), shown, [], upright=upright)[0]


def taught_eight(hand: TaughtHand = TaughtHand.EITHER) -> TaughtGesture:
    """Taught from three performances, of which no two are alike."""
    performances = [
        draw_eight(1),
        draw_eight(2, speed=0.9, body=Body(1.66, limbs=0.97)),
        draw_eight(3, speed=1.15, body=Body(1.83)),
    ]
    return teach_movement(subject("eight", hand), performances, [])[0]


def wave(seed: int, speed: float = 1.0) -> FrameBatch:
    """A built-in movement that lasts, to be taught like any other."""
    return at_speed(Performer(f"wave-{seed}", [Act(ActKind.WAVE, 1.0, 4.0)], seed=seed), 5.0, speed, 30.0)


def taught_wave() -> TaughtGesture:
    return teach_movement(subject("hello"), [wave(1, 0.9), wave(2), wave(3, 1.2)], [])[0]


def subject(name: str, hand: TaughtHand = TaughtHand.EITHER) -> Subject:
    return Subject(name=name, hand=hand, source="performers", taught_at=NOW)


def shapes_held(batch: FrameBatch, gestures: Iterable[TaughtGesture]) -> list[Finding]:
    """The shapes, built-in and taught, that begin to be held."""
    taught = TaughtShapes(gestures)
    recogniser = HandShapes()
    names = (*SHAPES, *taught.names)
    changes = [
        change
        for facts in read_facts(batch, taught)
        for change in recogniser.advance(Moment(facts.captured_at_us, facts.offset), facts, names, taught.versions)
    ]
    return [change.finding for change in changes if change.phase is Phase.START]


def movements_made(frames: Sequence[FrameFacts], gestures: Iterable[TaughtGesture]) -> list[Finding]:
    catalogue, recogniser = MovementCatalogue(gestures), TaughtMovements()
    changes: list[Change] = []
    for facts in frames:
        changes += recogniser.advance(Moment(facts.captured_at_us, facts.offset), facts, catalogue)
    return [change.finding for change in [*changes, *recogniser.end(catalogue)]]
