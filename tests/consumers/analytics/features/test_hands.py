"""What is measured of a hand, on made hands: what shape they have and how they are held is known."""

import numpy as np
import pytest
from numpy.typing import NDArray

from consumers.analytics.features.hands import HandFeatures, measure_hands
from tests.consumers.analytics.made_hands import make_hand


def measure(hand: NDArray[np.float32], width: int = 1280, height: int = 720) -> HandFeatures:
    return measure_hands(hand[None], np.full(1, width, dtype=np.int32), np.full(1, height, dtype=np.int32))


def test_a_fist_is_not_open_and_a_stretched_hand_is() -> None:
    assert measure(make_hand("closed")).openness[0] < 0.1
    assert measure(make_hand("open")).openness[0] > 0.95
    assert 0.3 < measure(make_hand("victory")).openness[0] < 0.7


@pytest.mark.parametrize("tilted_deg", [0, 60, -60, 150, 180])
def test_the_palm_faces_the_camera_by_as_much_as_it_is_turned_to_it(tilted_deg: int) -> None:
    right = measure(make_hand("open", tilted_deg=tilted_deg))
    left = measure(make_hand("open", tilted_deg=tilted_deg, side="left"))
    assert right.palm_facing_as_right[0] == pytest.approx(np.cos(np.radians(tilted_deg)), abs=1e-3)
    assert left.palm_facing_as_right[0] == pytest.approx(-right.palm_facing_as_right[0], abs=1e-3)


@pytest.mark.parametrize("turned_deg", [0, 45, 90, 180, -120])
def test_fingers_point_up_in_the_image_by_as_much_as_the_hand_is_turned(turned_deg: int) -> None:
    assert measure(make_hand("open", turned_deg=turned_deg)).fingers_up[0] == pytest.approx(
        np.cos(np.radians(turned_deg)), abs=1e-4
    )


def test_places_and_the_scale_are_image_heights() -> None:
    hand = measure(make_hand("pointing", size_px=72.0))
    assert hand.scale[0] == pytest.approx(0.1, abs=1e-4)
    assert (hand.wrist_x[0], hand.wrist_y[0]) == pytest.approx((0.5 * 1280 / 720, 0.5))
    # The palm is as long as the scale; the finger reaches 0.95 of one further.
    assert hand.index_tip_y[0] == pytest.approx(0.5 - 0.1 * (0.95 + 0.94), abs=2e-3)


@pytest.mark.parametrize(("width", "height"), [(1920, 1080), (1080, 1920), (640, 480), (500, 500)])
def test_a_hand_keeps_its_measures_in_an_image_that_is_not_square(width: int, height: int) -> None:
    square = measure(make_hand("victory", width=800, height=800), 800, 800)
    other = measure(make_hand("victory", width=width, height=height, turned_deg=30), width, height)
    for name in ("index_reach", "ring_reach", "thumb_clearance", "pinch", "victory_gap", "thumb_abduction", "openness"):
        assert getattr(other, name)[0] == pytest.approx(getattr(square, name)[0], abs=1e-4), name


@pytest.mark.parametrize("tilted_deg", [-70, -30, 45, 80])
def test_a_hand_keeps_its_measures_when_it_is_turned_from_the_camera(tilted_deg: int) -> None:
    facing, tilted = measure(make_hand("i_love_you")), measure(make_hand("i_love_you", tilted_deg=tilted_deg))
    for name in ("index_reach", "middle_reach", "thumb_clearance", "thumb_abduction", "thumb_to_little", "index_rise"):
        assert getattr(tilted, name)[0] == pytest.approx(getattr(facing, name)[0], abs=1e-4), name


@pytest.mark.parametrize("damage", [np.nan, np.inf])
def test_a_hand_with_a_coordinate_that_is_no_number_is_not_measured(damage: float) -> None:
    hands = np.stack([make_hand("open"), make_hand("open")])
    hands[1, 7, 2] = damage
    sizes = np.full(2, 720, dtype=np.int32)
    assert measure_hands(hands, sizes, sizes).measured.tolist() == [True, False]


def test_a_hand_of_no_size_is_not_measured() -> None:
    assert not measure(np.full((21, 3), 0.5, dtype=np.float32)).measured.any()
