"""Motions that were learned are told at other sizes and speeds, and when the hand was not seen in some frames."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from consumers.analytics.learning.motion import Motion
from consumers.analytics.learning.motion_model import MotionModel, learn_motions
from consumers.analytics.learning.rows import read_rows
from consumers.analytics.learning.tracks import fill_gaps, read_tracks
from keypoints.errors import Terminal
from tests.consumers.analytics.learning.made_rows import Floats, Rows, cut_blocks, make_windows, pick


def learn(values: Floats, labels: Sequence[str]) -> MotionModel:
    return learn_motions(values, [Motion(label) for label in labels])


def tell_share(model: MotionModel, values: Floats, labels: Sequence[str]) -> float:
    said = [model.classes[place] for place in model.scores(values).argmax(axis=1)]
    return float(np.mean([one == other for one, other in zip(said, labels, strict=True)]))


@pytest.fixture(scope="module")
def model() -> MotionModel:
    taught = make_windows(60, seed=1)
    return learn(taught.values, taught.labels)


def test_the_last_quarter_of_each_recorded_motion_is_told_from_the_first_three(shared_data: Path) -> None:
    rows = read_rows(shared_data / "hand_gestures" / "motion_train.csv")
    *_, (train, test) = cut_blocks(rows.labels, 4)
    model = learn(rows.values[train], pick(rows.labels, train))
    assert tell_share(model, rows.values[test], pick(rows.labels, test)) >= 0.99


def test_no_part_of_the_recording_depends_on_having_been_learned(shared_data: Path) -> None:
    rows = read_rows(shared_data / "hand_gestures" / "motion_train.csv")
    shares = [
        tell_share(learn(rows.values[train], pick(rows.labels, train)), rows.values[test], pick(rows.labels, test))
        for train, test in cut_blocks(rows.labels, 8)
    ]
    assert np.mean(shares) >= 0.99
    assert min(shares) >= 0.97


@pytest.mark.parametrize(
    "asked",
    [
        make_windows(50, seed=2),
        make_windows(50, seed=3, radius=(0.03, 0.05)),
        make_windows(50, seed=4, radius=(0.15, 0.2)),
        make_windows(50, seed=5, turn_deg=(14.0, 18.0)),
        make_windows(50, seed=6, turn_deg=(30.0, 40.0)),
        make_windows(50, seed=7, missed=3),
        make_windows(50, seed=8, missed=7),
    ],
    ids=["as learned", "smaller", "larger", "slower", "faster", "three frames missed", "seven frames missed"],
)
def test_another_session_is_told(model: MotionModel, asked: Rows) -> None:
    assert tell_share(model, asked.values, asked.labels) >= 0.98


def test_in_a_mirror_a_circle_is_the_other_one(model: MotionModel) -> None:
    rows = make_windows(20, seed=2)
    mirrored = (rows.values.reshape(-1, 16, 2) * (-1.0, 1.0)).reshape(-1, 32)
    other = {Motion.CLOCKWISE: Motion.COUNTER_CLOCKWISE, Motion.COUNTER_CLOCKWISE: Motion.CLOCKWISE}
    assert tell_share(model, mirrored, [other.get(Motion(label), Motion(label)) for label in rows.labels]) == 1.0


def test_a_window_in_which_nothing_was_seen_is_whatever_was_missed_most() -> None:
    taught = make_windows(20, seed=1)
    moves = [row for row, label in enumerate(taught.labels) if label == Motion.MOVE]
    unseen = np.zeros((1, 32))
    taught.values[moves[:3]] = unseen
    model = learn(taught.values, taught.labels)
    assert model.classes[int(model.scores(unseen).argmax())] == Motion.MOVE


def test_the_same_rows_teach_the_same(model: MotionModel) -> None:
    taught, asked = make_windows(60, seed=1), make_windows(5, seed=9)
    np.testing.assert_array_equal(learn(taught.values, taught.labels).scores(asked.values), model.scores(asked.values))


def test_one_motion_is_nothing_to_tell_apart() -> None:
    taught = make_windows(5, seed=1)
    with pytest.raises(Terminal, match="labelled 'stop'"):
        learn(taught.values[:5], taught.labels[:5])


def test_frames_without_a_hand_are_found_wherever_they_are() -> None:
    for missed in range(16):
        rows = make_windows(3, seed=missed, missed=missed)
        assert (read_tracks(rows.values).seen.sum(axis=1) == 16 - missed).all()
    assert not read_tracks(np.zeros((1, 32))).seen.any()


def test_gaps_lie_on_the_line_between_what_was_seen() -> None:
    window = np.column_stack([np.full(16, 0.4), 0.3 + 0.01 * np.arange(16)])
    window[[0, 5, 6, 15]] = 0.0
    tracks = read_tracks((window - window[0]).reshape(1, 32))
    points, inside = fill_gaps(tracks)
    np.testing.assert_array_equal(np.flatnonzero(~tracks.seen[0]), [0, 5, 6, 15])
    np.testing.assert_array_equal(np.flatnonzero(~inside[0]), [0, 15])
    np.testing.assert_allclose(np.diff(points[0, 1:15, 1]), 0.01)
