"""What a face does is read as the shape of that name, left and right apart, and as little else."""

import re
from itertools import chain
from pathlib import Path
from typing import Final

import numpy as np
import pytest
from numpy.typing import NDArray

from consumers.avatar.face.arkit import SHAPE_COUNT, Blendshape
from consumers.avatar.face.calibration import DEFAULT_NEUTRAL, NeutralFaces
from consumers.avatar.face.measures import Measure, measure_face
from consumers.avatar.face.shapes import Shapes, read_shapes
from consumers.avatar.solver.landmarks_in_unity import place_in_unity
from keypoints import FrameBatch
from performers.acts import Act, ActKind
from performers.camera import Camera
from performers.noise import Noise
from performers.performer import Performer, Stage
from tests.consumers.avatar.acted_face import ACTS, Mesh, act, resting_face, turn_head
from tests.consumers.avatar.recordings import read_pose_file

_NEUTRAL = measure_face(resting_face()[None])[0]
_OF_ANOTHER_NAME: Final = {
    "eyeLookUp": ("eyeLookUpLeft", "eyeLookUpRight"),
    "eyeLookDown": ("eyeLookDownLeft", "eyeLookDownRight"),
    "eyesLeft": ("eyeLookOutLeft", "eyeLookInRight"),
    "eyesRight": ("eyeLookInLeft", "eyeLookOutRight"),
    "mouthPress": ("mouthPressLeft", "mouthPressRight"),
}
"""Acts that are two shapes."""

_HARD_TO_SEE: Final = {"cheekPuff", "jawForward", "mouthDimpleLeft", "mouthDimpleRight", "mouthShrugLower"}
"""Shapes that are to be little, for they are hardly seen."""


def shapes_of(*faces: Mesh, neutral: NDArray[np.float64] = _NEUTRAL) -> list[dict[str, float]]:
    rows = read_shapes(measure_face(np.stack(faces)), neutral)
    return [{shape.arkit_name: float(row[shape]) for shape in Blendshape} for row in rows]


def test_a_face_at_rest_shows_nothing() -> None:
    (found,) = shapes_of(resting_face())
    assert max(found.values()) < 1e-9


@pytest.mark.parametrize("yaw_deg", [-30.0, 0.0, 30.0])
@pytest.mark.parametrize("name", ACTS)
def test_each_act_shows_as_its_own_shape_above_all_others(name: str, yaw_deg: float) -> None:
    (found,) = shapes_of(turn_head(act({name: 1.0}), yaw_deg=yaw_deg))
    own = _OF_ANOTHER_NAME.get(name, (name,))
    shown = min(found[shape] for shape in own)
    others = {shape: value for shape, value in found.items() if shape not in own}
    assert shown > (0.1 if name in _HARD_TO_SEE else 0.3)
    assert max(others.values()) < 0.7 * shown, others
    assert sum(others.values()) < 1.6 * shown, others


@pytest.mark.parametrize("name", sorted(name for name in ACTS if name.endswith(("Left", "Right"))))
def test_what_one_side_does_does_not_show_on_the_other(name: str) -> None:
    (found,) = shapes_of(act({name: 1.0}))
    side, other = ("Left", "Right") if name.endswith("Left") else ("Right", "Left")
    twin = name.removesuffix(side) + other
    assert found.get(twin, 0.0) < 0.05


@pytest.mark.parametrize("name", ["eyeBlinkLeft", "jawOpen", "mouthSmileRight", "browInnerUp", "mouthPucker"])
def test_a_shape_grows_with_the_act(name: str) -> None:
    strengths = np.linspace(0.0, 1.0, 21)
    values = [found[name] for found in shapes_of(*(act({name: strength}) for strength in strengths.tolist()))]
    assert values[0] == 0.0
    assert (np.diff(values) >= -1e-9).all()
    assert np.diff(values).max() < 0.16


def test_an_eye_that_is_shut_does_not_squint() -> None:
    squint, shut = shapes_of(act({"eyeSquintLeft": 1.0}), act({"eyeSquintLeft": 1.0, "eyeBlinkLeft": 0.9}))
    assert squint["eyeSquintLeft"] > 0.5
    assert shut["eyeBlinkLeft"] > 0.9
    assert shut["eyeSquintLeft"] < 0.1


def test_the_far_eye_of_a_turned_head_blinks_with_the_near_one() -> None:
    guessed = act({"eyeBlinkLeft": 0.5})
    (found,) = shapes_of(turn_head(guessed, yaw_deg=-50.0))
    assert found["eyeBlinkLeft"] < 0.05
    (found,) = shapes_of(turn_head(act({"eyeBlinkRight": 1.0}), yaw_deg=-50.0))
    assert found["eyeBlinkLeft"] == pytest.approx(found["eyeBlinkRight"])


