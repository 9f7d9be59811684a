"""What looks a little like a movement is none."""

from math import cos, exp, pi, sin

import pytest

from consumers.analytics.facts import BodyFacts, FaceFacts
from keypoints.frame import FrameBatch
from performers.acts import ActKind
from performers.blemishes import alter_look
from performers.schedule import Look
from tests.consumers.analytics.movements.made_facts import CALM_FACE, NAN, STANDING_BODY, tell_of
from tests.consumers.analytics.movements.made_movements import count, findings, perform, recognise


def bump(at_s: float, middle_s: float, width_s: float) -> float:
    """0 to 1 and back to 0, about `width_s` long."""
    return exp(-(((at_s - middle_s) * 2.0 / width_s) ** 2))


def test_an_open_mouth_a_yawn_and_a_smile_are_not_speaking() -> None:
    def face(at_s: float) -> FaceFacts:
        opened = 0.6 if 2.0 < at_s < 5.0 else 0.9 * bump(at_s, 8.0, 2.0)
        return CALM_FACE._replace(mouth_openness=0.02 + opened, mouth_width=0.6 + 0.1 * bump(at_s, 11.0, 1.0))

    assert tell_of(14.0, face=face) == []


def test_a_wink_narrowed_eyes_and_eyes_long_shut_are_no_blinks() -> None:
    def face(at_s: float) -> FaceFacts:
        left = 0.3 - 0.27 * bump(at_s, 2.0, 0.25)
        both = 0.16 * bump(at_s, 5.0, 1.5) + 0.27 * (8.0 < at_s < 9.5)
        return CALM_FACE._replace(left_eye_openness=left - both, right_eye_openness=0.3 - both)

    assert tell_of(12.0, face=face) == []


def test_eyes_that_are_narrow_by_nature_blink_as_well() -> None:
    def face(at_s: float) -> FaceFacts:
        openness = 0.17 - 0.13 * bump(at_s, 3.0, 0.25)
        return CALM_FACE._replace(left_eye_openness=openness, right_eye_openness=openness)

    [blink] = findings(tell_of(6.0, face=face))
    assert blink.kind == "blink"
    assert blink.started_us == pytest.approx(2_950_000, abs=100_000)


def test_one_dip_a_glance_aside_and_a_head_that_sinks_and_rises_slowly_are_no_nod_and_no_shake() -> None:
    def face(at_s: float) -> FaceFacts:
        pitch = 25.0 * bump(at_s, 3.0, 0.8) + 12.0 * sin(2.0 * pi * 0.25 * at_s)
        return CALM_FACE._replace(pitch=pitch, yaw=40.0 * bump(at_s, 8.0, 0.9))

    assert tell_of(14.0, face=face) == []


def test_a_head_that_turns_with_the_shoulders_is_not_shaken() -> None:
    def turned(at_s: float) -> float:
        return sin(2.0 * pi * 1.2 * at_s) * (2.0 < at_s < 5.0)

    def face(at_s: float) -> FaceFacts:
        return CALM_FACE._replace(yaw=50.0 * turned(at_s))

    def body(at_s: float) -> BodyFacts:
        return STANDING_BODY._replace(shoulder_span=0.7 - 0.3 * turned(at_s) ** 2)

    assert tell_of(8.0, face=face, body=body) == []
    assert {finding.kind for finding in findings(tell_of(8.0, face=face, body=lambda _: STANDING_BODY))} == {"shake"}


def test_of_a_head_whose_body_is_not_to_be_believed_nobody_knows_whether_it_moves_by_itself() -> None:
    def face(at_s: float) -> FaceFacts:
        return CALM_FACE._replace(pitch=12.0 * sin(2.0 * pi * 1.3 * at_s))

    assert tell_of(6.0, face=face, doubted=True) == []
    assert {finding.kind for finding in findings(tell_of(6.0, face=face))} == {"nod"}


