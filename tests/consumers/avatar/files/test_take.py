"""A take of recorded frames: an even rate, whatever came late, twice, or long apart."""

from dataclasses import replace
from io import BytesIO

import numpy as np
import pytest

from consumers.avatar.files.export import NobodySeen, TakeOptions, export_take
from consumers.avatar.files.motion_file import Form
from consumers.avatar.files.take import LONGEST_PAUSE_S, TakeClock, solve_take
from consumers.avatar.humanoid.skeleton import Bone
from consumers.avatar.stage.timeline import Moment
from consumers.avatar.states import join_states
from keypoints import FrameBatch, HolisticFrame
from tests.consumers.avatar.files.opened import Gltf, open_bvh
from tests.consumers.avatar.puppet import degrees_between, film, matrix_of, turn

ARM = turn("z", 60.0)


def film_still(count: int, first: int = 0) -> list[HolisticFrame]:
    """A puppet that stands with its left arm half down, 30 times a second."""
    return [film({"LeftUpperArm": ARM}, sequence=first + index) for index in range(count)]


def batch_of(frames: list[HolisticFrame], first_offset: int = 0) -> FrameBatch:
    return FrameBatch.from_frames(frames, first_offset=first_offset)


@pytest.mark.parametrize("rate", [24.0, 60.0])
def test_a_take_has_as_many_states_as_its_time_needs_at_any_rate(rate: float) -> None:
    frames = film_still(61)

    states = join_states(list(solve_take([batch_of(frames[:20]), batch_of(frames[20:], 20)], rate)))

    assert len(states) == pytest.approx(2.0 * rate + 1, abs=1)
    shown = matrix_of(states.rotations[-1, Bone.LEFT_UPPER_ARM])
    assert degrees_between(shown, ARM) < 5.0
    assert states.bones_known[-1, Bone.LEFT_UPPER_ARM]


def test_frames_that_come_twice_or_late_change_nothing() -> None:
    frames = film_still(30)
    late = replace(film({"LeftUpperArm": turn("z", -60.0)}), captured_at_us=frames[10].captured_at_us + 5)

    clean = join_states(list(solve_take([batch_of(frames)], 30.0)))
    clock = TakeClock()
    mixed = join_states(list(solve_take([batch_of([*frames[:20], late, frames[15], *frames[20:]])], 30.0, clock)))

    np.testing.assert_array_equal(mixed.rotations, clean.rotations)
    assert (clock.frames, clock.passed_over) == (30, 2)


def test_a_long_pause_is_cut_short() -> None:
    later = [replace(frame, captured_at_us=frame.captured_at_us + 3_600_000_000) for frame in film_still(10, first=10)]

    states = join_states(list(solve_take([batch_of([*film_still(10), *later])], 30.0)))

    assert len(states) == pytest.approx(30.0 * (LONGEST_PAUSE_S + 18 / 30), abs=2)
    assert not states.tracked[150]
    assert states.tracked[-1]


def test_a_clock_that_was_set_back_goes_on_in_the_take() -> None:
    clock = TakeClock(longest_pause_s=2.0)
    moments = [
        Moment(1, 5_000_000, 0, 1),
        Moment(1, 5_500_000, 0, 2),
        Moment(2, 1_000_000, 0, 3),
        Moment(2, 1_250_000, 0, 4),
    ]

    assert [clock.place(moment) for moment in moments] == [0.0, 0.5, 2.5, 2.75]
    assert clock.began_us == 5_000_000


def test_a_take_begins_with_the_first_person() -> None:
    frames = film_still(60)
    empty = [
        replace(frame, pose=None, pose_world=None, face=None, left_hand=None, right_hand=None) for frame in frames[:30]
    ]

    states = join_states(list(solve_take([batch_of([*empty, *frames[30:]])], 30.0)))

    assert len(states) == pytest.approx(30, abs=1)


def test_one_solve_makes_all_files() -> None:
    files = [(form, BytesIO()) for form in Form]
    seen: list[int] = []

    report = export_take([batch_of(film_still(30))], files, TakeOptions("puppet", 30.0), seen.append)

    buffers = {form: buffer.getvalue() for form, buffer in files}
    assert report.frames == 30
    assert report.states == len(open_bvh(buffers[Form.BVH].decode()).rows)
    for form in (Form.GLB, Form.VRMA):
        opened = Gltf(buffers[form])
        times, _ = opened.track(opened.node("Hips"), "rotation")
        assert len(times) == report.states
    assert buffers[Form.VMC].startswith(b"HSPACKET")
    assert report.seconds == pytest.approx((report.states - 1) / 30.0)
    assert seen[-1] == 30


def test_a_take_without_anybody_is_an_error_that_names_the_stream() -> None:
    empty = [replace(frame, pose=None, pose_world=None, left_hand=None, right_hand=None) for frame in film_still(5)]

    with pytest.raises(NobodySeen, match="puppet"):
        export_take([batch_of(empty)], [(Form.BVH, BytesIO())], TakeOptions("puppet"))
