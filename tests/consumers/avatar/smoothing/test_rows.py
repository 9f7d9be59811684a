"""Each slot is a performer of its own, whatever other slots are in the call."""

import numpy as np

from consumers.avatar.face.arkit import SHAPE_COUNT
from consumers.avatar.humanoid.skeleton import BONE_COUNT, REST_POSE
from consumers.avatar.smoothing.motions import Motions
from consumers.avatar.states import AvatarStates, SolvedMotion
from tests.consumers.avatar.playback import solved, take, turned

PERFORMERS = 50
FRAMES = 40


def wild(rng: np.random.Generator) -> SolvedMotion:
    """A frame of each performer, with gaps."""
    rotations = rng.normal(size=(PERFORMERS, BONE_COUNT, 4)) + 3.0
    rotations /= np.linalg.norm(rotations, axis=2, keepdims=True)
    rotations[rng.uniform(size=(PERFORMERS, BONE_COUNT)) < 0.2] = np.nan
    shapes, root_m = rng.uniform(size=(PERFORMERS, SHAPE_COUNT)), rng.normal(size=(PERFORMERS, 3))
    shapes[rng.uniform(size=PERFORMERS) < 0.3] = np.nan
    return solved(rotations, shapes, root_m)


def check_same(first: AvatarStates, second: AvatarStates) -> None:
    np.testing.assert_allclose(first.rotations, second.rotations, rtol=0.0, atol=1e-12)
    np.testing.assert_allclose(first.shapes, second.shapes, rtol=0.0, atol=1e-12)
    np.testing.assert_allclose(first.root_m, second.root_m, rtol=0.0, atol=1e-12)
    np.testing.assert_array_equal(first.bones_known, second.bones_known)
    np.testing.assert_array_equal(first.shapes_known, second.shapes_known)
    np.testing.assert_array_equal(first.tracked, second.tracked)


def test_one_performer_is_shown_alike_alone_and_among_fifty() -> None:
    rng = np.random.default_rng(6)
    together, alone = Motions(PERFORMERS), Motions(PERFORMERS)
    slots, offsets = rng.permutation(PERFORMERS), rng.uniform(0.0, 1000.0, size=PERFORMERS)
    for frame in range(FRAMES):
        at_s, motion = offsets + frame / 30.0, wild(rng)
        together.observe(slots, motion, at_s, at_s + 0.02)
        states = together.states_at(slots, at_s + 0.03)
        rows = rng.permutation(PERFORMERS)[:7]
        for row in range(PERFORMERS):
            one = slice(row, row + 1)
            alone.observe(slots[one], take(motion, one), at_s[one], at_s[one] + 0.02)
            single = alone.states_at(slots[one], at_s[one] + 0.03)
            if row in rows:
                np.testing.assert_allclose(single.rotations[0], states.rotations[row], rtol=0.0, atol=1e-12)
                np.testing.assert_allclose(single.shapes[0], states.shapes[row], rtol=0.0, atol=1e-12)
    check_same(together.states_at(slots, offsets + 9.0), alone.states_at(slots, offsets + 9.0))
    assert together.outliers == alone.outliers > 0


def test_slots_that_are_not_in_a_call_are_left_alone() -> None:
    motions = Motions(3)
    all_slots, at_s = np.arange(3), np.full(3, 1.0)
    motions.observe(all_slots, solved(turned(np.array([10.0, 20.0, 30.0]))), at_s, at_s)
    motions.observe(np.array([1]), solved(turned(-50.0)), at_s[:1] + 0.1, at_s[:1] + 0.1)
    others = Motions(3)
    others.observe(all_slots, solved(turned(np.array([10.0, 20.0, 30.0]))), at_s, at_s)
    check_same(motions.states_at(np.array([2, 0]), at_s[:2] + 0.2), others.states_at(np.array([2, 0]), at_s[:2] + 0.2))


def test_a_slot_used_again_knows_nothing_of_who_was_there() -> None:
    motions, fresh, slots = Motions(2), Motions(2), np.array([1])
    for frame in range(30):
        motions.observe(
            slots, solved(turned(90.0), np.ones((1, SHAPE_COUNT))), slots + frame / 30.0, slots + frame / 30.0
        )
        motions.states_at(slots, slots + frame / 30.0)
    motions.reset(slots)
    np.testing.assert_array_equal(motions.states_at(slots, np.array([0.5])).rotations[0], REST_POSE)
    motions.reset(slots)
    for one in (motions, fresh):
        one.observe(slots, solved(turned(20.0)), np.array([0.6]), np.array([0.6]))
    check_same(motions.states_at(slots, np.array([0.7])), fresh.states_at(slots, np.array([0.7])))


def test_room_is_made_for_more_and_what_was_there_stays() -> None:
    motions, slots = Motions(1), np.array([0])
    motions.observe(slots, solved(turned(45.0)), np.array([0.0]), np.array([0.0]))
    before = motions.states_at(slots, np.array([0.2]))
    motions.grow(40)
    motions.grow(3)
    check_same(before, motions.states_at(slots, np.array([0.2])))
    state = motions.states_at(np.array([39]), np.array([0.2]))
    np.testing.assert_array_equal(state.rotations[0], REST_POSE)
    assert len(motions.states_at(np.array([], dtype=np.intp), np.array([]))) == 0
