"""Faults are where the plan of faults says, and nowhere else."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from keypoints.frame import HolisticFrame
from keypoints.landmarks import POSE_MIRROR, PoseLandmark
from performers.blemishes import alter_look
from performers.faults import FaultKind
from performers.load_plan import LoadPlan, plan_records
from performers.performer import Performer
from performers.schedule import InjectedFault, Look, Schedule
from performers.tempo import InvalidLoad

PLAN = LoadPlan(rate=100.0, streams=5, seconds=120.0)
LASTING = (FaultKind.DROPOUT, FaultKind.SIDES_SWAPPED, FaultKind.LIMB)
ALL = dict.fromkeys(FaultKind, 0.02)
LOOKS = {FaultKind.DROPOUT: Look.NOBODY, FaultKind.SIDES_SWAPPED: Look.SIDES_SWAPPED, FaultKind.LIMB: Look.LONG_LIMB}


def records_of(schedule: Schedule, stream_id: str) -> Schedule:
    """A stream's records in the order they were captured."""
    mine = schedule.take(schedule.stream == PLAN.stream_ids.index(stream_id))
    return mine.take(np.argsort(mine.sequence, kind="stable"))


def within(records: Schedule, fault: InjectedFault) -> Schedule:
    return records.take((records.sequence >= fault.first) & (records.sequence < fault.end))


def test_the_same_seed_gives_the_same_faults_and_another_seed_others() -> None:
    (first, faults), (second, again) = (plan_records(replace(PLAN, faults=ALL)) for _ in range(2))
    assert faults == again
    np.testing.assert_array_equal(first.leaves_us, second.leaves_us)
    assert plan_records(replace(PLAN, faults=ALL, seed=1))[1] != faults
    assert {fault.kind for fault in faults} == set(FaultKind)


@pytest.mark.parametrize("kind", FaultKind)
def test_as_many_frames_are_hit_as_was_asked_for(kind: FaultKind) -> None:
    plan = replace(PLAN, seconds=1_000.0, faults={kind: 0.05})
    _, faults = plan_records(plan)
    assert sum(fault.frames for fault in faults) / plan.frames == pytest.approx(
        0.05 * (0.75 if kind is FaultKind.RATE_DROP else 1.0), rel=0.2
    )


def test_faults_of_a_stream_do_not_touch() -> None:
    _, faults = plan_records(replace(PLAN, faults=ALL))
    for stream_id in PLAN.stream_ids:
        mine = [fault for fault in faults if fault.stream_id == stream_id]
        assert all(before.end < after.first for before, after in pairwise(mine))


def test_without_faults_nothing_is_changed() -> None:
    schedule, faults = plan_records(PLAN)
    assert faults == []
    np.testing.assert_array_equal(schedule.leaves_us, schedule.captured_us)
    np.testing.assert_array_equal(schedule.shows_us, schedule.captured_us)


@pytest.mark.parametrize("kind", LASTING)
def test_landmarks_differ_within_the_fault_and_nowhere_else(kind: FaultKind) -> None:
    schedule, faults = plan_records(replace(PLAN, faults={kind: 0.05}))
    assert sum(fault.frames for fault in faults) == (schedule.look == LOOKS[kind]).sum()
    assert faults
    for fault in faults:
        there = within(records_of(schedule, fault.stream_id), fault)
        assert len(there) == fault.frames == fault.end - fault.first
        assert (there.look == LOOKS[kind]).all()


def test_frozen_frames_show_one_moment_with_times_that_go_on() -> None:
    schedule, faults = plan_records(replace(PLAN, faults={FaultKind.FROZEN: 0.05}))
    for fault in faults:
        there = within(records_of(schedule, fault.stream_id), fault)
        assert len(set(there.shows_us.tolist())) == 1
        assert there.shows_us[0] == there.captured_us[0]
        assert (np.diff(there.captured_us) == 50_000).all()


def test_missing_frames_leave_a_hole_in_the_sequence() -> None:
    schedule, faults = plan_records(replace(PLAN, faults={FaultKind.MISSING: 0.05}))
    for stream_id in PLAN.stream_ids:
        holes = {number for fault in faults if fault.stream_id == stream_id for number in range(fault.first, fault.end)}
        there = records_of(schedule, stream_id).sequence.tolist()
        assert holes
        assert sorted(holes | set(there)) == list(range(len(holes) + len(there)))


