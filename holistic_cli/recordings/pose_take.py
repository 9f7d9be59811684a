"""A .pose file as a take: frames of MediaPipe Holistic as `pose-format` keeps them, at one rate, without times."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any, Final

import numpy as np

from holistic_cli.recordings.container import DamagedRecording, Recorded
from holistic_cli.recordings.take import RecordedSchemas
from keypoints.codec import encode_avro
from keypoints.errors import Terminal
from keypoints.frame import Float32Array, HolisticFrame
from keypoints.landmarks import FACE_POINTS_WITHOUT_IRIS, PART_SHAPES, Part
from keypoints.topics import TRACKING_TOPIC, frame_headers, record_key

SUFFIX: Final = ".pose"
MODEL: Final = "pose-format"
COMPONENTS: Final = {
    Part.POSE: "POSE_LANDMARKS",
    Part.POSE_WORLD: "POSE_WORLD_LANDMARKS",
    Part.FACE: "FACE_LANDMARKS",
    Part.LEFT_HAND: "LEFT_HAND_LANDMARKS",
    Part.RIGHT_HAND: "RIGHT_HAND_LANDMARKS",
}
_AXES: Final = 3


class PoseFormatMissing(Terminal):
    """The library that reads .pose files is not installed."""


@dataclass(frozen=True)
class PoseTake:
    """The frames of a .pose file's only person; the first one's time is 1970.

    A part none of whose points has any confidence is absent. A single point without is NaN, and not where the file's
    zeros would put it.
    """

    frames: tuple[HolisticFrame, ...]
    schemas: RecordedSchemas = field(default_factory=RecordedSchemas)

    @property
    def records(self) -> int:
        """How many frames there are."""
        return len(self.frames)

    @cached_property
    def streams(self) -> frozenset[bytes | None]:
        """The file's name."""
        return frozenset(record_key(frame.stream_id) for frame in self.frames[:1])

    @property
    def first_ms(self) -> int:
        """0."""
        return 0

    @property
    def last_ms(self) -> int:
        """When the last frame is due."""
        return self.frames[-1].captured_at_us // 1000

    def read(self) -> Iterator[Recorded]:
        """The frames as records."""
        headers = tuple(frame_headers())
        for number, frame in enumerate(self.frames):
            yield Recorded(
                TRACKING_TOPIC,
                0,
                number,
                frame.captured_at_us // 1000,
                record_key(frame.stream_id),
                encode_avro(frame),
                headers,
            )


def read_pose_take(path: Path, up_to: int | None = None) -> PoseTake:
    """A file's frames, or its first `up_to`. Raises PoseFormatMissing, DamagedRecording and FileNotFoundError."""
    try:
        from pose_format import Pose
    except ModuleNotFoundError as error:
        raise PoseFormatMissing(
            f"{path} is a .pose file, and pose-format is not installed",
            hint="`pip install pose-format`, or `make setup` in a checkout",
            path=str(path),
        ) from error
    content = path.read_bytes()
    try:
        pose = Pose.read(content)
        people = pose.body.data.shape[1]
    except Exception as error:
        raise DamagedRecording(
            f"{path} is no .pose file that can be read: {type(error).__name__}: {error}", path=str(path)
        ) from error
    if people != 1 or not len(pose.body.data):
        raise DamagedRecording(f"{path} holds {people} people, not one", path=str(path), people=people)
    return PoseTake(tuple(islice(_read_frames(pose, path), up_to)))


def _read_frames(pose: Any, path: Path) -> Iterator[HolisticFrame]:
    data = np.asarray(pose.body.data.filled(0), dtype=np.float32)[:, 0]
    confidence = np.asarray(pose.body.confidence, dtype=np.float32)[:, 0]
    width, height = int(pose.header.dimensions.width), int(pose.header.dimensions.height)
    columns: dict[Part, tuple[slice, int]] = {}
    first = 0
    for component in pose.header.components:
        here = slice(first, first + len(component.points))
        first = here.stop
        for part, name in COMPONENTS.items():
            if component.name == name and _fits(part, len(component.points)):
                columns[part] = (here, len(component.points))
    if not columns:
        names = ", ".join(component.name for component in pose.header.components)
        raise DamagedRecording(f"{path} holds no landmarks of MediaPipe Holistic but {names}", path=str(path))
    sides = np.array([width, height, 1.0], dtype=np.float32)
    for number in range(len(data)):
        captured_at_us = round(number * 1e6 / float(pose.body.fps))
        parts = {
            part.value: _read_part(part, data[number, here] / sides, confidence[number, here])
            for part, (here, _) in columns.items()
        }
        yield HolisticFrame(
            stream_id=path.stem,
            sequence=number,
            epoch=0,
            captured_at_us=captured_at_us,
            processed_at_us=captured_at_us,
            width=width,
            height=height,
            mirrored=False,
            model=MODEL,
            **parts,
        )


def _fits(part: Part, points: int) -> bool:
    return points == PART_SHAPES[part][0] or (part is Part.FACE and points == FACE_POINTS_WITHOUT_IRIS)


def _read_part(part: Part, points: Float32Array, confidence: Float32Array) -> Float32Array | None:
    sure = confidence > 0
    if not sure.any():
        return None
    points[~sure] = np.nan
    if PART_SHAPES[part][1] == _AXES:
        # Frames of a file with irises need not have them.
        count = FACE_POINTS_WITHOUT_IRIS if part is Part.FACE and not sure[FACE_POINTS_WITHOUT_IRIS:].any() else None
        return np.ascontiguousarray(points[:count])
    with_visibility: Float32Array = np.concatenate([points, confidence[:, None]], axis=1)
    return with_visibility
