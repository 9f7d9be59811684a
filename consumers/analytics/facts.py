"""What one frame says, in numbers: what the features measured, as the recognisers of one stream read it, row by row.

Lengths in "image heights" have x scaled by the image's shape, so that a circle stays a circle; y goes down, as in the
image. Lengths in "body scales" are divided by `BodyFacts.scale`. A part that was not seen is None. A number that cannot
be told from what was seen (a landmark out of the image or below the visibility asked for) is NaN, of which every
comparison is False.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple


class HandFacts(NamedTuple):
    """One hand that was there, the person's own left or right."""

    wrist_x: float
    """Image heights; so are the next three."""
    wrist_y: float
    index_tip_x: float
    index_tip_y: float
    scale: float
    """Image heights, > 0: the hand length all "hand lengths" are measured in."""
    openness: float
    """0 a fist … 1 all fingers stretched."""
    pinch: float
    """Hand lengths, ≥ 0: from the thumb's tip to the index finger's."""
    palm_facing: float
    """-1 … 1: 1 when the palm is turned to the camera, -1 when its back is."""
    fingers_up: float
    """-1 … 1: cosine between the hand (wrist to middle knuckle) and up in the image."""
    scores: Sequence[float]
    """0 … 1, one for each shape there is: those of `shapes.SHAPES`, then those taught."""


class BodyFacts(NamedTuple):
    """A body that was there. Joint angles are degrees, 0 folded … 180 straight, from the landmarks in metres.

    Shoulders, hips and ears are pairs of which one may hide the other: their middle, and the span between them, are
    told while one of the two is visible. Everything else asks for every landmark it stands on.
    """

    scale: float
    """Image heights, > 0: the body scale, which is the length of the trunk (see `features.poses`)."""
    visibility: float
    """0 … 1: mean over all landmarks."""
    legs_visibility: float
    """0 … 1: the least of hips, knees and ankles."""
    nose_x: float
    """Image heights; so are the next seven."""
    nose_y: float
    shoulders_x: float
    """The middle between the shoulders."""
    shoulders_y: float
    hips_x: float
    """The middle between the hips."""
    hips_y: float
    centre_of_mass_x: float
    centre_of_mass_y: float
    left_elbow_right: float
    """Body scales from the middle of the shoulders, to the image's right; `_up` is upwards. So are the next seven."""
    left_elbow_up: float
    right_elbow_right: float
    right_elbow_up: float
    left_wrist_right: float
    left_wrist_up: float
    right_wrist_right: float
    right_wrist_up: float
    left_knee_right: float
    """Body scales from the middle of the hips, to the image's right; `_up` is upwards. So are the next seven."""
    left_knee_up: float
    right_knee_right: float
    right_knee_up: float
    left_ankle_right: float
    left_ankle_up: float
    right_ankle_right: float
    right_ankle_up: float
    shoulder_span: float
    """Body scales, signed: the left shoulder's x less the right's; > 0 when the person faces the camera."""
    hip_span: float
    """Body scales, signed: the same of the hips."""
    head_turn: float
    """Ear distances: how far the nose lies from the middle of the ears, to the image's right; about 0.75 times the sine
    of the angle by which the head is turned."""
    head_drop: float
    """Body scales: how far the nose lies below the middle of the ears."""
    left_elbow: float
    """Degrees: shoulder, elbow, wrist."""
    right_elbow: float
    left_shoulder: float
    """Degrees: hip, shoulder, elbow; about 10 with the arm hanging, 90 in a T-pose."""
    right_shoulder: float
    left_hip: float
    """Degrees: shoulder, hip, knee."""
    right_hip: float
    left_knee: float
    """Degrees: hip, knee, ankle."""
    right_knee: float
    left_ankle: float
    """Degrees: knee, ankle, tip of the foot."""
    right_ankle: float
    trunk_lean: float
    """Degrees between hips to shoulders and up, in the image: 0 upright, 90 lying, 180 upside down."""
    symmetry: float
    """0 … 1: how alike left and right stand; 1 a mirror image."""
    left_upper_arm_m: float
    """Metres; so are the next nine."""
    right_upper_arm_m: float
    left_forearm_m: float
    right_forearm_m: float
    left_thigh_m: float
    right_thigh_m: float
    left_shin_m: float
    right_shin_m: float
    shoulder_width_m: float
    trunk_m: float


class FaceFacts(NamedTuple):
    """A face that was there. Left and right are the person's own."""

    left_eye_openness: float
    """Eye widths: distance of the lids; about 0.3 open, below 0.12 shut."""
    right_eye_openness: float
    mouth_openness: float
    """Mouth widths: distance of the inner lips; 0 shut."""
    mouth_width: float
    """Distances of the outer eye corners."""
    smile: float
    """Mouth widths: how far the corners lie above the middle of the upper lip."""
    gaze_right: float
    """-1 … 1: where the irises stand between the corners of the eyes, to the image's right; NaN without irises."""
    gaze_up: float
    """-1 … 1, upwards; NaN without irises."""
    yaw: float
    """Degrees: the head turned, > 0 to the image's right."""
    pitch: float
    """Degrees: the head nodded, > 0 downwards."""
    roll: float
    """Degrees: the head tilted, > 0 clockwise in the image."""


class MotionFacts(NamedTuple):
    """How the body moved since the stream's frame before. Speeds are body scales a second, ≥ 0, in the image."""

    elapsed_s: float
    """Since the frame before, > 0."""
    activity: float
    """Mean speed of shoulders, elbows, wrists, hips, knees and ankles that could be told."""
    left_wrist_speed: float
    right_wrist_speed: float
    left_ankle_speed: float
    right_ankle_speed: float
    nose_speed: float
    hips_speed: float
    left_wrist_acceleration: float
    """Body scales a second², signed: the change of its speed; NaN when the frame before had none. So is the next."""
    right_wrist_acceleration: float
    greatest_step: float
    """Body scales, ≥ 0: by how much the landmark that moved most has moved, whatever its visibility."""


@dataclass(slots=True)
class FrameFacts:
    """All that is known of one record. A recogniser may read it, and keeps nothing of it but numbers."""

    stream_id: str
    epoch: int
    sequence: int
    captured_at_us: int
    topic: str
    """Topic, partition and offset are the record's identity."""
    partition: int
    offset: int
    left: HandFacts | None
    right: HandFacts | None
    body: BodyFacts | None
    face: FaceFacts | None
    motion: MotionFacts | None = None
    """None for a stream's first frame, without a body in this frame and the one before, and after half a second."""
    image_width: float = 16 / 9
    """Image heights: where the image's right edge is."""
    mirrored: bool = False
    """The image shows the person as in a mirror: their left is at its left when they face it."""
    is_doubted: bool = False
    """A fault of the capture took parts out of it: that they are None does not mean that nobody was there."""

    @property
    def has_person(self) -> bool:
        """Whether anything of a person was there."""
        return not (self.body is None and self.face is None and self.left is None and self.right is None)
