"""The way of one picture: decode → landmarks → frame → publish."""

from dataclasses import dataclass, replace

from keypoints.errors import HolisticError
from keypoints.frame import HolisticFrame
from producer_service.capture.captured import Captured, RefusalReason
from producer_service.capture.still_image import InvalidImage
from producer_service.encode import FrameNumbering, make_frame
from producer_service.isolation.picture_memory import PictureMemory
from producer_service.landmarks.landmarker import Landmarks
from producer_service.live.equipment import Equipment
from producer_service.live.job import Job
from producer_service.live.outcome import Acknowledged, Dropped, PictureOutcome, Spent
from producer_service.live.picture import EncodedPicture
from producer_service.publish import name_drop_reason
from producer_service.watchers import Delivered

_US_PER_MS = 1000


@dataclass(frozen=True, slots=True)
class Handling:
    """How a stream's frames are made and published.

    `wait` says that publishing may wait for room; else a frame without room is spilled, if it `may_spill`, or dropped.
    `needs_person` rejects a picture in which nobody is found. `origin` of a frame's record is its input's identity.
    """

    mirrored: bool = False
    wait: bool = False
    may_spill: bool = False
    needs_person: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """Where a picture is: decoded, and when that began and ended (µs since 1970)."""

    captured: Captured
    taken_us: int
    decoded_us: int


def decode_picture(job: Job, memory: PictureMemory | None, equipment: Equipment) -> Step | None:
    """The job's picture as pixels, in `memory` where there is one; None when it was rejected."""
    taken_us = equipment.now_us()
    picture = job.picture
    if isinstance(picture, Captured):
        return Step(picture, taken_us, taken_us)
    try:
        image = equipment.decode(picture.data, memory)
    except InvalidImage as error:
        job.reject(error.reason, error.message)
        return None
    return Step(Captured(image, picture.captured_at_us, picture.index), taken_us, equipment.now_us())


def publish_landmarks(
    job: Job, step: Step, found: Landmarks, numbering: FrameNumbering, model: str, how: Handling, equipment: Equipment
) -> HolisticFrame | None:
    """Make the frame and hand it to Kafka; the job is settled when Kafka has answered. None: it was rejected."""
    found_us = equipment.now_us()
    if how.needs_person and not found.has_person:
        job.reject(RefusalReason.NO_PERSON, "nobody was found in the picture")
        return None
    frame = make_frame(step.captured, found, numbering, found_us, mirrored=how.mirrored, model=model)
    origin = job.picture.origin if isinstance(job.picture, EncodedPicture) else None

    before = Spent(
        waiting_ms=(step.taken_us - job.handed_in_us) / _US_PER_MS,
        decoding_ms=(step.decoded_us - step.taken_us) / _US_PER_MS,
        inference_ms=(found_us - step.decoded_us) / _US_PER_MS,
        publishing_ms=0.0,
    )

    # Knows nothing of the picture: while Kafka is away thousands of frames wait, and their pictures would be gigabytes.
    def settle(answer: Delivered | HolisticError) -> None:
        job.settle(_say_outcome(answer, frame, before, found_us))

    job.let_go_of_picture()
    equipment.publisher.publish(frame, job.handed_in_us, settle, wait=how.wait, may_spill=how.may_spill, origin=origin)
    return frame


def _say_outcome(
    answer: Delivered | HolisticError, frame: HolisticFrame, before: Spent, found_us: int
) -> PictureOutcome:
    if isinstance(answer, HolisticError):
        return Dropped(name_drop_reason(answer), answer.message)
    publishing_ms = (answer.acknowledged_us - found_us) / _US_PER_MS
    return Acknowledged(frame, answer, replace(before, publishing_ms=publishing_ms))
