"""What shape a hand is said to have, on made hands, on MediaPipe's own recordings and on labelled ones."""

import re
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from consumers.analytics.features.hands import measure_hands
from consumers.analytics.shapes.scoring import SHAPES, HandShape, score_hands
from tests.consumers.analytics.made_hands import make_hand, thumbs_down, thumbs_up

_WITHOUT_DIRECTION = [shape for shape in HandShape if shape not in {HandShape.THUMBS_UP, HandShape.THUMBS_DOWN}]


def _sizes(count: int, pixels: int) -> NDArray[np.int32]:
    return np.full(count, pixels, dtype=np.int32)


def recognise(hand: NDArray[np.float32], width: int = 1280, height: int = 720) -> HandShape | None:
    measured, scores = score_hands(hand[None].astype(np.float32), _sizes(1, width), _sizes(1, height))
    assert measured.all()
    best = int(scores[0].argmax())
    return SHAPES[best] if scores[0, best] >= 0.5 else None


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("turned_deg", [0, 45, 90, 135, 180, 270])
@pytest.mark.parametrize("shape", _WITHOUT_DIRECTION)
def test_a_shape_is_recognised_of_either_hand_and_however_it_is_turned(
    shape: HandShape, turned_deg: int, side: str
) -> None:
    assert recognise(make_hand(shape.value, turned_deg=turned_deg, side=side)) is shape


@pytest.mark.parametrize("side", ["left", "right"])
def test_thumbs_up_and_down_are_told_by_where_down_is_in_the_image(side: str) -> None:
    assert recognise(thumbs_up(side)) is HandShape.THUMBS_UP
    assert recognise(thumbs_down(side)) is HandShape.THUMBS_DOWN


def test_a_thumb_held_sideways_is_neither_up_nor_down_nor_a_fist() -> None:
    assert recognise(make_hand("thumb_out", turned_deg=15.0)) is None


def test_two_fingers_side_by_side_are_no_victory() -> None:
    assert recognise(make_hand("together")) is None


@pytest.mark.parametrize(("width", "height"), [(1920, 1080), (1080, 1920), (640, 480), (500, 500)])
def test_a_hand_keeps_its_shape_in_an_image_that_is_not_square(width: int, height: int) -> None:
    square = measure_hands(make_hand("victory", width=800, height=800)[None], _sizes(1, 800), _sizes(1, 800))
    other = measure_hands(
        make_hand("victory", width=width, height=height, turned_deg=30)[None], _sizes(1, width), _sizes(1, height)
    )
    for name in ("index_reach", "ring_reach", "thumb_clearance", "pinch", "victory_gap", "thumb_abduction"):
        assert getattr(other, name)[0] == pytest.approx(getattr(square, name)[0], abs=1e-4), name


def test_an_image_of_unknown_size_still_gives_a_shape() -> None:
    assert recognise(make_hand("open", width=640, height=480), width=0, height=0) is HandShape.OPEN


@pytest.mark.parametrize("damage", [np.nan, np.inf])
def test_a_hand_with_a_coordinate_that_is_no_number_is_not_measured(damage: float) -> None:
    hands = np.stack([make_hand("open"), make_hand("open")])
    hands[1, 7, 2] = damage
    measured, scores = score_hands(hands, _sizes(2, 1280), _sizes(2, 720))
    assert measured.tolist() == [True, False]
    assert scores[1].tolist() == [0.0] * len(SHAPES)


def test_a_hand_of_no_size_is_not_measured() -> None:
    measured, _ = score_hands(np.full((1, 21, 3), 0.5, dtype=np.float32), _sizes(1, 1280), _sizes(1, 720))
    assert not measured.any()


@pytest.mark.parametrize("rows", [1, 7, 500])
def test_a_hand_scores_the_same_to_the_last_bit_whatever_batch_it_comes_in(rows: int) -> None:
    dice = np.random.default_rng(7)
    hands = dice.normal(0.5, 0.1, (500, 21, 3)).astype(np.float32)
    _, together = score_hands(hands, _sizes(500, 1280), _sizes(500, 720))
    parts = [
        score_hands(
            hands[start : start + rows],
            _sizes(len(hands[start : start + rows]), 1280),
            _sizes(len(hands[start : start + rows]), 720),
        )[1]
        for start in range(0, 500, rows)
    ]
    assert np.concatenate(parts).tobytes() == together.tobytes()


def _read_golden(path: Path) -> NDArray[np.float32]:
    """float32 (21, 3): the image landmarks of a MediaPipe test result; its world landmarks follow and are left out."""
    numbers = re.findall(r"x: (\S+)\s+y: (\S+)\s+z: (\S+)", path.read_text())
    return np.array(numbers[:21], dtype=np.float32)


def _turn(hand: NDArray[np.float32]) -> NDArray[np.float32]:
    """A quarter turn clockwise in a square image."""
    return np.stack([1 - hand[:, 1], hand[:, 0], hand[:, 2]], axis=1)


@pytest.mark.parametrize(
    ("file", "shape"),
    [("fist", HandShape.CLOSED), ("pointing_up", HandShape.POINTING), ("thumb_up", HandShape.THUMBS_UP)],
)
def test_mediapipes_own_recordings_are_recognised(shared_data: Path, file: str, shape: HandShape) -> None:
    hand = _read_golden(shared_data / "goldens" / f"{file}_landmarks.pbtxt")
    assert recognise(hand, 1, 1) is shape
    if shape is HandShape.THUMBS_UP:
        assert recognise(_turn(_turn(hand)), 1, 1) is HandShape.THUMBS_DOWN
    else:
        assert recognise(_turn(hand), 1, 1) is shape


def test_nine_in_ten_labelled_hands_of_other_people_are_named_right(shared_data: Path) -> None:
    rows = np.loadtxt(shared_data / "hand_gestures" / "static_train.csv", delimiter=",")
    hands = np.zeros((len(rows), 21, 3), dtype=np.float32)
    hands[:, :, :2] = rows[:, 1:].reshape(-1, 21, 2)
    _, scores = score_hands(hands, _sizes(len(rows), 1), _sizes(len(rows), 1))
    labels = [HandShape.OPEN, HandShape.CLOSED, HandShape.POINTING, HandShape.OK]
    truth = np.array([SHAPES.index(label) for label in labels])[rows[:, 0].astype(int)]
    named = scores.max(axis=1) >= 0.5
    assert (named & (scores.argmax(axis=1) == truth)).mean() >= 0.90
    assert (named & (scores.argmax(axis=1) != truth)).mean() <= 0.04
