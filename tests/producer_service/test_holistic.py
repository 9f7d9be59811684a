"""Real MediaPipe: the landmarks it would give anybody, on the person's own sides, unchanged by how we call it."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from mediapipe.framework.formats import landmark_pb2
from mediapipe.python.solutions.holistic import Holistic
from skimage.data import astronaut

from keypoints.frame import Float32Array
from keypoints.landmarks import HandLandmark, Part, PoseLandmark
from producer_service.capture.captured import Captured, RgbImage
from producer_service.capture.open_source import SourceOptions, open_source
from producer_service.landmarks.holistic import HolisticLandmarker
from producer_service.landmarks.landmark_lists import read_landmarks
from producer_service.landmarks.landmarker import Landmarks, put_sides_right
from tests.producer_service.made_media import draw_noise
from tests.producer_service.record_landmarks import REFERENCE, pick_points

pytestmark = pytest.mark.mediapipe

# Vector units of different machines differ in the last bits; a wrong library differs in the second decimal.
IN_IMAGE_TOLERANCE = 0.004
IN_METRES_TOLERANCE = 0.02

WRISTS = {
    Part.LEFT_HAND: (PoseLandmark.LEFT_WRIST, PoseLandmark.RIGHT_WRIST),
    Part.RIGHT_HAND: (PoseLandmark.RIGHT_WRIST, PoseLandmark.LEFT_WRIST),
}


@pytest.fixture
def open_landmarker() -> Iterator[Callable[..., HolisticLandmarker]]:
    """`open_landmarker(still=…)`, closed after the test."""
    opened: list[HolisticLandmarker] = []

    def open_one(*, still: bool) -> HolisticLandmarker:
        opened.append(HolisticLandmarker(still=still))
        return opened[-1]

    yield open_one
    for landmarker in opened:
        landmarker.close()


def read_video(path: Path, frames: int | None = None) -> list[RgbImage]:
    items = open_source(path, SourceOptions(), lambda: 0).read()
    images = [item.image for item in items if isinstance(item, Captured)]
    return images[:frames]


def points_one_by_one(landmark_list: object, values: int) -> list[list[float]]:
    names = ("x", "y", "z", "visibility")[:values]
    return [[getattr(point, name) for name in names] for point in landmark_list.landmark]  # type: ignore[attr-defined]


def same_points(ours: Float32Array | None, theirs: object, values: int) -> bool:
    if ours is None or theirs is None:
        return ours is None and theirs is None
    return np.array_equal(ours, np.array(points_one_by_one(theirs, values), dtype=np.float32))


def test_landmarks_of_a_video_are_those_of_a_bare_loop_to_the_last_bit(
    shared_data: Path, open_landmarker: Callable[..., HolisticLandmarker]
) -> None:
    images = read_video(shared_data / "videos" / "hoy_001.mp4", frames=40)
    ours = open_landmarker(still=False)
    bare = Holistic(model_complexity=1, refine_face_landmarks=True)
    hands = 0
    for image in images:
        found, theirs = ours.find(image), bare.process(image)
        assert same_points(found.pose, theirs.pose_landmarks, 4)
        assert same_points(found.pose_world, theirs.pose_world_landmarks, 4)
        assert same_points(found.face, theirs.face_landmarks, 3)
        assert same_points(found.left_hand, theirs.left_hand_landmarks, 3)
        assert same_points(found.right_hand, theirs.right_hand_landmarks, 3)
        hands += found.right_hand is not None
    bare.close()
    assert hands > 20


@pytest.mark.parametrize("video", ["hoy_001.mp4", "doctor_001.mp4"])
def test_a_hand_sits_at_the_wrist_of_its_own_side(
    shared_data: Path, open_landmarker: Callable[..., HolisticLandmarker], video: str
) -> None:
    landmarker = open_landmarker(still=False)
    own_side, seen = 0, 0
    for image in read_video(shared_data / "videos" / video)[::2]:
        found = landmarker.find(image)
        nearer, hands = count_hands_at_own_wrist(found)
        own_side, seen = own_side + nearer, seen + hands
    assert seen >= 20
    assert own_side == seen


def count_hands_at_own_wrist(found: Landmarks) -> tuple[int, int]:
    """Hands nearer to their own side's wrist than to the other, and hands in all."""
    own_side = hands = 0
    for part, (own, other) in WRISTS.items():
        hand = getattr(found, part.value)
        if hand is None or found.pose is None:
            continue
        hand_in_image = hand[HandLandmark.WRIST, :2]
        hands += 1
        own_side += bool(
            np.linalg.norm(hand_in_image - found.pose[own, :2]) < np.linalg.norm(hand_in_image - found.pose[other, :2])
        )
    return own_side, hands


