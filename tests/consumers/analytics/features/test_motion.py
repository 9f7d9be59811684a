"""How fast made bodies are seen to move, whose speed is known, and what of it is kept between polls."""

from collections.abc import Sequence
from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumers.analytics.facts import MotionFacts
from consumers.analytics.features.motion import (
    Track,
    TrackUnreadable,
    measure_motion,
    read_track,
    track_bodies,
    write_track_row,
)
from keypoints.frame import FrameBatch, HolisticFrame
from keypoints.landmarks import PoseLandmark
from performers import Act, ActKind, Performer
from tests.consumers.analytics.made_bodies import HEIGHTS_PER_M, START_US, TRUNK_M, Points, rotation, see_body, stand_up

SCALE = HEIGHTS_PER_M * TRUNK_M
NOBODY = Track.allocate(0)


def follow(frames: Sequence[HolisticFrame], rows: int = 1_000) -> list[MotionFacts | None]:
    """Of one stream's frames, which come in polls of `rows`; only a track's last row is kept, as text."""
    motions: list[MotionFacts | None] = []
    before = NOBODY
    for first in range(0, len(frames), rows):
        now = track_bodies(FrameBatch.from_frames(frames[first : first + rows]))
        before_row = np.arange(len(now), dtype=np.intp) - (0 if len(before) else 1)
        motions += measure_motion(before, now, before_row)
        before = read_track([write_track_row(now, len(now) - 1)])
    return motions


def move(
    steps: Sequence[tuple[float, float]], *, every_us: int = 40_000, body: Points | None = None
) -> list[HolisticFrame]:
    """Frames of a body whose hips go from step to step, in image heights."""
    at = (0.8, 0.5)
    return [
        see_body(
            stand_up() if body is None else body,
            hips_at=(at[0] + right, at[1] + down),
            at_us=START_US + number * every_us,
            sequence=number,
        )
        for number, (right, down) in enumerate(steps)
    ]


def told(motions: Sequence[MotionFacts | None]) -> list[MotionFacts]:
    return [motion for motion in motions if motion is not None]


def test_a_body_that_glides_has_one_speed_everywhere_and_no_acceleration() -> None:
    motions = follow(move([(0.01 * number, 0.0) for number in range(6)]))
    assert motions[0] is None
    speed = 0.01 / SCALE / 0.04
    for number, motion in enumerate(told(motions)):
        assert motion.elapsed_s == 0.04
        for name in MotionFacts._fields:
            if name.endswith("_speed") or name == "activity":
                assert getattr(motion, name) == pytest.approx(speed, rel=1e-3), name
        assert motion.greatest_step == pytest.approx(0.01 / SCALE, rel=1e-3)
        if number == 0:
            assert np.isnan([motion.left_wrist_acceleration, motion.right_wrist_acceleration]).all()
        else:
            assert motion.left_wrist_acceleration == pytest.approx(0.0, abs=0.02)


def test_a_body_that_starts_and_stops_accelerates_by_the_change_of_its_speed() -> None:
    motions = told(follow(move([(0.0, 0.0), (0.0, 0.0), (0.0, 0.01), (0.0, 0.01)])))
    speed = 0.01 / SCALE / 0.04
    assert motions[1].left_wrist_acceleration == pytest.approx(speed / 0.04, rel=1e-3)
    assert motions[2].right_wrist_acceleration == pytest.approx(-speed / 0.04, rel=1e-3)


def test_one_wrist_that_moves_is_told_from_the_rest_of_the_body() -> None:
    raised = stand_up()
    raised[PoseLandmark.LEFT_WRIST] += (0.05, 0.0, 0.0)
    frames = [see_body(stand_up()), see_body(raised, at_us=START_US + 50_000)]
    (motion,) = told(follow(frames))
    speed = 0.05 / TRUNK_M / 0.05
    assert motion.left_wrist_speed == pytest.approx(speed, rel=1e-3)
    assert motion.right_wrist_speed == pytest.approx(0.0, abs=1e-4)
    assert motion.activity == pytest.approx(speed / 12, rel=1e-3)
    assert motion.greatest_step == pytest.approx(0.05 / TRUNK_M, rel=1e-3)


def test_a_landmark_hidden_in_one_frame_has_no_speed_but_may_have_jumped() -> None:
    gone = stand_up()
    gone[PoseLandmark.RIGHT_ANKLE] += (1.0, 0.0, 0.0)
    hidden = {PoseLandmark.RIGHT_ANKLE: 0.2}
    (motion,) = told(follow([see_body(stand_up()), see_body(gone, hidden=hidden, at_us=START_US + 50_000)]))
    assert np.isnan(motion.right_ankle_speed)
    assert motion.left_ankle_speed == pytest.approx(0.0, abs=1e-4)
    assert motion.activity == pytest.approx(0.0, abs=1e-4)
    assert motion.greatest_step == pytest.approx(1.0 / TRUNK_M, rel=1e-3)


def test_hips_of_which_one_hides_the_other_have_a_speed() -> None:
    hidden = {PoseLandmark.LEFT_HIP: 0.3}
    frames = [
        see_body(stand_up(), hidden=hidden, hips_at=(0.8 + x, 0.5), at_us=START_US + round(x * 1e7)) for x in (0, 0.01)
    ]
    (motion,) = told(follow(frames))
    assert motion.hips_speed == pytest.approx(0.01 / SCALE / 0.1, rel=1e-3)


