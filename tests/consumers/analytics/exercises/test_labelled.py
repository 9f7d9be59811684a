"""Squats that others filmed and labelled are told as they did."""

from pathlib import Path

import numpy as np
import pytest

from consumers.analytics.exercises.labelled import evaluate_squats, learn_borders, read_clips
from consumers.analytics.exercises.squats import SQUAT_DROPS
from keypoints.errors import Terminal
from keypoints.landmarks import PoseLandmark
from performers import Act, ActKind, Noise, Performer, Side
from performers.performer import Stage
from performers.posture import Limb
from tests.consumers.analytics.exercises.exercising import EVERYTHING_IN_VIEW

JOINTS = [f"{side}_{joint}" for joint in ("shoulder", "hip", "knee", "ankle") for side in ("left", "right")]
HEADER = ",".join(["label", *(f"{joint}_{axis}" for joint in JOINTS for axis in "xyzv")])


@pytest.fixture(scope="module")
def filmed(shared_data: Path) -> Path:
    return shared_data / "squat" / "train.csv"


@pytest.fixture
def performed(tmp_path: Path) -> Path:
    """Two clips of a performer, three squats each, labelled by how far the knees are bent."""
    performer = Performer("a", [Act(ActKind.SQUAT, 1.0, 9.4)], stage=Stage(camera=EVERYTHING_IN_VIEW, noise=Noise(0.5)))
    at_s = np.arange(310) / 30.0
    knees_deg = performer.posture(at_s).limbs[Side.LEFT, Limb.KNEE]
    lines = [HEADER]
    for shift in (-0.2, 0.2):
        for pose, knee_deg in zip(performer.batch(at_s).pose, knees_deg, strict=True):
            points = [pose[PoseLandmark[joint.upper()]].tolist() for joint in JOINTS]
            numbers = ",".join(f"{x + shift:.6f},{y:.6f},{z:.6f},{seen:.4f}" for x, y, z, seen in points)
            lines.append(f"{'down' if knee_deg > 78.0 else 'up'},{numbers}")
    path = tmp_path / "squats.csv"
    path.write_text("\n".join(lines))
    return path


def test_every_squat_of_the_films_is_counted_and_all_but_a_few_stages_told(filmed: Path) -> None:
    evaluation = evaluate_squats(filmed)
    assert evaluation.classes == ("up", "down")
    assert evaluation.rows == 4160
    assert evaluation.accuracy >= 0.998
    assert evaluation.extra["clips"] == evaluation.extra["clips_counted_exactly"] == 3
    assert evaluation.extra["repetitions_counted"] == evaluation.extra["repetitions_labelled"] == 35


def test_borders_learned_from_other_films_do_as_well(filmed: Path) -> None:
    (first, second, third) = read_clips(filmed)
    assert [len(clip.labels) for clip in (first, second, third)] == [33, 218, 3909]
    drops = learn_borders([first, second])
    assert abs(drops.down - SQUAT_DROPS.down) < 0.1
    assert abs(drops.up - SQUAT_DROPS.up) < 0.1
    assert evaluate_squats(filmed, filmed).accuracy >= 0.998


def test_clips_are_cut_where_the_person_leaps(performed: Path) -> None:
    clips = read_clips(performed)
    assert [len(clip.labels) for clip in clips] == [310, 310]
    assert [clip.repetitions for clip in clips] == [3, 3]
    evaluation = evaluate_squats(performed)
    assert evaluation.extra["clips_counted_exactly"] == 2
    assert evaluation.accuracy > 0.9


def test_who_labels_otherwise_is_learned_from(performed: Path) -> None:
    own, learned = evaluate_squats(performed), evaluate_squats(performed, performed)
    assert learned.accuracy > own.accuracy
    assert learned.accuracy > 0.93
    assert learned.extra["repetitions_counted"] == 6


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "line 1: there is no column"),
        ("label,nose_x,nose_y,nose_z,nose_v\nup,1,1,1,1", "no column of left_shoulder"),
        (HEADER, "there are no rows"),
        (HEADER + "\nsitting" + ",0.5" * 32, "line 2: the label is 'sitting'"),
        (HEADER + "\nup" + ",0.5" * 31 + ",far", "line 2: not four numbers"),
        (HEADER + "\nup" + ",0.5" * 9, "line 2: not four numbers"),
        (HEADER + ",tail_x,tail_y,tail_z,tail_v\nup" + ",0.5" * 36, "no landmark tail"),
    ],
)
def test_what_is_wrong_with_a_file_is_said_by_line(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "squats.csv"
    path.write_text(text)
    with pytest.raises(Terminal, match=message):
        evaluate_squats(path)


def test_a_file_that_is_not_there_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(Terminal, match="cannot be read"):
        evaluate_squats(tmp_path / "none.csv")