def test_the_mirror_of_a_picture_gives_the_same_person_with_the_same_sides(
    shared_data: Path, open_landmarker: Callable[..., HolisticLandmarker]
) -> None:
    landmarker = open_landmarker(still=True)
    image = read_video(shared_data / "videos" / "hoy_001.mp4")[-8]
    plain = landmarker.find(image)
    mirrored = put_sides_right(landmarker.find(np.ascontiguousarray(image[:, ::-1])))
    assert plain.pose is not None
    assert plain.pose_world is not None
    assert plain.right_hand is not None
    assert mirrored.pose is not None
    assert mirrored.pose_world is not None
    assert mirrored.right_hand is not None
    arms = [PoseLandmark.LEFT_SHOULDER, PoseLandmark.RIGHT_SHOULDER, PoseLandmark.LEFT_ELBOW, PoseLandmark.RIGHT_ELBOW]
    np.testing.assert_allclose(1 - mirrored.pose[arms, 0], plain.pose[arms, 0], atol=0.03)
    np.testing.assert_allclose(mirrored.pose[arms, 1], plain.pose[arms, 1], atol=0.03)
    np.testing.assert_allclose(mirrored.pose_world[arms, :2], plain.pose_world[arms, :2], atol=0.08)
    np.testing.assert_allclose(1 - mirrored.right_hand[:, 0], plain.right_hand[:, 0], atol=0.05)


def test_the_astronaut_has_the_landmarks_recorded_of_her(open_landmarker: Callable[..., HolisticLandmarker]) -> None:
    found = open_landmarker(still=True).find(astronaut())
    assert found.face is not None
    assert found.face.shape == (478, 3)
    assert (found.left_hand, found.right_hand) == (None, None)
    recorded = json.loads(REFERENCE.read_text(encoding="utf-8"))
    picked = pick_points(found)
    assert {part: list(points) for part, points in picked.items()} == {
        part: list(points) for part, points in recorded.items()
    }
    for part, points in recorded.items():
        tolerance = IN_METRES_TOLERANCE if part == Part.POSE_WORLD else IN_IMAGE_TOLERANCE
        for name, point in points.items():
            difference = np.abs(np.subtract(picked[part][name], point))[:2]
            assert difference.max() <= tolerance, f"{part}.{name} moved by {difference}"


def test_a_still_remembers_nothing_of_the_picture_before(open_landmarker: Callable[..., HolisticLandmarker]) -> None:
    landmarker = open_landmarker(still=True)
    first = landmarker.find(astronaut())
    assert landmarker.find(draw_noise(300, 200)).pose is None
    again = landmarker.find(astronaut())
    for part in (Part.POSE, Part.POSE_WORLD, Part.FACE):
        np.testing.assert_array_equal(getattr(first, part.value), getattr(again, part.value))


@pytest.mark.parametrize("shape", [(1, 1), (1, 4000), (4000, 1), (3, 2)])
def test_a_picture_of_a_few_pixels_holds_nobody_and_breaks_nothing(
    open_landmarker: Callable[..., HolisticLandmarker], shape: tuple[int, int]
) -> None:
    landmarker = open_landmarker(still=True)
    assert landmarker.find(np.zeros((*shape, 3), np.uint8)).pose is None
    assert landmarker.find(astronaut()).pose is not None


def test_the_model_of_a_frame_says_which_one_found_it(open_landmarker: Callable[..., HolisticLandmarker]) -> None:
    assert open_landmarker(still=False).model == "mediapipe-holistic-0.10.21/complexity-1/refined-face"
    assert open_landmarker(still=True).model.endswith("/still")


def test_closing_twice_is_harmless() -> None:
    landmarker = HolisticLandmarker(still=True)
    landmarker.close()
    landmarker.close()


@pytest.mark.parametrize("values", [3, 4])
def test_points_read_from_the_message_are_those_of_its_attributes(values: int) -> None:
    rng = np.random.default_rng(5)
    message = landmark_pb2.NormalizedLandmarkList()
    for row in rng.normal(size=(33, 4)):
        names = ("x", "y", "z", "visibility")[:values]
        message.landmark.add(**dict(zip(names, row.tolist()[:values], strict=True)))
    expected = np.array(points_one_by_one(message, values), dtype=np.float32)
    np.testing.assert_array_equal(read_landmarks(message, values), expected)


def test_points_that_say_more_or_less_than_expected_are_still_read_right() -> None:
    message = landmark_pb2.NormalizedLandmarkList()
    message.landmark.add(x=0.25, y=0.5, z=-1.0, visibility=0.75, presence=0.5)
    message.landmark.add(x=0.125, z=2.0)
    np.testing.assert_array_equal(read_landmarks(message, 3), [[0.25, 0.5, -1.0], [0.125, 0.0, 2.0]])
    np.testing.assert_array_equal(read_landmarks(message, 4), [[0.25, 0.5, -1.0, 0.75], [0.125, 0.0, 2.0, 0.0]])
    assert read_landmarks(landmark_pb2.NormalizedLandmarkList(), 3).shape == (0, 3)