def test_lips_that_hold_together_over_an_open_jaw_are_said_to_be_closed() -> None:
    open_jaw = act({"jawOpen": 0.6})
    rest = resting_face()
    sealed = open_jaw.copy()
    upper, lower = [13, 82, 312, 81, 311, 80, 310], [14, 87, 317, 178, 402, 88, 318]
    sealed[upper] = sealed[lower] + (rest[upper] - rest[lower])
    apart, together = shapes_of(open_jaw, sealed)
    assert apart["mouthClose"] < 0.1
    assert together["mouthClose"] > 0.3
    assert together["jawOpen"] > 0.3


def test_values_stay_between_nothing_and_all_whatever_the_face() -> None:
    rng = np.random.default_rng(1)
    wild = resting_face() + rng.normal(0.0, 12.0, size=(200, 478, 3))
    shapes = read_shapes(measure_face(wild), DEFAULT_NEUTRAL)
    assert np.nanmin(shapes) >= 0.0
    assert np.nanmax(shapes) <= 1.0


def test_without_a_face_nothing_is_said_and_without_irises_all_but_gaze() -> None:
    without_irises = resting_face()
    without_irises[468:] = np.nan
    nobody, blind = read_shapes(measure_face(np.stack((np.full((478, 3), np.nan), without_irises))), DEFAULT_NEUTRAL)
    assert nobody.shape == (SHAPE_COUNT,)
    assert np.isnan(nobody).all()
    looks = np.array(["LOOK" in shape.name for shape in Blendshape])
    np.testing.assert_array_equal(np.isnan(blind), looks)


def test_the_unrest_of_a_detector_moves_no_shape_far() -> None:
    rng = np.random.default_rng(2)
    of_an_eye_line_of_150_px = 90.0 / 150.0
    faces = resting_face() + rng.normal(0.0, 0.5 * of_an_eye_line_of_150_px, size=(300, 478, 3))
    highest = np.percentile(read_shapes(measure_face(faces), _NEUTRAL), 95, axis=0)
    assert highest.max() < 0.12, Blendshape(int(highest.argmax()))


def watch(batch: FrameBatch) -> tuple[Shapes, NDArray[np.float64]]:
    """Shapes and measures of one performer's frames, each read against what was learnt until then."""
    landmarks = place_in_unity(batch)
    measures, faces = measure_face(landmarks.face, landmarks.lens.focal_px), NeutralFaces(1)
    slot, at_s = np.zeros(1, dtype=np.intp), batch.captured_at_us / 1e6
    neutral = [faces.observe(slot, row[None], at_s[i : i + 1]) for i, row in enumerate(measures)]
    return read_shapes(measures, np.concatenate(neutral)), measures


def perform(kind: ActKind, camera: Camera, noise: float = 1.0) -> tuple[Shapes, NDArray[np.float64]]:
    """The act's part of what a performer shows, who idles for 5 s before it."""
    at_s = np.arange(300, dtype=np.float64) / 30
    stage = Stage(camera=camera, noise=Noise(noise))
    shapes, measures = watch(Performer("p", [Act(kind, 5.0, 10.0)], seed=3, stage=stage).batch(at_s))
    return shapes[160:290], measures[160:290]


@pytest.mark.parametrize("camera", [Camera(), Camera.at_desk()], ids=["standing", "at a desk"])
def test_a_performer_who_speaks_opens_the_mouth_again_and_again(camera: Camera) -> None:
    jaw = perform(ActKind.SPEAK, camera)[0][:, Blendshape.JAW_OPEN]
    assert jaw.max() > 0.2
    opened = np.flatnonzero((jaw[1:] > 0.1) & (jaw[:-1] <= 0.1))
    assert len(opened) >= 5
    assert perform(ActKind.IDLE, camera)[0][:, Blendshape.JAW_OPEN].max() < 0.03


@pytest.mark.parametrize("camera", [Camera(), Camera.at_desk()], ids=["standing", "at a desk"])
def test_a_performer_who_blinks_closes_both_eyes_each_time(camera: Camera) -> None:
    blinks = perform(ActKind.BLINK, camera)[0][:, [Blendshape.EYE_BLINK_LEFT, Blendshape.EYE_BLINK_RIGHT]]
    closed = blinks > 0.6
    assert (closed.all(axis=1) == closed.any(axis=1)).mean() > 0.95
    assert np.count_nonzero(np.diff(closed[:, 0].astype(int)) == 1) >= 4
    idle = perform(ActKind.IDLE, camera)[0][:, Blendshape.EYE_BLINK_LEFT]
    assert np.median(idle) < 0.05


