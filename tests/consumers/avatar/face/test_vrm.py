"""Expressions of VRM 0 and VRM 1 say what the face does, each thing once."""

import numpy as np
import pytest

from consumers.avatar.face.arkit import SHAPE_COUNT, Blendshape
from consumers.avatar.face.measures import measure_face
from consumers.avatar.face.shapes import read_shapes
from consumers.avatar.face.vrm import Vrm0Expression, Vrm1Expression, to_vrm0, to_vrm1
from tests.consumers.avatar.acted_face import act, resting_face

_NEUTRAL = measure_face(resting_face()[None])[0]
_VOWELS = ("aa", "ih", "ou", "ee", "oh")
_EMOTIONS = ("happy", "angry", "sad", "relaxed", "surprised")


def show(**acts: float) -> dict[str, float]:
    """VRM 1's expressions of an acted face."""
    row = to_vrm1(read_shapes(measure_face(act(acts)[None]), _NEUTRAL))[0]
    return {expression.wire_name: float(row[expression]) for expression in Vrm1Expression}


def strongest(found: dict[str, float], names: tuple[str, ...]) -> str:
    return max(names, key=lambda name: found[name])


def test_names_are_those_of_the_specifications() -> None:
    assert [expression.wire_name for expression in Vrm0Expression] == [
        *("Neutral", "A", "I", "U", "E", "O", "Blink", "Joy", "Angry", "Sorrow", "Fun"),
        *("LookUp", "LookDown", "LookLeft", "LookRight", "Blink_L", "Blink_R"),
    ]
    assert [expression.wire_name for expression in Vrm1Expression] == [
        *("happy", "angry", "sad", "relaxed", "surprised", "aa", "ih", "ou", "ee", "oh"),
        *("blink", "blinkLeft", "blinkRight", "lookUp", "lookDown", "lookLeft", "lookRight", "neutral"),
    ]


@pytest.mark.parametrize(
    ("acts", "vowel"),
    [
        ({"jawOpen": 0.6}, "aa"),
        ({"jawOpen": 0.15, "mouthStretchLeft": 1.0, "mouthStretchRight": 1.0}, "ih"),
        ({"mouthPucker": 1.0}, "ou"),
        ({"jawOpen": 0.5, "mouthStretchLeft": 1.0, "mouthStretchRight": 1.0}, "ee"),
        ({"mouthFunnel": 1.0, "jawOpen": 0.2}, "oh"),
    ],
)
def test_a_mouth_shows_the_vowel_it_forms(acts: dict[str, float], vowel: str) -> None:
    found = show(**acts)
    assert strongest(found, _VOWELS) == vowel
    assert found[vowel] > 0.3


def test_a_mouth_at_rest_and_a_smile_with_closed_lips_say_nothing() -> None:
    for found in (show(), show(mouthSmileLeft=1.0, mouthSmileRight=1.0)):
        assert max(found[vowel] for vowel in _VOWELS) < 0.1


@pytest.mark.parametrize(
    ("acts", "emotion"),
    [
        ({"mouthSmileLeft": 1.3, "mouthSmileRight": 1.3}, "happy"),
        ({"mouthSmileLeft": 0.5, "mouthSmileRight": 0.5}, "relaxed"),
        ({"browDownLeft": 1.3, "browDownRight": 1.3}, "angry"),
        ({"browInnerUp": 1.3, "mouthFrownLeft": 1.0, "mouthFrownRight": 1.0}, "sad"),
        ({"browInnerUp": 1.3, "browOuterUpLeft": 1.4, "browOuterUpRight": 1.4, "jawOpen": 0.6}, "surprised"),
    ],
)
def test_a_face_shows_the_emotion_it_acts_and_hardly_another(acts: dict[str, float], emotion: str) -> None:
    found = show(**acts)
    assert strongest(found, (*_EMOTIONS, "blink")) == emotion
    assert found[emotion] > 0.3
    assert all(found[other] < 0.3 * found[emotion] for other in _EMOTIONS if other != emotion)


def test_who_speaks_while_smiling_is_a_little_less_happy() -> None:
    smile = {"mouthSmileLeft": 1.3, "mouthSmileRight": 1.3}
    assert 0.5 < show(**smile, jawOpen=0.5)["happy"] < show(**smile)["happy"] - 0.1


def test_an_eye_closes_once_whatever_a_model_adds_up() -> None:
    for left, right in ((1.0, 1.0), (1.0, 0.0), (0.0, 1.0), (0.4, 0.7)):
        shapes = np.zeros((1, SHAPE_COUNT))
        shapes[0, Blendshape.EYE_BLINK_LEFT], shapes[0, Blendshape.EYE_BLINK_RIGHT] = left, right
        row = to_vrm0(shapes)[0]
        assert row[Vrm0Expression.BLINK] + row[Vrm0Expression.BLINK_L] == pytest.approx(left)
        assert row[Vrm0Expression.BLINK] + row[Vrm0Expression.BLINK_R] == pytest.approx(right)
        assert min(row[Vrm0Expression.BLINK_L], row[Vrm0Expression.BLINK_R]) == 0.0


def test_eyes_look_to_the_persons_own_sides() -> None:
    looks = ("lookUp", "lookDown", "lookLeft", "lookRight")
    for name, expected in (("eyesLeft", "lookLeft"), ("eyesRight", "lookRight"), ("eyeLookUp", "lookUp")):
        found = show(**{name: 1.0})
        assert strongest(found, looks) == expected
        assert sum(found[look] for look in looks) < found[expected] + 0.1


def test_whatever_the_shapes_vowels_and_emotions_share_what_there_is() -> None:
    shapes = np.random.default_rng(4).uniform(0.0, 1.0, size=(500, SHAPE_COUNT))
    shapes[:250] *= np.random.default_rng(5).uniform(0.0, 1.0, size=(250, SHAPE_COUNT)) > 0.8
    one, zero = to_vrm1(shapes), to_vrm0(shapes)
    for rows in (one, zero):
        assert rows.min() >= -1e-12
        assert rows.max() <= 1.0 + 1e-12
    assert one[:, [Vrm1Expression[name.upper()] for name in _VOWELS]].sum(axis=1).max() <= 1.0 + 1e-12
    emotions = one[:, [Vrm1Expression[name.upper()] for name in (*_EMOTIONS, "neutral")]]
    np.testing.assert_allclose(emotions.sum(axis=1), 1.0)


def test_both_versions_say_the_same() -> None:
    shapes = np.random.default_rng(6).uniform(0.0, 1.0, size=(20, SHAPE_COUNT))
    one, zero = to_vrm1(shapes), to_vrm0(shapes)
    for first, second in (("AA", "A"), ("OH", "O"), ("HAPPY", "JOY"), ("SAD", "SORROW"), ("RELAXED", "FUN"),
                          ("BLINK_LEFT", "BLINK_L"), ("LOOK_RIGHT", "LOOK_RIGHT")):  # fmt: skip
        np.testing.assert_array_equal(one[:, Vrm1Expression[first]], zero[:, Vrm0Expression[second]])


def test_nobody_on_stage_is_no_row() -> None:
    assert to_vrm0(np.empty((0, SHAPE_COUNT))).shape == (0, len(Vrm0Expression))
    assert to_vrm1(np.empty((0, SHAPE_COUNT))).shape == (0, len(Vrm1Expression))
