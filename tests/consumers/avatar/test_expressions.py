"""Eyes that close, and mouths that open as for A, I, U, E and O."""

import re
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from consumers.avatar.face.expressions import Blendshape, read_expressions
from consumers.avatar.solver.landmarks_in_unity import place_in_unity
from keypoints import FrameBatch, HolisticFrame
from performers.acts import Act, ActKind
from performers.noise import Noise
from performers.performer import Performer, Stage
from tests.consumers.avatar.puppet import Face, film_all, turn


def expressions_of(batch: FrameBatch) -> NDArray[np.float64]:
    """float64[N, 7] of a batch's faces."""
    return read_expressions(place_in_unity(batch).face)


def shapes_of(face: Face, degrees: float = 0.0) -> dict[str, float]:
    """What a face gives, on a head turned so far."""
    row = expressions_of(film_all([{"Head": turn("y", degrees)}], face=face))[0]
    return {shape.vrm0_name: float(row[shape]) for shape in Blendshape}


def strongest_vowel(face: Face) -> str:
    found = shapes_of(face)
    return max("AIUEO", key=lambda vowel: found[vowel])


@pytest.mark.parametrize("degrees", [0.0, -35.0, 35.0])
def test_each_eye_blinks_for_itself_on_a_turned_head_too(degrees: float) -> None:
    assert shapes_of(Face(), degrees) == pytest.approx(dict.fromkeys(shapes_of(Face()), 0.0), abs=0.02)
    left = shapes_of(Face(left_eye=0.08), degrees)
    assert left["Blink_L"] > 0.9 > 0.1 > left["Blink_R"]
    right = shapes_of(Face(right_eye=0.08), degrees)
    assert right["Blink_R"] > 0.9 > 0.1 > right["Blink_L"]
    assert 0.2 < shapes_of(Face(left_eye=0.19), degrees)["Blink_L"] < 0.8


@pytest.mark.parametrize(
    ("face", "vowel"),
    [
        (Face(lips=0.2), "A"),
        (Face(lips=0.05, mouth=0.9), "I"),
        (Face(lips=0.04, mouth=0.35), "U"),
        (Face(lips=0.18, mouth=0.33), "O"),
    ],
)
def test_a_mouth_shows_the_vowel_it_forms(face: Face, vowel: str) -> None:
    assert strongest_vowel(face) == vowel
    assert shapes_of(face)[vowel] > 0.5


def test_a_wide_open_mouth_adds_some_e_to_its_a() -> None:
    found = shapes_of(Face(lips=0.2, mouth=0.85))
    assert found["E"] > 0.3
    assert found["A"] > 0.3


def test_a_smile_with_closed_lips_says_nothing() -> None:
    found = shapes_of(Face(lips=0.0, mouth=0.9))
    assert max(found[vowel] for vowel in "AIUEO") < 0.1


def test_values_stay_between_nothing_and_all_whatever_the_face() -> None:
    rng = np.random.default_rng(1)
    for left_eye, right_eye, lips, mouth in rng.uniform(0.0, 1.5, size=(50, 4)).tolist():
        values = shapes_of(Face(left_eye, right_eye, lips, mouth)).values()
        assert all(0.0 <= value <= 1.0 for value in values)


@pytest.mark.parametrize(("act", "shape"), [(ActKind.SPEAK, Blendshape.A), (ActKind.BLINK, Blendshape.BLINK_L)])
def test_a_performer_who_speaks_or_blinks_is_seen_to(act: ActKind, shape: Blendshape) -> None:
    at_s = np.arange(180, dtype=np.float64) / 30
    acting = expressions_of(Performer("p", [Act(act, 0.0, 6.0)], seed=3).batch(at_s))[:, shape]
    still = expressions_of(Performer("p", seed=3, stage=Stage(noise=Noise(0.0))).batch(at_s))[:, Blendshape.A]
    assert np.nanmax(acting) > 0.3
    assert np.nanmedian(acting) < 0.5
    assert np.nanmax(still) < 0.05


def test_the_recorded_blinks_and_jaws_of_two_faces_are_matched(shared_data: Path) -> None:
    golden = shared_data / "goldens"
    smiling = read_shapes((golden / "face_blendshapes_in_landmarks.prototxt").read_text(), 820, 1024)
    scores = read_scores((golden / "face_blendshapes_out.prototxt").read_text())
    assert smiling["Blink_L"] == pytest.approx(scores["eyeBlinkLeft"], abs=0.3)
    assert smiling["Blink_R"] == pytest.approx(scores["eyeBlinkRight"], abs=0.3)
    assert smiling["A"] < 0.5
    result = (golden / "male_full_height_hands_result_cpu.pbtxt").read_text()
    face = result[result.index("face_landmarks") : result.index("auxiliary_landmarks")]
    assert read_shapes(face, 640, 853)["A"] == pytest.approx(read_scores(result)["jawOpen"], abs=0.15)


def read_shapes(text: str, width: int, height: int) -> dict[str, float]:
    """What the solver makes of 478 points written as a protobuf's text."""
    points = np.array(re.findall(r"x: (\S+)\s+y: (\S+)\s+z: (\S+)", text), dtype=np.float32)
    frame = HolisticFrame(
        stream_id="golden",
        sequence=0,
        epoch=0,
        captured_at_us=0,
        processed_at_us=0,
        width=width,
        height=height,
        face=points,
    )
    row = expressions_of(FrameBatch.from_frames([frame]))[0]
    return {shape.vrm0_name: float(row[shape]) for shape in Blendshape}


def read_scores(text: str) -> dict[str, float]:
    """The ARKit scores in a protobuf's text, by name."""
    return {label: float(score) for score, label in re.findall(r'score: (\S+)\s+label: "(\w+)"', text)}
