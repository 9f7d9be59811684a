"""Performers' streams, seen well and badly, and what is recognised in them."""

from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from consumers.analytics.finding import Change, Finding, Moment, Phase
from consumers.analytics.frame_facts import read_facts
from consumers.analytics.movements.recogniser import Movements
from keypoints.frame import FrameBatch
from performers.acts import Act, ActKind
from performers.joints import Side
from performers.performer import Performer, Stage
from performers.posture import Posture, Trunk
from performers.rotations import FloatArray

FPS = 30.0
ACT_S = 6.0
BEFORE_S = 1.0
Told = tuple[str, str]
"""A kind and its subject."""


class TurnedPerformer(Performer):
    """A performer who does it all turned away from the camera, or whose camera stands to the side."""

    yaw_deg = 0.0

    def posture(self, at_s: FloatArray) -> Posture:
        posture = super().posture(at_s)
        posture.trunk[Trunk.ROOT_YAW] += self.yaw_deg
        return posture


def make_act(kind: ActKind, seed: int = 0) -> Act:
    """The act as all these tests do it: with the right hand for even seeds, with the left for odd ones."""
    return Act(kind, BEFORE_S, BEFORE_S + ACT_S, Side.LEFT if seed % 2 else Side.RIGHT)


def perform(
    kind: ActKind, seed: int = 0, *, yaw_deg: float = 0.0, fps: float = FPS, stage: Stage | None = None
) -> FrameBatch:
    """The act, with a second before and after it."""
    performer = TurnedPerformer("performer", [make_act(kind, seed)], seed=seed, stage=stage)
    performer.yaw_deg = yaw_deg
    return performer.batch(np.arange(round((ACT_S + 2.0 * BEFORE_S) * fps)) / fps)


def recognise(batch: FrameBatch, movements: Movements | None = None) -> list[Change]:
    """All that is told of a stream, to its end."""
    movements = movements or Movements()
    changes: list[Change] = []
    for facts in read_facts(batch):
        changes += movements.advance(Moment(facts.captured_at_us, facts.offset), facts)
    return [*changes, *movements.end()]


def findings(changes: Iterable[Change], *kinds: str) -> list[Finding]:
    """Each finding once, as it was in the end; of some kinds, or of all."""
    last: dict[tuple[str, str, int], Finding] = {}
    for _, finding in changes:
        if not kinds or finding.kind in kinds:
            last[finding.kind, finding.subject, finding.started_us] = finding
    return list(last.values())


def count(changes: Sequence[Change], *, but: str = "blink") -> Counter[Told]:
    """How often each kind began, or happened, by subject; blinks are left out, for nobody holds their eyes open."""
    return Counter(
        (finding.kind, finding.subject) for phase, finding in changes if phase is not Phase.END and finding.kind != but
    )


def expect(kind: ActKind, seed: int = 0) -> Counter[Told]:
    """What a person would say of the act."""
    hand = "left" if seed % 2 else "right"
    return Counter(
        {(told, hand if subject == "hand" else subject): times for told, subject, times in _EXPECTED.get(kind, ())}
    )


_EXPECTED: dict[ActKind, tuple[tuple[str, str, int], ...]] = {
    ActKind.WAVE: (("wave", "hand", 1),),
    ActKind.SWIPE_LEFT: (("swipe_left", "hand", 1),),
    ActKind.SWIPE_RIGHT: (("swipe_right", "hand", 1),),
    ActKind.SWIPE_UP: (("swipe_up", "hand", 1),),
    ActKind.SWIPE_DOWN: (("swipe_down", "hand", 1),),
    ActKind.CIRCLE_CLOCKWISE: (("circle_clockwise", "hand", 1),),
    ActKind.CIRCLE_COUNTER_CLOCKWISE: (("circle_counter_clockwise", "hand", 1),),
    ActKind.CLAP: (("clap", "both", 7),),
    ActKind.NOD: (("nod", "head", 1),),
    ActKind.SHAKE: (("shake", "head", 1),),
    ActKind.RAISE_HAND: (("raised_hand", "hand", 1),),
    ActKind.CROSS_ARMS: (("crossed_arms", "both", 1),),
    ActKind.T_POSE: (("t_pose", "body", 1),),
    ActKind.JUMP: (("jump", "body", 1),),
    ActKind.WALK: (("walk", "body", 1),),
    ActKind.LEAVE: (("walk", "body", 1),),
    ActKind.SIT: (("sit_down", "body", 1), ("sitting", "body", 1), ("stand_up", "body", 1)),
    ActKind.SPEAK: (("speaking", "face", 1),),
}


def keep_hands(batch: FrameBatch) -> FrameBatch:
    """As a hand tracker alone would give it."""
    kept = batch.take(np.arange(len(batch)))
    kept.pose_present[:] = kept.pose_world_present[:] = False
    kept.face_points[:] = 0
    return kept


def hide_face(batch: FrameBatch) -> FrameBatch:
    """As of somebody whose face is not found."""
    kept = batch.take(np.arange(len(batch)))
    kept.face_points[:] = 0
    return kept


def lose_frames(batch: FrameBatch, seed: int) -> FrameBatch:
    """Without about one frame in ten, up to four in a row."""
    return batch.take(np.flatnonzero(~_pick_runs(len(batch), seed, longest=4)))


def lose_person(batch: FrameBatch, seed: int) -> FrameBatch:
    """Without anybody in one frame in seven, up to 200 ms in a row."""
    lost = _pick_runs(len(batch), seed, longest=6)
    kept = batch.take(np.arange(len(batch)))
    for present in (kept.pose_present, kept.pose_world_present, kept.left_hand_present, kept.right_hand_present):
        present[lost] = False
    kept.face_points[lost] = 0
    return kept


def _pick_runs(frames: int, seed: int, *, longest: int) -> NDArray[np.bool_]:
    dice = np.random.default_rng(seed)
    picked = np.zeros(frames, dtype=np.bool_)
    first = int(dice.integers(5, 40))
    while first < frames:
        picked[first : first + int(dice.integers(1, longest + 1))] = True
        first += int(dice.integers(12, 40))
    return picked


def mirror(batch: FrameBatch) -> FrameBatch:
    """As the producer gives a mirror's image: left and right are the person's own, x is turned about."""
    turned = batch.take(np.arange(len(batch)))
    for part in (turned.pose, turned.face, turned.left_hand, turned.right_hand):
        part[:, :, 0] = 1.0 - part[:, :, 0]
    turned.pose_world[:, :, 0] *= -1.0
    turned.mirrored[:] = True
    return turned


def hold_aslant(batch: FrameBatch, degrees: float) -> FrameBatch:
    """As a camera would give it that is turned about where it looks."""
    turned = batch.take(np.arange(len(batch)))
    aspect = float(batch.width[0]) / float(batch.height[0])
    cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    for part, width, middle in (
        (turned.pose, aspect, 0.5),
        (turned.face, aspect, 0.5),
        (turned.left_hand, aspect, 0.5),
        (turned.right_hand, aspect, 0.5),
        (turned.pose_world, 1.0, 0.0),
    ):
        x, y = (part[:, :, 0] - middle) * width, part[:, :, 1] - middle
        part[:, :, 0], part[:, :, 1] = (x * cos - y * sin) / width + middle, x * sin + y * cos + middle
    return turned
