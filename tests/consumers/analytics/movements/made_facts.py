"""Frames of one person, written number by number."""

from collections.abc import Callable

from consumers.analytics.facts import BodyFacts, FaceFacts, FrameFacts
from consumers.analytics.finding import Change, Moment
from consumers.analytics.movements.recogniser import Movements

NAN = float("nan")
FRAME_US = 33_333

CALM_FACE = FaceFacts(
    left_eye_openness=0.3, right_eye_openness=0.3, mouth_openness=0.02, mouth_width=0.6, smile=0.0, gaze_right=0.0,
    gaze_up=0.0, yaw=0.0, pitch=0.0, roll=0.0,
)  # fmt: skip

STANDING_BODY = BodyFacts(**dict.fromkeys(BodyFacts._fields, NAN))._replace(
    scale=0.25, visibility=1.0, legs_visibility=1.0, nose_x=0.9, nose_y=0.2, shoulders_x=0.9, shoulders_y=0.3,
    hips_x=0.9, hips_y=0.55, left_elbow_right=0.5, left_elbow_up=-0.55, right_elbow_right=-0.5, right_elbow_up=-0.55,
    left_wrist_right=0.55, left_wrist_up=-1.1, right_wrist_right=-0.55, right_wrist_up=-1.1,
    left_knee_right=0.2, left_knee_up=-0.85, right_knee_right=-0.2, right_knee_up=-0.85,
    left_ankle_right=0.2, left_ankle_up=-1.7, right_ankle_right=-0.2, right_ankle_up=-1.7, shoulder_span=0.7,
    hip_span=0.4, head_turn=0.0, head_drop=0.05, left_elbow=165.0, right_elbow=165.0, left_shoulder=12.0,
    right_shoulder=12.0, left_hip=175.0, right_hip=175.0, left_knee=176.0, right_knee=176.0, trunk_lean=1.0,
)  # fmt: skip


def tell_of(
    seconds: float,
    *,
    face: Callable[[float], FaceFacts | None] = lambda _: None,
    body: Callable[[float], BodyFacts | None] = lambda _: None,
    doubted: bool = False,
) -> list[Change]:
    """What is told of a face and a body that are, at each second, as they are said to be.

    With `doubted` a fault of the capture took out what is not there.
    """
    movements = Movements()
    changes: list[Change] = []
    for number in range(round(seconds * 1e6 / FRAME_US)):
        at_us = number * FRAME_US
        facts = FrameFacts("made", 1, number, at_us, "t", 0, number, None, None, body(at_us / 1e6), face(at_us / 1e6))
        facts.is_doubted = doubted
        changes += movements.advance(Moment(at_us, number), facts)
    return [*changes, *movements.end()]
