"""What is told of recordings of real people."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from consumers.analytics.facts import FrameFacts, HandFacts
from consumers.analytics.finding import Change, Moment
from consumers.analytics.movements.recogniser import Movements
from keypoints.frame import FrameBatch
from tests.consumers.analytics.movements.made_movements import findings, keep_hands, recognise
from tests.consumers.analytics.pose_file import read_hands
from tests.consumers.analytics.shapes.test_recordings import find_landmarks

STOP, CLOCKWISE, COUNTER_CLOCKWISE, MOVE = range(4)
CIRCLES = {CLOCKWISE: "circle_clockwise", COUNTER_CLOCKWISE: "circle_counter_clockwise"}
HAND_LENGTH = 0.18
"""Image heights: of a hand as near to the camera as those of the recorded fingertips seem to be."""
FRAME_US = 33_333
ASPECT = 960 / 540
Path2D = NDArray[np.float64]


@pytest.mark.mediapipe
@pytest.mark.parametrize("name", ["hoy_001", "doctor_001"])
def test_of_people_who_sign_a_word_nothing_is_told_that_they_do_not_do(name: str, shared_data: Path) -> None:
    # One turns a thumb down twice, one holds a curled hand at the mouth and taps the other: no movement of ours.
    batch = FrameBatch.from_frames(find_landmarks(shared_data / "videos" / f"{name}.mp4"))
    assert recognise(batch) == []
    assert recognise(keep_hands(batch)) == []


def test_of_a_signer_whose_hands_come_and_go_nothing_is_told(shared_data: Path) -> None:
    assert recognise(FrameBatch.from_frames(read_hands(shared_data / "recordings" / "example.pose"))) == []


def read_paths(shared_data: Path) -> Iterator[tuple[int, Path2D]]:
    """(label, way (N, 2) of a fingertip in image heights): windows of 16 points that overlap, put together again."""
    rows = np.loadtxt(shared_data / "hand_gestures" / "motion_train.csv", delimiter=",")
    labels, windows = rows[:, 0].astype(int), rows[:, 1:].reshape(-1, 16, 2) * (ASPECT, 1.0)
    steps = np.diff(windows, axis=1)
    goes_on = (labels[1:] == labels[:-1]) & np.isclose(steps[:-1, 1:], steps[1:, :-1], atol=1e-6).all(axis=(1, 2))
    for run in np.split(np.arange(len(labels)), np.flatnonzero(~goes_on) + 1):
        way = np.concatenate([steps[run[0]], steps[run[1:], -1]])
        yield int(labels[run[0]]), np.concatenate([np.zeros((1, 2)), np.cumsum(way, axis=0)])


def follow(path: Path2D) -> list[Change]:
    """What is told of a pointing hand whose fingertip goes that way."""
    movements = Movements()
    changes: list[Change] = []
    for number, (x, y) in enumerate(path.tolist()):
        hand = HandFacts(x, y + HAND_LENGTH, x, y, HAND_LENGTH, 0.3, 1.0, 1.0, 0.8, ())
        facts = FrameFacts("finger", 1, number, number * FRAME_US, "t", 0, number, None, hand, None, None)
        changes += movements.advance(Moment(facts.captured_at_us, number), facts)
    return [*changes, *movements.end()]


def test_recorded_fingertips_circle_the_way_their_label_says_and_never_the_other(shared_data: Path) -> None:
    told: dict[int, Counter[str]] = {label: Counter() for label in range(4)}
    circling = {label: [0, 0] for label in CIRCLES}
    for label, path in read_paths(shared_data):
        found = findings(follow(path))
        told[label].update(finding.kind for finding in found)
        # Two rounds of these quick fingers are three quarters of a second, and the way there.
        if label in CIRCLES and len(path) >= 40:
            circling[label][0] += any(finding.kind == CIRCLES[label] for finding in found)
            circling[label][1] += 1
    assert set(told[CLOCKWISE]) == {"circle_clockwise"}
    assert set(told[COUNTER_CLOCKWISE]) == {"circle_counter_clockwise"}
    assert not told[STOP]
    assert not told[MOVE]
    for right, paths in circling.values():
        assert right >= 0.75 * paths > 0
