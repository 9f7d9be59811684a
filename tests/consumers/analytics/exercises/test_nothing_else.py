"""What people do all day long is no exercise."""

import random

import pytest

from performers import Act, ActKind, Camera, Noise, Side
from performers.performer import Stage
from tests.consumers.analytics.exercises.exercising import EVERYTHING_IN_VIEW, perform, recognise

EXERCISES = {
    ActKind.SQUAT,
    ActKind.PUSH_UP,
    ActKind.JUMPING_JACK,
    ActKind.CURL,
    ActKind.HALF_SQUAT,
    ActKind.POOR_SQUAT,
}


@pytest.mark.parametrize("kind", [kind for kind in ActKind if kind not in EXERCISES])
def test_doing_it_again_and_again_is_no_exercise(kind: ActKind) -> None:
    for seed, act_s in enumerate((2.2, 4.0)):
        side = list(Side)[seed]
        acts = [Act(kind, start, start + act_s, side=side) for start in (1.0 + act_s * turn for turn in range(6))]
        assert recognise(perform(*acts, seconds=3.0 + 6 * act_s, seed=seed)) == []


@pytest.mark.parametrize("kind", [ActKind.SIT, ActKind.JUMP, ActKind.FALL, ActKind.WALK])
def test_nor_from_the_side_or_seen_unsteadily(kind: ActKind) -> None:
    for seed in range(3):
        dice = random.Random(seed)
        act_s = dice.choice((2.5, 4.0, 6.0))
        sideways = [Act(ActKind.SIDEWAYS, 0.0, 26.0)] if seed else []
        acts = [Act(kind, start, start + act_s) for start in (1.0 + act_s * turn for turn in range(4))]
        stage = Stage(
            camera=Camera(distance_m=dice.uniform(3.0, 4.4), height_m=dice.uniform(0.6, 1.5)), noise=Noise(2.0)
        )
        assert recognise(perform(*sideways, *acts, seconds=26.0, seed=seed, fps=20.0, stage=stage)) == []


@pytest.mark.long
def test_half_an_hour_of_standing_about_and_walking_counts_nothing() -> None:
    for seed in range(6):
        walks = [Act(ActKind.WALK, start, start + 50.0) for start in range(5, 240, 60)] if seed % 2 else []
        stage = Stage(camera=Camera() if seed < 3 else EVERYTHING_IN_VIEW)
        assert recognise(perform(*walks, seconds=300.0, seed=seed, stage=stage)) == []
