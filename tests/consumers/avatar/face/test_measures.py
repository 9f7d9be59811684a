"""A face measures the same however it is turned, near, or drawn by the detector."""

import numpy as np
import pytest
from numpy.typing import NDArray

from consumers.avatar.face.measures import Measure, measure_face
from keypoints.landmarks import FACE_MIRROR
from tests.consumers.avatar.acted_face import Mesh, act, resting_face, turn_head

_HEAD = [Measure.HEAD_YAW_DEG, Measure.HEAD_PITCH_DEG]
_OF_THE_SKIN = [measure for measure in Measure if measure not in _HEAD]


def measured(face: Mesh, focal: float | None = None) -> NDArray[np.float64]:
    row: NDArray[np.float64] = measure_face(face[None], None if focal is None else np.array([focal]))[0]
    assert row.shape == (len(Measure),)
    return row


@pytest.fixture(name="smiling", scope="module")
def smiling_face() -> Mesh:
    return act({"mouthSmileLeft": 0.7, "jawOpen": 0.4, "eyeBlinkRight": 0.5, "eyesLeft": 0.5})


@pytest.mark.parametrize("turned", [{"yaw_deg": 40.0}, {"yaw_deg": -40.0}, {"pitch_deg": 30.0}, {"roll_deg": 70.0}])
def test_a_turned_face_measures_the_same(smiling: Mesh, turned: dict[str, float]) -> None:
    seen = measured(turn_head(smiling, **turned))
    np.testing.assert_allclose(seen[_OF_THE_SKIN], measured(smiling)[_OF_THE_SKIN], atol=1e-6)


def test_a_small_face_elsewhere_in_a_picture_whose_depth_is_flat_measures_the_same(smiling: Mesh) -> None:
    seen = measured(turn_head(smiling, yaw_deg=25.0, pitch_deg=10.0) * (0.3, 0.3, 0.2) + (500.0, -200.0, 30.0))
    np.testing.assert_allclose(seen[_OF_THE_SKIN], measured(smiling)[_OF_THE_SKIN], atol=1e-6)


@pytest.mark.parametrize("turned", [{"yaw_deg": 30.0}, {"pitch_deg": 25.0}, {"pitch_deg": -25.0}])
def test_a_face_close_to_the_camera_measures_the_same_once_its_lens_is_known(
    smiling: Mesh, turned: dict[str, float]
) -> None:
    away_mm, face = 550.0, turn_head(smiling, **turned)
    seen = face.copy()
    seen[:, :2] = (face[:, :2] + (80.0, -40.0)) * (away_mm / (away_mm - face[:, 2:]))
    bare = np.abs(measured(seen) - measured(smiling))[_OF_THE_SKIN].max()
    known = np.abs(measured(seen, away_mm) - measured(smiling))[_OF_THE_SKIN].max()
    assert known < 0.6
    assert known < 0.15 * bare


def test_the_head_turns_to_its_own_right_and_bows_down() -> None:
    rest = measured(resting_face())[_HEAD]
    yaw = measured(turn_head(resting_face(), yaw_deg=30.0))[_HEAD]
    pitch = measured(turn_head(resting_face(), pitch_deg=20.0))[_HEAD]
    assert (yaw - rest)[0] == pytest.approx(30.0, abs=1.0)
    assert (pitch - rest)[1] == pytest.approx(20.0, abs=0.5)


def test_a_mirrored_face_has_its_sides_swapped(smiling: Mesh) -> None:
    plain, mirrored = measured(smiling), measured(smiling[FACE_MIRROR] * (-1.0, 1.0, 1.0))
    for measure in Measure:
        if "LEFT" in measure.name:
            sign = -1.0 if measure is Measure.IRIS_X_LEFT else 1.0
            other = Measure[measure.name.replace("LEFT", "RIGHT")]
            assert mirrored[other] == pytest.approx(sign * plain[measure], abs=1e-6)


def test_what_is_not_seen_is_not_measured_and_spoils_nobody_else(smiling: Mesh) -> None:
    without_irises = smiling.copy()
    without_irises[468:] = np.nan
    flat = smiling * (1.0, 1.0, 0.0)
    faces = np.stack((smiling, without_irises, np.full_like(smiling, np.nan), np.zeros_like(smiling), flat))
    rows = measure_face(faces)
    np.testing.assert_allclose(rows[0], measured(smiling))
    irises = rows[1, Measure.IRIS_X_LEFT :]
    assert np.isnan(irises).all()
    np.testing.assert_allclose(rows[1, : Measure.IRIS_X_LEFT], rows[0, : Measure.IRIS_X_LEFT])
    assert np.isnan(rows[2:, : Measure.HEAD_YAW_DEG]).all()


def test_an_empty_batch_has_no_measures() -> None:
    assert measure_face(np.empty((0, 478, 3)), np.empty(0)).shape == (0, len(Measure))
