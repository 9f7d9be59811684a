"""The avatars' page in pictures for the documentation. HOLISTIC_WRITE_SCREENSHOTS=1 writes them to docs/pictures.

Nobody is in them: performers are acted, and of the person in the video only the landmarks are drawn.
"""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from consumers.avatar.stage.stage import Stage, StageOptions
from consumers.avatar.states import AvatarStates
from keypoints import FrameBatch
from keypoints.landmarks import HAND_CONNECTIONS, POSE_CONNECTIONS, PoseLandmark
from tests.conftest import REPOSITORY
from tests.consumers.avatar.page.acting import dance
from tests.consumers.avatar.page.theatre import Theatre
from tests.consumers.avatar.page.visitor import Joints, Visitor
from tests.consumers.avatar.recordings import extract_video

LARGEST_BYTES = 300_000
WRITES = os.environ.get("HOLISTIC_WRITE_SCREENSHOTS", "") not in ("", "0")
# Figures settle within some seconds, and nobody waits for that whose pictures are thrown away.
SETTLE_MS = 8_000 if WRITES else 0
COLOURS = 200
LEFT, RIGHT, MIDDLE = "#35d0ba", "#ff9d4d", "#e8eef6"
LIMBS = {
    "LeftUpperArm": ("LeftLowerArm", PoseLandmark.LEFT_SHOULDER, PoseLandmark.LEFT_ELBOW),
    "LeftLowerArm": ("LeftHand", PoseLandmark.LEFT_ELBOW, PoseLandmark.LEFT_WRIST),
    "RightUpperArm": ("RightLowerArm", PoseLandmark.RIGHT_SHOULDER, PoseLandmark.RIGHT_ELBOW),
    "RightLowerArm": ("RightHand", PoseLandmark.RIGHT_ELBOW, PoseLandmark.RIGHT_WRIST),
}


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    return REPOSITORY / "docs" / "pictures" if WRITES else tmp_path


def save(picture: Image.Image, path: Path) -> None:
    picture.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE).save(path, optimize=True)
    assert path.stat().st_size <= LARGEST_BYTES


def shoot(visitor: Visitor) -> Image.Image:
    return Image.open(io.BytesIO(visitor.page.screenshot()))


@pytest.mark.parametrize(
    ("name", "query", "count", "dark", "width", "height"),
    [
        ("desktop", "", 3, True, 1280, 800),
        ("phone", "", 1, False, 390, 844),
        # What these show is looked at by other tests as well, in pictures that cost less.
        *([("crowd", "", 30, True, 1280, 800), ("replay", "?replay=1", 2, False, 1280, 800)] if WRITES else []),
    ],
)
def test_the_page_in_the_documentation(
    theatre: Theatre,
    visit: Callable[..., Visitor],
    pictures: Path,
    name: str,
    query: str,
    count: int,
    dark: bool,
    width: int,
    height: int,
) -> None:
    names = ("ada", "ben", "cleo") if count <= 3 else tuple(f"performer {number + 1}" for number in range(count))
    theatre.play({stream: dance(seed) for seed, stream in enumerate(names[:count])})
    visitor = visit(query, smooth=WRITES, dark=dark, width=width, height=height)
    visitor.expect_status("Replay" if query else "Live")
    visitor.wait_for_avatars(dict.fromkeys(names[:count], "avatar" if count <= 12 else "figure"))
    visitor.page.wait_for_timeout(SETTLE_MS)
    assert not visitor.is_wider_than_its_window()
    assert visitor.smallest_control_px() >= (40 if width < 900 else 20)
    seen = shoot(visitor)
    assert seen.size == (width, height)
    save(seen, pictures / f"avatar-{name}.png")


@pytest.mark.mediapipe
@pytest.mark.parametrize("video", ["hoy_001"])
def test_an_avatar_takes_the_pose_of_the_person_in_the_video(
    theatre: Theatre, visit: Callable[..., Visitor], pictures: Path, shared_data: Path, video: str
) -> None:
    frames = extract_video(shared_data / "videos" / f"{video}.mp4")
    row = len(frames) // 2
    shown = perform(frames, row)
    theatre.play({video: lambda at_s: shown})
    visitor = visit("?ui=0&labels=0&frame=upper&skeleton=1", smooth=WRITES, width=480, height=360)
    visitor.wait_for_avatars({video: "avatar"})
    joints = visitor.wait_until_still(video)
    assert max(angles_apart_deg(frames, row, joints)) < 25.0
    both = Image.new("RGB", (960, 360), "#0a1322")
    both.paste(draw_landmarks(frames, row, (480, 360)), (0, 0))
    both.paste(shoot(visitor).convert("RGB"), (480, 0))
    save(both, pictures / "avatar-of-a-video.png")


def perform(frames: FrameBatch, until: int) -> AvatarStates:
    """What the service's stage shows at a row of the video, after those before it."""
    stage = Stage(StageOptions(stale_after_s=None))
    for row in range(until + 1):
        stage.perform(frames.take([row]), int(frames.captured_at_us[row]))
    return stage.states(list(stage.performers), int(frames.captured_at_us[until]))


def angles_apart_deg(frames: FrameBatch, row: int, joints: Joints) -> list[float]:
    """For each part of the arms that lies in the picture's plane: between the landmarks' direction and the avatar's."""
    pose = frames.pose[row, :, :2] * (frames.width[row], frames.height[row])
    apart = []
    for start, (end, first, second) in LIMBS.items():
        seen, wanted = np.subtract(joints[end], joints[start]), pose[second] - pose[first]
        if np.hypot(*seen) > 25.0:
            turn = np.arctan2(seen[1], seen[0]) - np.arctan2(wanted[1], wanted[0])
            apart.append(abs(float(np.degrees(np.angle(np.exp(1j * turn))))))
    assert len(apart) >= 2
    return apart


def draw_landmarks(frames: FrameBatch, row: int, size: tuple[int, int]) -> Image.Image:
    """What MediaPipe found: the left in one colour and the right in the other."""
    picture = Image.new("RGB", size, "#0a1322")
    pen = ImageDraw.Draw(picture)
    scale = size[0] / float(frames.width[row])
    shift = (size[1] - scale * float(frames.height[row])) / 2

    def draw(points: NDArray[np.float32], lines: Sequence[tuple[int, int]], colours: Sequence[str], width: int) -> None:
        at = points[:, :2] * (frames.width[row], frames.height[row]) * scale + (0.0, shift)
        for (first, second), colour in zip(lines, colours, strict=True):
            pen.line((*at[first], *at[second]), fill=colour, width=width)

    draw(frames.pose[row], POSE_CONNECTIONS, [side_colour(*line) for line in POSE_CONNECTIONS], 4)
    for hand, is_there, colour in (
        (frames.left_hand, frames.left_hand_present, LEFT),
        (frames.right_hand, frames.right_hand_present, RIGHT),
    ):
        if is_there[row]:
            draw(hand[row], HAND_CONNECTIONS, [colour] * len(HAND_CONNECTIONS), 2)
    return picture


def side_colour(first: int, second: int) -> str:
    sides = {PoseLandmark(landmark).name.partition("_")[0] for landmark in (first, second)}
    return LEFT if sides == {"LEFT"} else RIGHT if sides == {"RIGHT"} else MIDDLE
