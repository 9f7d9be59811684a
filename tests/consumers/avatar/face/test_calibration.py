"""Everybody's face at rest shows nothing, and what is shown for a moment is not taken for a face at rest."""

import json

import numpy as np
import pytest
from numpy.typing import NDArray

from consumers.avatar.face.arkit import Blendshape
from consumers.avatar.face.calibration import DEFAULT_NEUTRAL, NeutralFaces
from consumers.avatar.face.measures import Measure, measure_face
from consumers.avatar.face.shapes import read_shapes
from tests.consumers.avatar.acted_face import Mesh, act, turn_head

_OTHERS_LOOKS = {
    "eyeBlinkLeft": 0.25,
    "eyeBlinkRight": 0.3,
    "mouthPucker": 0.4,
    "browDownLeft": 0.8,
    "browDownRight": 0.8,
    "mouthFrownLeft": 0.4,
    "mouthFrownRight": 0.4,
}
"""Narrow eyes, full lips, low brows and a mouth that hangs: somebody's face at rest, not an adult's mean."""


def narrow_eyed(**acts: float) -> Mesh:
    return act(acts, act(_OTHERS_LOOKS))


class Watched:
    """One performer in a slot, seen 30 times a second."""

    def __init__(self, faces: NeutralFaces, slot: int) -> None:
        self.faces, self.slots, self.at_s = faces, np.array([slot]), 100.0

    def show(self, face: Mesh, for_s: float) -> NDArray[np.float64]:
        """The shapes of the last frame."""
        measures = measure_face(face[None])
        for _ in range(round(for_s * 30)):
            self.at_s += 1 / 30
            neutral = self.faces.observe(self.slots, measures, np.array([self.at_s]))
        found: NDArray[np.float64] = read_shapes(measures, neutral)[0]
        return found


def strongest(shapes: NDArray[np.float64]) -> tuple[str, float]:
    best = int(np.nanargmax(shapes))
    return Blendshape(best).arkit_name, float(shapes[best])


def test_whoever_it_is_a_face_at_rest_comes_to_show_nothing_within_seconds() -> None:
    watched = Watched(NeutralFaces(1), 0)
    assert strongest(watched.show(narrow_eyed(), 0.1))[1] > 0.4
    assert strongest(watched.show(narrow_eyed(), 5.0))[1] < 0.12


def test_what_that_face_then_does_is_read_in_full() -> None:
    watched = Watched(NeutralFaces(1), 0)
    watched.show(narrow_eyed(), 5.0)
    smile = watched.show(narrow_eyed(mouthSmileLeft=1.0), 0.1)
    assert strongest(smile)[0] == "mouthSmileLeft"
    blink = watched.show(narrow_eyed(eyeBlinkLeft=1.0, eyeBlinkRight=1.0), 0.1)
    assert blink[Blendshape.EYE_BLINK_LEFT] > 0.9
    assert blink[Blendshape.EYE_BLINK_RIGHT] > 0.9


@pytest.mark.parametrize("before_s", [0.0, 3.0, 20.0])
def test_a_smile_held_for_a_second_is_never_learnt_as_neutral(before_s: float) -> None:
    watched = Watched(NeutralFaces(1), 0)
    if before_s:
        watched.show(act({}), before_s)
    smile = act({"mouthSmileLeft": 1.0, "mouthSmileRight": 1.0})
    first = watched.show(smile, 0.1)[Blendshape.MOUTH_SMILE_LEFT]
    last = watched.show(smile, 1.0)[Blendshape.MOUTH_SMILE_LEFT]
    assert first > 0.4
    assert last > first - 0.05
    assert strongest(watched.show(act({}), 10.0))[1] < 0.1


def test_who_always_smiles_still_smiles() -> None:
    watched = Watched(NeutralFaces(1), 0)
    smile = act({"mouthSmileLeft": 1.3, "mouthSmileRight": 1.3})
    assert watched.show(smile, 60.0)[Blendshape.MOUTH_SMILE_LEFT] > 0.25


def test_talking_and_blinking_and_looking_away_teach_nothing() -> None:
    faces = NeutralFaces(1)
    watched = Watched(faces, 0)
    known = faces.export(0)
    watched.show(act({"jawOpen": 0.6}), 6.0)
    watched.show(act({"eyeBlinkLeft": 1.0, "eyeBlinkRight": 1.0}), 6.0)
    watched.show(turn_head(narrow_eyed(), yaw_deg=40.0), 6.0)
    watched.show(np.full_like(act({}), np.nan), 6.0)
    assert faces.export(0) == known


