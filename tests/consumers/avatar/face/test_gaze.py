"""Eyes look where the irises are, both together, and not at the floor whenever a lid comes down."""

import numpy as np
import pytest

from consumers.avatar.face.arkit import Blendshape
from consumers.avatar.face.gaze import read_gaze, turn_eyes
from consumers.avatar.face.measures import Measure, measure_face
from consumers.avatar.face.shapes import read_shapes
from tests.consumers.avatar.acted_face import Mesh, act, resting_face, turn_head
from tests.consumers.avatar.puppet import matrix_of

_NEUTRAL = measure_face(resting_face()[None])[0]


def look(face: Mesh) -> tuple[float, float]:
    """Degrees to the person's right, and down."""
    yaw, pitch = np.degrees(read_gaze(measure_face(face[None]), _NEUTRAL))[0].tolist()
    return yaw, pitch


@pytest.mark.parametrize("head_deg", [-30.0, 0.0, 30.0])
def test_eyes_turn_as_far_as_the_eyeballs_did_on_a_turned_head_too(head_deg: float) -> None:
    assert look(turn_head(act({"eyesRight": 0.5}), yaw_deg=head_deg)) == pytest.approx((12.0, 0.0), abs=1.5)
    assert look(turn_head(act({"eyesLeft": 1.0}), yaw_deg=head_deg)) == pytest.approx((-24.0, 0.0), abs=2.5)
    assert look(turn_head(act({"eyeLookUp": 0.5}), yaw_deg=head_deg)) == pytest.approx((0.0, -10.0), abs=1.5)
    assert look(turn_head(act({"eyeLookDown": 1.0}), yaw_deg=head_deg)) == pytest.approx((0.0, 20.0), abs=2.5)


def test_both_bones_turn_alike_and_point_where_the_gaze_goes() -> None:
    eyes = turn_eyes(measure_face(act({"eyesLeft": 0.8, "eyeLookUp": 0.5})[None]), _NEUTRAL)
    assert eyes.shape == (1, 2, 4)
    np.testing.assert_allclose(np.linalg.norm(eyes, axis=-1), 1.0, atol=1e-12)
    np.testing.assert_array_equal(eyes[:, 0], eyes[:, 1])
    across, _, ahead = matrix_of(eyes[0, 0]).T
    yaw, pitch = np.radians(look(act({"eyesLeft": 0.8, "eyeLookUp": 0.5})))
    assert yaw < -0.25
    assert pitch < -0.1
    expected = (np.sin(yaw) * np.cos(pitch), -np.sin(pitch), np.cos(yaw) * np.cos(pitch))
    np.testing.assert_allclose(ahead, expected, atol=1e-9)
    assert across[1] == pytest.approx(0.0, abs=1e-9)


def test_shapes_say_the_same_as_the_bones() -> None:
    measures = measure_face(np.stack([act({name: 0.7}) for name in ("eyesLeft", "eyesRight", "eyeLookUp")]))
    shapes = read_shapes(measures, _NEUTRAL)
    yaw, pitch = np.degrees(read_gaze(measures, _NEUTRAL)).T
    left, right, up = shapes
    for shape in (Blendshape.EYE_LOOK_OUT_LEFT, Blendshape.EYE_LOOK_IN_RIGHT):
        assert left[shape] == pytest.approx(-yaw[0] / 30.0)
        assert right[shape] == 0.0
    for shape in (Blendshape.EYE_LOOK_IN_LEFT, Blendshape.EYE_LOOK_OUT_RIGHT):
        assert right[shape] == pytest.approx(yaw[1] / 30.0)
    for shape in (Blendshape.EYE_LOOK_UP_LEFT, Blendshape.EYE_LOOK_UP_RIGHT):
        assert up[shape] == pytest.approx(-pitch[2] / 25.0)


def test_a_blink_does_not_pull_the_gaze_down() -> None:
    closing = [act({"eyeBlinkLeft": share, "eyeBlinkRight": share, "eyeLookDown": 0.8 * share}) for share in (0.7, 1.0)]
    measures = measure_face(np.stack(closing))
    assert np.isnan(turn_eyes(measures, _NEUTRAL)).all()
    shapes = read_shapes(measures, _NEUTRAL)
    assert np.isnan(shapes[:, Blendshape.EYE_LOOK_DOWN_LEFT]).all()
    others = [shape for shape in Blendshape if "LOOK" not in shape.name]
    assert np.isfinite(shapes[:, others]).all()


def test_a_wink_leaves_the_gaze_to_the_open_eye() -> None:
    face = act({"eyeBlinkLeft": 1.0, "eyesRight": 0.5})
    face[473:478, 1] -= 5.0
    assert look(face) == pytest.approx((12.0, 0.0), abs=1.5)


def test_the_eye_that_a_turned_head_shows_counts() -> None:
    for yaw_deg, hidden in ((50.0, slice(468, 473)), (-50.0, slice(473, 478))):
        face = act({"eyesRight": 0.5})
        face[hidden] += (4.0, 3.0, 0.0)
        assert look(turn_head(face, yaw_deg=yaw_deg)) == pytest.approx((12.0, 0.0), abs=2.0)


def test_eyes_never_turn_further_than_eyes_do_whatever_the_irises_say() -> None:
    rng = np.random.default_rng(5)
    faces = np.repeat(resting_face()[None], 200, axis=0)
    faces[:, 468:] += rng.normal(0.0, 15.0, size=(200, 1, 3))
    gaze = np.degrees(read_gaze(measure_face(faces), _NEUTRAL))
    assert np.abs(gaze[:, 0]).max() == pytest.approx(30.0)
    assert np.abs(gaze[:, 1]).max() == pytest.approx(25.0)


def test_a_mesh_without_irises_has_no_gaze() -> None:
    face = resting_face()
    face[468:] = np.nan
    measures = measure_face(face[None])
    assert np.isnan(read_gaze(measures, _NEUTRAL)).all()
    assert np.isfinite(measures[0, Measure.EYE_OPENING_LEFT])