def test_lips_too_small_to_be_seen_do_not_speak() -> None:
    def face(at_s: float) -> FaceFacts:
        return CALM_FACE._replace(mouth_openness=0.15 + 0.1 * sin(2.0 * pi * 2.0 * at_s))

    assert tell_of(8.0, face=face, body=lambda _: STANDING_BODY._replace(scale=0.12)) == []
    assert {finding.kind for finding in findings(tell_of(8.0, face=face))} == {"speaking"}


def test_a_body_that_is_carried_up_or_stretches_on_its_toes_does_not_jump() -> None:
    def body(at_s: float) -> BodyFacts:
        # Up a step at 3 s, for good; on the toes at 7 s, and down again after two seconds.
        up = 0.05 * (at_s > 3.0) + 0.035 * (7.0 < at_s < 9.0)
        return STANDING_BODY._replace(hips_y=0.55 - up, shoulders_y=0.3 - up, nose_y=0.2 - up)

    assert tell_of(12.0, body=body) == []


def test_who_gets_up_from_the_floor_does_not_jump() -> None:
    def body(at_s: float) -> BodyFacts:
        hips_y = 0.8 - 0.25 * min(max((at_s - 2.0) / 0.7, 0.0), 1.0)
        foot_y = 0.95 - 0.06 * bump(at_s, 2.4, 0.4)
        foot_up = (hips_y - foot_y) / 0.25
        return STANDING_BODY._replace(hips_y=hips_y, left_ankle_up=foot_up, right_ankle_up=foot_up)

    assert tell_of(5.0, body=body) == []


def test_hands_that_cross_fold_or_rub_do_not_clap() -> None:
    def body(at_s: float) -> BodyFacts:
        # To each other and on to the other side and back; then folded for two seconds; then rubbed.
        half = 0.45 - 0.9 * bump(at_s, 3.0, 1.0)
        if at_s > 6.0:
            half = 0.45 - 0.38 * (7.0 < at_s < 9.0)
        if at_s > 11.0:
            half = 0.08 + 0.03 * cos(2.0 * pi * 3.0 * at_s)
        return STANDING_BODY._replace(
            left_wrist_right=half, right_wrist_right=-half, left_wrist_up=-0.4, right_wrist_up=-0.4
        )

    assert {finding.kind for finding in findings(tell_of(15.0, body=body))} == {"crossed_arms"}


def test_a_hand_laid_on_the_head_is_not_raised_and_one_beside_it_is() -> None:
    def body(at_s: float) -> BodyFacts:
        x, up = (-0.1, 0.75) if at_s < 4.0 else (-0.7, 0.75)
        return STANDING_BODY._replace(right_wrist_right=x, right_wrist_up=up, right_elbow_up=0.1)

    [raised] = findings(tell_of(8.0, body=body))
    assert (raised.kind, raised.subject) == ("raised_hand", "right")
    assert raised.started_us == pytest.approx(4_000_000, abs=40_000)


def test_a_hand_that_is_suddenly_elsewhere_does_not_swipe() -> None:
    def body(at_s: float) -> BodyFacts:
        x = 0.2 if at_s < 2.0 or 4.0 < at_s < 4.03 else 1.2
        return STANDING_BODY._replace(left_wrist_right=x, left_wrist_up=-0.1, left_elbow_up=-0.3)

    assert tell_of(6.0, body=body) == []


def test_a_hand_that_comes_into_sight_on_its_way_up_does_not_swipe() -> None:
    def body(at_s: float) -> BodyFacts:
        up = min(max(-0.7 + 3.0 * (at_s - 2.0), -1.1), 0.2)
        seen = not 0.8 < at_s < 2.0
        return STANDING_BODY._replace(
            left_wrist_right=0.9 if seen else NAN, left_wrist_up=up if seen else NAN, left_elbow_up=-0.3
        )

    assert tell_of(4.0, body=body) == []