@pytest.mark.parametrize("every_us", [0, -40_000, 500_001])
def test_frames_far_apart_or_out_of_order_say_nothing_of_a_motion(every_us: int) -> None:
    frames = move([(0.0, 0.0), (0.01, 0.0)], every_us=every_us)
    assert follow(frames) == [None, None]
    assert follow(move([(0.0, 0.0), (0.01, 0.0)], every_us=500_000))[1] is not None


def test_without_a_body_in_both_frames_there_is_no_motion_and_after_it_no_acceleration() -> None:
    frames = move([(0.01 * number, 0.0) for number in range(7)])
    frames[3] = HolisticFrame(
        stream_id="stage",
        sequence=3,
        epoch=1,
        captured_at_us=frames[3].captured_at_us,
        processed_at_us=0,
        width=1280,
        height=720,
    )
    motions = follow(frames)
    assert [motion is None for motion in motions] == [True, False, False, True, True, False, False]
    back, after = told(motions)[-2:]
    assert np.isnan(back.left_wrist_acceleration)
    assert np.isfinite(after.left_wrist_acceleration)


def test_each_stream_of_a_poll_moves_by_its_own_frame_before() -> None:
    gliding, standing = move([(0.01 * number, 0.0) for number in range(4)]), move([(0.0, 0.0)] * 4)
    mixed = [frame for pair in zip(gliding, standing, strict=True) for frame in pair]
    first, second = track_bodies(FrameBatch.from_frames(mixed[:4])), track_bodies(FrameBatch.from_frames(mixed[4:]))
    measure_motion(NOBODY, first, np.array([-1, -1, 0, 1]))
    motions = measure_motion(first, second, np.array([2, 3, 4, 5]))
    alone = follow(gliding)[2:] + follow(standing)[2:]
    assert [motions[0], motions[2], motions[1], motions[3]] == alone


@pytest.mark.parametrize("rows", [1, 2, 7, 100])
def test_polls_of_any_size_give_the_same_motion_to_the_last_bit(rows: int) -> None:
    script = [Act(ActKind.WALK, 0.5, 6.0), Act(ActKind.LEAVE, 7.0, 10.0)]
    frames = list(Performer("walker", script, seed=9).frames(11.0, 20.0))
    whole, cut = follow(frames), follow(frames, rows)
    assert [repr(motion) for motion in cut] == [repr(motion) for motion in whole]
    assert 100 < len(told(whole)) < len(frames) - 10


def test_a_track_is_read_as_it_was_written_to_the_last_bit() -> None:
    track = track_bodies(FrameBatch.from_frames(move([(0.01 * number, 0.1) for number in range(3)])))
    measure_motion(NOBODY, track, np.array([-1, 0, 1]))
    again = read_track([write_track_row(track, row) for row in (2, 0)])
    for column in fields(Track):
        written, read = getattr(track, column.name)[[2, 0]], getattr(again, column.name)
        assert written.dtype == read.dtype
        assert written.tobytes() == read.tobytes(), column.name
    assert len(read_track([])) == 0


@pytest.mark.parametrize("text", ["", "AAAA", "not base64 at all", "é"])
def test_a_text_that_is_no_track_is_refused(text: str) -> None:
    with pytest.raises(TrackUnreadable) as refused:
        read_track([text])
    assert refused.value.hint


@given(
    degrees=st.floats(-180, 180),
    heights_per_m=st.floats(0.1, 1.0),
    hips_at=st.tuples(st.floats(-1, 2), st.floats(-1, 2)),
)
def test_speeds_are_the_same_near_and_far_anywhere_and_in_a_tilted_image(
    degrees: float, heights_per_m: float, hips_at: tuple[float, float]
) -> None:
    raised = stand_up()
    raised[PoseLandmark.LEFT_WRIST] += (0.05, 0.1, 0.0)
    turn = rotation((0, 0, 1), degrees).T

    def measure(bodies: Sequence[Points], heights_per_m: float, hips_at: tuple[float, float]) -> MotionFacts:
        frames = [
            see_body(body, heights_per_m=heights_per_m, hips_at=hips_at, at_us=START_US + number * 50_000)
            for number, body in enumerate(bodies)
        ]
        (motion,) = told(follow(frames))
        return motion

    reference = measure([stand_up(), raised], HEIGHTS_PER_M, (0.8, 0.5))
    seen = measure([stand_up() @ turn, raised @ turn], heights_per_m, hips_at)
    for name in MotionFacts._fields:
        if not name.endswith("acceleration"):
            assert getattr(seen, name) == pytest.approx(getattr(reference, name), abs=5e-3), name


@given(
    landmark=st.sampled_from(list(PoseLandmark)),
    axis=st.integers(0, 3),
    value=st.sampled_from([np.nan, np.inf, -np.inf, 3e38, -3e38]),
)
def test_coordinates_no_camera_sees_make_speeds_unknown_never_an_error(
    landmark: PoseLandmark, axis: int, value: float
) -> None:
    batch = FrameBatch.from_frames(move([(0.0, 0.0)] * 3))
    batch.pose[1, landmark, axis] = value
    motions = measure_motion(NOBODY, track_bodies(batch), np.array([-1, 0, 1]))
    for motion in told(motions):
        assert not np.isinf(motion).any()