@pytest.mark.parametrize("kind", [ActKind.NOD, ActKind.HEAD_TURN, ActKind.SHAKE])
@pytest.mark.parametrize("camera", [Camera(), Camera.at_desk()], ids=["standing", "at a desk"])
def test_a_head_that_bows_or_turns_neither_blinks_nor_speaks_nor_smiles(kind: ActKind, camera: Camera) -> None:
    shapes, measures = perform(kind, camera, noise=0.5)
    turned = np.ptp(measures[:, [Measure.HEAD_YAW_DEG, Measure.HEAD_PITCH_DEG]], axis=0)
    assert turned.max() > 15.0
    assert shapes[:, Blendshape.JAW_OPEN].max() < 0.05
    assert shapes[:, [Blendshape.MOUTH_SMILE_LEFT, Blendshape.MOUTH_SMILE_RIGHT]].max() < 0.05
    blinks = shapes[:, [Blendshape.EYE_BLINK_LEFT, Blendshape.EYE_BLINK_RIGHT]]
    # The performer blinks by itself, for a third of a second now and then; a bow or a turn takes longer.
    assert np.percentile(blinks, 85) < 0.1


def test_a_recorded_signer_blinks_once_and_otherwise_shows_plausible_shapes(shared_data: Path) -> None:
    batch = read_pose_file(shared_data / "recordings" / "example.pose")
    shapes = watch(batch)[0]
    blinks = shapes[:, [Blendshape.EYE_BLINK_LEFT, Blendshape.EYE_BLINK_RIGHT]].mean(axis=1)
    assert np.median(blinks) < 0.1
    closing = np.flatnonzero((blinks[1:] > 0.2) & (blinks[:-1] <= 0.2))
    assert len(closing) == 1
    assert 55 <= closing[0] <= 60
    seen = [shape for shape in Blendshape if "LOOK" not in shape.name]
    assert np.isfinite(shapes[:, seen]).all()
    settled = shapes[60:, seen]
    assert np.median(settled, axis=0).max() < 0.35


def read_points(text: str, width: int, height: int) -> Mesh:
    """float64[478, 3] in Unity's space of the points in a protobuf's text."""
    points = np.array(re.findall(r"x: (\S+)\s+y: (\S+)\s+z: (\S+)", text), dtype=np.float64)
    unity: Mesh = -points * (width, height, width)
    return unity


def read_scores(text: str) -> dict[str, float]:
    """The ARKit scores in a protobuf's text, by name."""
    scores = {label: float(score) for score, label in re.findall(r'score: (\S+)\s+label: "(\w+)"', text)}
    del scores["_neutral"]
    return scores


def correlate(found: dict[str, float], scores: dict[str, float]) -> float:
    assert found.keys() == scores.keys()
    return float(np.corrcoef([found[name] for name in scores], list(scores.values()))[0, 1])


def test_the_recorded_smile_is_read_as_mediapipe_scores_it(shared_data: Path) -> None:
    golden = shared_data / "goldens"
    face = read_points((golden / "face_blendshapes_in_landmarks.prototxt").read_text(), 820, 1024)
    scores = read_scores((golden / "face_blendshapes_out.prototxt").read_text())
    (found,) = shapes_of(face, neutral=DEFAULT_NEUTRAL)
    assert correlate(found, scores) > 0.9
    sides = ("Left", "Right")
    for name in chain(("jawOpen",), *((f"eyeBlink{side}", f"mouthSmile{side}") for side in sides)):
        assert found[name] == pytest.approx(scores[name], abs=0.15), name


def test_the_other_recorded_face_to_which_nothing_was_fitted_is_read_alike(shared_data: Path) -> None:
    """A whole person at 640 × 853: the face is 45 pixels across the eyes, smiles a little and looks down."""
    result = (shared_data / "goldens" / "male_full_height_hands_result_cpu.pbtxt").read_text()
    text = result[result.index("face_landmarks") : result.index("auxiliary_landmarks")]
    scores = read_scores(result)
    (found,) = shapes_of(read_points(text, 640, 853), neutral=DEFAULT_NEUTRAL)
    assert correlate(found, scores) > 0.55
    assert found["jawOpen"] == pytest.approx(scores["jawOpen"], abs=0.15)
    assert found["browInnerUp"] == pytest.approx(scores["browInnerUp"], abs=0.15)
    assert found["eyeLookDownLeft"] > found["eyeLookUpLeft"]
