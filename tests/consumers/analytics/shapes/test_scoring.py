"""What shape a hand is said to have, on made hands, on MediaPipe's own recordings and on labelled ones."""

import re
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from consumers.analytics.shapes.hand_shape import COUNTS, SHAPES, HandShape
from consumers.analytics.shapes.scoring import score_hands
from tests.consumers.analytics.made_hands import make_hand, thumbs_down, thumbs_up

_THUMBS = {HandShape.THUMBS_UP, HandShape.THUMBS_DOWN, HandShape.THUMBS_SIDEWAYS}
_WITHOUT_DIRECTION = [shape for shape in HandShape if shape not in _THUMBS]


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


@pytest.mark.parametrize("tilted_deg", [-60, -30, 30, 60, 180])
@pytest.mark.parametrize("shape", _WITHOUT_DIRECTION)
def test_a_shape_is_recognised_when_the_palm_is_turned_away_from_the_camera(shape: HandShape, tilted_deg: int) -> None:
    assert recognise(make_hand(shape.value, tilted_deg=tilted_deg, turned_deg=20)) is shape


@pytest.mark.parametrize("side", ["left", "right"])
def test_thumbs_up_and_down_are_told_by_where_down_is_in_the_image(side: str) -> None:
    assert recognise(thumbs_up(side)) is HandShape.THUMBS_UP
    assert recognise(thumbs_down(side)) is HandShape.THUMBS_DOWN


@pytest.mark.parametrize("turned_deg", [15, -15, 195, 165])
def test_a_thumb_held_sideways_is_neither_up_nor_down_nor_a_fist(turned_deg: int) -> None:
    assert recognise(make_hand("thumb_out", turned_deg=turned_deg)) is HandShape.THUMBS_SIDEWAYS


def test_a_thumb_held_out_of_a_fist_always_is_a_thumb() -> None:
    assert {recognise(make_hand("thumb_out", turned_deg=turned_deg)) for turned_deg in range(0, 360, 5)} == _THUMBS


def test_the_page_on_hand_shapes_tells_of_each() -> None:
    page = (Path(__file__).parents[4] / "docs" / "hand-shapes.md").read_text()
    table, _, rest = page.partition("## Counting")
    assert [shape for shape in HandShape if f"`{shape.value}`" not in table] == []
    assert [
        shape for shape, count in COUNTS.items() if f"'{shape.value}' THEN {count}" not in " ".join(rest.split())
    ] == []


def test_two_fingers_side_by_side_are_no_victory() -> None:
    assert recognise(make_hand("together")) is None


def test_the_fingers_shown_from_one_to_five_each_have_a_shape() -> None:
    shown = [recognise(make_hand(name)) for name in ("pointing", "victory", "three", "four", "open")]
    assert [COUNTS[shape] for shape in shown if shape is not None] == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("shape", _WITHOUT_DIRECTION)
def test_a_shape_is_never_taken_for_another_when_its_landmarks_tremble(shape: HandShape) -> None:
    """By 2 px on a palm of 80 px, twice as much as a landmarker's do."""
    dice = np.random.default_rng(5)
    trembling = make_hand(shape.value) + dice.normal(0, 2.0, (300, 21, 3)) / (1280, 720, 1280)
    _, scores = score_hands(trembling.astype(np.float32), _sizes(300, 1280), _sizes(300, 720))
    named = scores.max(axis=1) >= 0.5
    right = scores.argmax(axis=1) == SHAPES.index(shape)
    assert not (named & ~right).any()
    assert (named & right).mean() > 0.95


def test_an_image_of_unknown_size_still_gives_a_shape() -> None:
    assert recognise(make_hand("open", width=640, height=480), width=0, height=0) is HandShape.OPEN


@pytest.mark.parametrize("damage", [np.nan, np.inf])
def test_a_hand_with_a_coordinate_that_is_no_number_has_no_shape(damage: float) -> None:
    hands = np.stack([make_hand("open"), make_hand("open")])
    hands[1, 7, 2] = damage
    measured, scores = score_hands(hands, _sizes(2, 1280), _sizes(2, 720))
    assert measured.tolist() == [True, False]
    assert scores[1].tolist() == [0.0] * len(SHAPES)


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


def _turn(hand: NDArray[np.float32], quarters: int) -> NDArray[np.float32]:
    """Quarter turns clockwise in a square image."""
    for _ in range(quarters % 4):
        hand = np.stack([1 - hand[:, 1], hand[:, 0], hand[:, 2]], axis=1)
    return hand


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize(
    ("file", "upright", "quarter", "upside_down"),
    [
        ("fist", HandShape.CLOSED, HandShape.CLOSED, HandShape.CLOSED),
        ("pointing_up", HandShape.POINTING, HandShape.POINTING, HandShape.POINTING),
        ("thumb_up", HandShape.THUMBS_UP, HandShape.THUMBS_SIDEWAYS, HandShape.THUMBS_DOWN),
    ],
)
def test_mediapipes_own_recordings_are_recognised_however_they_are_turned(
    shared_data: Path, file: str, upright: HandShape, quarter: HandShape, upside_down: HandShape, mirrored: bool
) -> None:
    hand = _read_golden(shared_data / "goldens" / f"{file}_landmarks.pbtxt")
    if mirrored:
        hand[:, 0] = 1 - hand[:, 0]
    assert [recognise(_turn(hand, quarters), 1, 1) for quarters in range(4)] == [upright, quarter, upside_down, quarter]


def test_nine_in_ten_labelled_hands_of_other_people_are_named_right(shared_data: Path) -> None:
    rows = np.loadtxt(shared_data / "hand_gestures" / "static_train.csv", delimiter=",")
    hands = np.zeros((len(rows), 21, 3), dtype=np.float32)
    hands[:, :, :2] = rows[:, 1:].reshape(-1, 21, 2)
    _, scores = score_hands(hands, _sizes(len(rows), 1), _sizes(len(rows), 1))
    labels = [HandShape.OPEN, HandShape.CLOSED, HandShape.POINTING, HandShape.OK]
    truth = np.array([SHAPES.index(label) for label in labels])[rows[:, 0].astype(int)]
    named = scores.max(axis=1) >= 0.5
    right, wrong = named & (scores.argmax(axis=1) == truth), named & (scores.argmax(axis=1) != truth)
    for number, label in enumerate(labels):
        labelled = rows[:, 0] == number
        share = {"right": right[labelled].mean(), "wrong": wrong[labelled].mean(), "none": 1 - named[labelled].mean()}
        print(f"{label.value:9} {labelled.sum():5}", *(f"{name} {100 * each:4.1f} %" for name, each in share.items()))
    assert right.mean() >= 0.90
    assert wrong.mean() <= 0.035