def test_a_dropped_rate_leaves_none_but_a_fourth_of_the_frames_come() -> None:
    schedule, faults = plan_records(replace(PLAN, faults={FaultKind.RATE_DROP: 0.1}))
    for fault in faults:
        mine = records_of(schedule, fault.stream_id)
        assert mine.sequence.tolist() == list(range(len(mine)))
        assert (np.diff(within(mine, fault).captured_us) == 200_000).all()
    assert sum(fault.frames for fault in faults) == PLAN.frames - len(schedule)


def test_late_frames_leave_after_younger_ones_with_the_time_they_were_captured_at() -> None:
    schedule, faults = plan_records(replace(PLAN, faults={FaultKind.LATE: 0.02}))
    assert (np.diff(schedule.leaves_us) >= 0).all()
    for fault in faults:
        [late] = within(records_of(schedule, fault.stream_id), fault).leaves_us
        [captured] = within(records_of(schedule, fault.stream_id), fault).captured_us
        assert late - captured == pytest.approx(fault.by_s * 1e6, abs=1)
        mine = schedule.take(schedule.stream == PLAN.stream_ids.index(fault.stream_id))
        place = mine.sequence.tolist().index(fault.first)
        assert mine.captured_us[:place].max() > captured
    assert (schedule.leaves_us != schedule.captured_us).sum() == len(faults) > 0
    assert schedule.leaves_us.max() <= PLAN.seconds * 1e6


def test_a_repeated_frame_is_the_same_in_everything_but_when_it_leaves() -> None:
    schedule, faults = plan_records(replace(PLAN, faults={FaultKind.DUPLICATE: 0.02}))
    for fault in faults:
        twice = within(records_of(schedule, fault.stream_id), fault)
        assert len(twice) == 2
        assert len(set(twice.captured_us.tolist())) == len(set(twice.shows_us.tolist())) == 1
    assert len(schedule) == PLAN.frames + len(faults)
    assert faults


def test_a_clock_that_jumps_comes_back() -> None:
    schedule, faults = plan_records(replace(PLAN, faults={FaultKind.TIME_JUMP: 0.05}))
    assert {np.sign(fault.by_s) for fault in faults} == {-1.0, 1.0}
    for fault in faults:
        there = within(records_of(schedule, fault.stream_id), fault)
        np.testing.assert_allclose(there.captured_us - there.shows_us, fault.by_s * 1e6, atol=1)
    assert (schedule.captured_us != schedule.shows_us).sum() == sum(fault.frames for fault in faults)


def test_more_faults_than_fit_are_refused() -> None:
    with pytest.raises(InvalidLoad, match="no clear frames"):
        plan_records(replace(PLAN, faults={FaultKind.DROPOUT: 0.9}))


def see_someone() -> HolisticFrame:
    [frame] = Performer("someone").frames(1.0, 1.0)
    assert frame.pose is not None
    assert frame.right_hand is not None
    assert frame.left_hand is not None
    return frame


def test_nobody_is_nulls_and_not_zeros() -> None:
    assert not alter_look(see_someone(), Look.NOBODY).has_person


def test_swapped_sides_exchange_body_and_hands() -> None:
    seen = see_someone()
    swapped = alter_look(seen, Look.SIDES_SWAPPED)
    assert swapped.pose is not None
    assert seen.pose is not None
    np.testing.assert_array_equal(swapped.pose, seen.pose[POSE_MIRROR])
    assert swapped.left_hand is seen.right_hand
    assert swapped.right_hand is seen.left_hand
    assert alter_look(swapped, Look.SIDES_SWAPPED).equals(seen)


def test_a_long_limb_is_two_and_a_half_times_as_long_and_takes_the_hand_along() -> None:
    seen = see_someone()
    odd = alter_look(seen, Look.LONG_LIMB)

    def forearm_and_hand(frame: HolisticFrame) -> tuple[float, float, float]:
        assert frame.pose is not None
        assert frame.pose_world is not None
        assert frame.right_hand is not None
        elbow, wrist = frame.pose[PoseLandmark.RIGHT_ELBOW, :3], frame.pose[PoseLandmark.RIGHT_WRIST, :3]
        in_m = frame.pose_world[PoseLandmark.RIGHT_WRIST, :3] - frame.pose_world[PoseLandmark.RIGHT_ELBOW, :3]
        away = np.linalg.norm(frame.right_hand[0, :2] - wrist[:2])
        return float(np.linalg.norm(wrist - elbow)), float(np.linalg.norm(in_m)), float(away)

    before, after = forearm_and_hand(seen), forearm_and_hand(odd)
    assert after[0] == pytest.approx(2.5 * before[0], rel=1e-4)
    assert after[1] == pytest.approx(2.5 * before[1], rel=1e-4)
    assert after[2] == pytest.approx(before[2], abs=1e-4)