@pytest.mark.parametrize("up_before", [-0.1, -1.1])
@pytest.mark.parametrize("sees_body", [True, False])
def test_the_way_back_of_a_dash_that_nobody_saw_is_no_swipe(up_before: float, sees_body: bool) -> None:
    def body(at_s: float) -> BodyFacts | None:
        x, up = 1.2 - min(max((at_s - 3.1) / 0.3, 0.0), 1.0), -0.1
        if at_s < 2.0:
            x, up = 0.2, up_before
        elif at_s < 2.6:
            x = NAN
        unseen = x != x and not sees_body
        return None if unseen else STANDING_BODY._replace(left_wrist_right=x, left_wrist_up=up, left_elbow_up=-0.3)

    # A hand that was put away, of a body that was seen, comes back to do something new.
    told = {finding.kind for finding in findings(tell_of(5.0, body=body))}
    assert told == ({"swipe_right"} if sees_body and up_before < -1.0 else set())


@pytest.mark.parametrize("kind", [ActKind.IDLE, ActKind.OPEN, ActKind.SQUAT])
def test_sides_that_are_taken_for_each_other_do_not_walk_wave_or_cross(kind: ActKind) -> None:
    for seed in range(3):
        batch = perform(kind, seed)
        frames = [
            alter_look(batch.frame(row), Look.SIDES_SWAPPED if row % 25 < 3 + 2 * seed else Look.AS_SEEN)
            for row in range(len(batch))
        ]
        assert not count(recognise(FrameBatch.from_frames(frames)))


def test_hands_that_only_drift_do_nothing() -> None:
    def body(at_s: float) -> BodyFacts:
        return STANDING_BODY._replace(
            left_wrist_right=0.6 + 0.3 * sin(2.0 * pi * at_s / 9.0),
            left_wrist_up=-0.2 + 0.3 * cos(2.0 * pi * at_s / 9.0),
            left_elbow_up=-0.5,
        )

    assert tell_of(30.0, body=body) == []


@pytest.mark.parametrize("scale", [NAN, 0.25])
def test_nothing_is_told_of_a_body_of_which_nothing_can_be_told(scale: float) -> None:
    nothing = BodyFacts(**dict.fromkeys(BodyFacts._fields, NAN))._replace(scale=scale)
    blank = FaceFacts(**dict.fromkeys(FaceFacts._fields, NAN))
    assert tell_of(3.0, body=lambda _: nothing, face=lambda _: blank) == []


def test_crouching_for_a_moment_is_not_sitting_and_who_sat_from_the_start_did_not_sit_down() -> None:
    seated = STANDING_BODY._replace(
        left_hip=95.0, right_hip=95.0, left_knee=92.0, right_knee=92.0, hips_y=0.68, left_knee_up=-0.2,
        right_knee_up=-0.2, left_ankle_up=-1.05, right_ankle_up=-1.05,
    )  # fmt: skip
    assert tell_of(6.0, body=lambda at_s: seated if 2.0 < at_s < 3.0 else STANDING_BODY) == []
    kinds = [
        finding.kind for finding in findings(tell_of(6.0, body=lambda at_s: seated if at_s < 4.0 else STANDING_BODY))
    ]
    assert kinds == ["sitting", "stand_up"]


def test_who_was_low_before_a_gap_and_is_low_after_it_did_not_sit_there_meanwhile() -> None:
    low = STANDING_BODY._replace(
        left_hip=95.0, right_hip=95.0, left_knee=92.0, right_knee=92.0, hips_y=0.68, left_knee_up=-0.2,
        right_knee_up=-0.2, left_ankle_up=-1.05, right_ankle_up=-1.05,
    )  # fmt: skip
    unseen = STANDING_BODY._replace(left_hip=NAN, left_knee=NAN)

    def body(at_s: float) -> BodyFacts:
        if 2.5 < at_s < 4.5:
            return unseen
        return low if 2.0 < at_s < 5.0 else STANDING_BODY

    assert tell_of(7.0, body=body) == []


def test_who_rests_on_their_heels_does_not_sit() -> None:
    heels = STANDING_BODY._replace(
        left_hip=60.0, right_hip=60.0, left_knee=40.0, right_knee=40.0, hips_y=0.75, left_knee_up=0.1,
        right_knee_up=0.1, left_ankle_up=-0.6, right_ankle_up=-0.6,
    )  # fmt: skip
    assert tell_of(7.0, body=lambda at_s: heels if 2.0 < at_s < 5.0 else STANDING_BODY) == []
