"""Performers who do as they are told: each hand act is its shape, and a body that idles or walks shows none."""

from collections.abc import Sequence
from typing import Final

import numpy as np
import pytest

from consumers.analytics.facts import FrameFacts
from consumers.analytics.finding import Change, Phase
from performers.acts import HAND_ACTS, Act, ActKind
from performers.camera import Camera
from performers.joints import Side
from performers.noise import Noise
from performers.performer import Performer, Stage
from performers.posture import Posture, Trunk
from performers.rotations import FloatArray
from tests.consumers.analytics.made_hands import START_US
from tests.consumers.analytics.shapes.watching import begun, read_hands, watch

MS: Final = 1_000
SHAPE_OF: Final = {kind: "open" if kind is ActKind.WAVE else kind.value for kind in HAND_ACTS}
ACTS: Final = tuple(HAND_ACTS)
LEAD_S, HELD_S, EVERY_S = 2.0, 3.0, 4.0


class TurnedPerformer(Performer):
    """A performer round whom the camera was carried: it looks at them from `seen_from_deg` to their left."""

    seen_from_deg = 0.0

    def posture(self, at_s: FloatArray) -> Posture:
        posture = super().posture(at_s)
        posture.trunk[Trunk.ROOT_YAW] -= self.seen_from_deg
        return posture


def make_script(side: Side) -> list[Act]:
    """Every hand act in turn."""
    return [
        Act(kind, LEAD_S + EVERY_S * place, LEAD_S + EVERY_S * place + HELD_S, side=side)
        for place, kind in enumerate(ACTS)
    ]


def perform(
    script: Sequence[Act], *, fps: float = 30.0, seen_from_deg: float = 0.0, seed: int = 1, stage: Stage | None = None
) -> list[tuple[FrameFacts, Change]]:
    performer = TurnedPerformer("performer", script, seed=seed, stage=stage)
    performer.seen_from_deg = seen_from_deg
    return watch(read_hands(performer.batch(np.arange(round(script[-1].end_s * fps + fps)) / fps, start_us=START_US)))


@pytest.mark.parametrize("seen_from_deg", [-30.0, 0.0, 30.0])
@pytest.mark.parametrize("side", list(Side))
def test_every_hand_act_is_recognised_as_itself_and_nothing_else_is(side: Side, seen_from_deg: float) -> None:
    happened = perform(make_script(side), seen_from_deg=seen_from_deg)
    assert begun(happened) == [(side.name.lower(), SHAPE_OF[kind]) for kind in ACTS]
    assert [change.phase for _, change in happened] == [Phase.START, Phase.END] * len(ACTS)
    assert all(change.finding.confidence > 0.6 for _, change in happened)


@pytest.mark.parametrize("side", list(Side))
def test_hand_acts_are_told_apart_by_a_landmarker_twice_as_restless(side: Side) -> None:
    happened = perform(make_script(side), stage=Stage(noise=Noise(2.0)))
    assert begun(happened) == [(side.name.lower(), SHAPE_OF[kind]) for kind in ACTS]


@pytest.mark.parametrize("fps", [10.0, 15.0, 25.0, 30.0, 60.0])
def test_a_shape_is_announced_within_200_ms_of_its_first_frame_and_of_being_wholly_taken(fps: float) -> None:
    script = make_script(Side.RIGHT)
    starts = [(facts, change.finding) for facts, change in perform(script, fps=fps) if change.phase is Phase.START]
    assert len(starts) == len(script)
    for act, (facts, finding) in zip(script, starts, strict=True):
        wholly_us = START_US + round(act.held_s[0] * 1e6)
        assert finding.started_us >= START_US + act.start_s * 1e6
        assert facts.captured_at_us - finding.started_us <= 200 * MS + 1
        assert facts.captured_at_us - wholly_us <= 200 * MS


@pytest.mark.parametrize("camera", [Camera(), Camera.at_desk()], ids=["whole body", "desk"])
def test_half_an_hour_of_standing_and_walking_about_shows_no_shape(camera: Camera) -> None:
    for seed in range(8):
        script = [Act(ActKind.WALK, 40.0, 110.0), Act(ActKind.WALK, 140.0, 200.0), Act(ActKind.IDLE, 200.0, 224.0)]
        assert perform(script, seed=seed, stage=Stage(camera=camera)) == [], f"seed {seed}"


@pytest.mark.parametrize("kind", [ActKind.SQUAT, ActKind.FALL, ActKind.HANDS_OUT, ActKind.LEAVE, ActKind.HEAD_TURN])
def test_relaxed_hands_show_no_shape_whatever_the_body_does(kind: ActKind) -> None:
    for side in Side:
        for seed in range(4):
            assert perform([Act(kind, 2.0, 14.0, side=side)], seed=seed) == [], f"{side.name}, seed {seed}"