def test_a_face_asked_for_is_neutral_after_half_a_second_and_stays_so() -> None:
    faces = NeutralFaces(4)
    watched = Watched(faces, 2)
    watched.show(act({}), 6.0)
    faces.calibrate(np.array([2]))
    shown = narrow_eyed(mouthSmileLeft=0.6, mouthSmileRight=0.6)
    assert strongest(watched.show(shown, 0.3))[1] > 0.3
    assert strongest(watched.show(shown, 0.4))[1] < 0.02
    kept = faces.export(2)
    watched.show(act({}), 60.0)
    assert faces.export(2) == kept


def test_a_face_asked_for_waits_until_it_is_seen() -> None:
    faces = NeutralFaces(1)
    watched = Watched(faces, 0)
    faces.calibrate(np.array([0]))
    watched.show(np.full_like(act({}), np.nan), 5.0)
    assert strongest(watched.show(narrow_eyed(), 0.7))[1] < 0.02


def test_closed_eyes_asked_for_as_neutral_still_open_and_close() -> None:
    faces = NeutralFaces(1)
    watched = Watched(faces, 0)
    faces.calibrate(np.array([0]))
    watched.show(act({"eyeBlinkLeft": 1.0, "eyeBlinkRight": 1.0}), 0.7)
    assert faces.export(0)["eye_opening_left"] >= 3.0
    assert np.isfinite(watched.show(act({}), 0.1)).all()


def test_a_neutral_face_is_kept_as_json_and_put_back_elsewhere() -> None:
    faces = NeutralFaces(2)
    watched = Watched(faces, 0)
    watched.show(narrow_eyed(), 6.0)
    stored = json.loads(json.dumps(faces.export(0), allow_nan=False))
    elsewhere = NeutralFaces(1)
    elsewhere.restore(0, stored)
    assert elsewhere.export(0) == pytest.approx(stored, abs=1e-3)
    assert strongest(Watched(elsewhere, 0).show(narrow_eyed(), 0.1))[1] < 0.12


def test_values_that_are_none_of_a_face_are_not_put_back() -> None:
    faces = NeutralFaces(1)
    faces.restore(0, {"eye_opening_left": float("nan"), "chin": 1e9, "corner_left": float("inf"), "no_such": 1.0})
    kept = faces.export(0)
    assert kept["eye_opening_left"] == pytest.approx(DEFAULT_NEUTRAL[Measure.EYE_OPENING_LEFT])
    assert all(abs(value - DEFAULT_NEUTRAL[Measure[name.upper()]]) <= 40.0 for name, value in kept.items())


def test_slots_know_nothing_of_each_other_and_forget_when_reset() -> None:
    faces = NeutralFaces(1)
    faces.grow(3)
    Watched(faces, 2).show(narrow_eyed(), 6.0)
    fresh = NeutralFaces(1).export(0)
    assert faces.export(0) == faces.export(1) == fresh != faces.export(2)
    faces.grow(2)
    faces.reset(np.array([2]))
    assert faces.export(2) == fresh


def test_who_takes_over_a_slot_is_learnt_though_the_one_before_was_calibrated() -> None:
    faces = NeutralFaces(1)
    watched = Watched(faces, 0)
    faces.calibrate(np.array([0]))
    watched.show(act({"mouthSmileLeft": 1.0}), 0.7)
    faces.reset(np.array([0]))
    assert strongest(watched.show(narrow_eyed(), 5.0))[1] < 0.12


def test_many_performers_at_once_learn_as_each_alone() -> None:
    shown = [act({}), narrow_eyed(), act({"mouthSmileLeft": 0.3})]
    measures, together = measure_face(np.stack(shown)), NeutralFaces(8)
    slots = np.array([5, 0, 3])
    for frame in range(200):
        together.observe(slots, measures, frame / 30 + np.array([0.0, 7.0, 3.0]))
    for slot, face in zip(slots.tolist(), shown, strict=True):
        alone = NeutralFaces(1)
        Watched(alone, 0).show(face, 200 / 30)
        assert together.export(slot) == pytest.approx(alone.export(0), abs=1e-3)


def test_a_clock_set_back_does_not_end_the_learning() -> None:
    faces = NeutralFaces(1)
    watched = Watched(faces, 0)
    watched.show(act({}), 10.0)
    watched.at_s -= 1_000.0
    assert strongest(watched.show(narrow_eyed(), 40.0))[1] < 0.12


def test_a_clock_set_back_does_not_keep_a_face_asked_for_waiting() -> None:
    faces = NeutralFaces(1)
    watched = Watched(faces, 0)
    faces.calibrate(np.array([0]))
    watched.show(narrow_eyed(), 0.1)
    watched.at_s -= 1_000.0
    assert strongest(watched.show(narrow_eyed(), 0.7))[1] < 0.02


def test_a_mesh_without_irises_is_learnt_all_the_same() -> None:
    face = narrow_eyed()
    face[468:] = np.nan
    assert strongest(Watched(NeutralFaces(1), 0).show(face, 6.0))[1] < 0.12
