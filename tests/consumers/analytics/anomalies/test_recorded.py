"""Recordings of real people, in which nothing is wrong with the capture and nobody needs looking at."""

from pathlib import Path

import pytest

from keypoints.frame import FrameBatch
from tests.consumers.analytics.pose_file import read_hands
from tests.consumers.analytics.shapes.test_recordings import find_landmarks
from tests.consumers.analytics.watched_people import find, kinds


def test_nothing_is_told_of_hands_that_sign(shared_data: Path) -> None:
    frames = read_hands(shared_data / "recordings" / "example.pose")
    assert kinds(find(FrameBatch.from_frames(frames))) == []


@pytest.mark.mediapipe
@pytest.mark.parametrize("name", ["hoy_001", "doctor_001"])
def test_nothing_is_told_of_people_filmed(shared_data: Path, name: str) -> None:
    assert kinds(find(FrameBatch.from_frames(find_landmarks(shared_data / "videos" / f"{name}.mp4")))) == []
