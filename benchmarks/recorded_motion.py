"""Motion of a real person at any length, for measures that made-up motion would flatter."""

from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from pose_format import Pose

from keypoints.frame import FrameBatch, HolisticFrame
from keypoints.landmarks import PART_SHAPES, Part

FPS: Final = 30
_COMPONENTS: Final = {
    Part.POSE: "POSE_LANDMARKS",
    Part.POSE_WORLD: "POSE_WORLD_LANDMARKS",
    Part.FACE: "FACE_LANDMARKS",
    Part.LEFT_HAND: "LEFT_HAND_LANDMARKS",
    Part.RIGHT_HAND: "RIGHT_HAND_LANDMARKS",
}


def resample_recording(path: Path, frames: int, stream_id: str, start_us: int) -> FrameBatch:
    """A recording of Holistic's output (.pose), played to and fro until there are `frames` at 30 a second.

    Each frame lies between two recorded ones, at another place each time round, so that none is like another and
    nothing can be compressed as a repetition. A part is there where both neighbours have it.
    """
    with path.open("rb") as file:
        pose = Pose.read(file.read())
    values = np.asarray(pose.body.data.data)[:, 0].astype(np.float32)
    confidence = np.asarray(pose.body.confidence)[:, 0].astype(np.float32)
    size = np.array([pose.header.dimensions.width, pose.header.dimensions.height, pose.header.dimensions.width])
    recorded = len(values)
    # An odd step, so that no place in the recording is met twice.
    at = np.arange(frames) * (float(pose.body.fps) / FPS) * 1.000_37
    at = (recorded - 1) - np.abs(at % (2 * (recorded - 1)) - (recorded - 1))
    before = np.minimum(at.astype(np.intp), recorded - 2)
    weight = (at - before).astype(np.float32)[:, None, None]
    first_point = 0
    parts: dict[Part, tuple[NDArray[np.float32], NDArray[np.bool_]]] = {}
    for component in pose.header.components:
        points = slice(first_point, first_point + len(component.points))
        first_point = points.stop
        part = next((part for part, name in _COMPONENTS.items() if name == component.name), None)
        if part is None:
            continue
        scale = np.ones(3) if part is Part.POSE_WORLD else size
        between = (values[before, points] * (1 - weight) + values[before + 1, points] * weight) / scale
        seen = confidence[:, points]
        if PART_SHAPES[part][1] == 4:
            visibility = seen[before] * (1 - weight[:, :, 0]) + seen[before + 1] * weight[:, :, 0]
            between = np.concatenate([between, visibility[:, :, None]], axis=2)
        there: NDArray[np.bool_] = np.any(seen, axis=1)
        parts[part] = (between.astype(np.float32), there[before] & there[before + 1])

    def parts_of(frame: int) -> dict[str, Any]:
        return {part.value: points[frame] if there[frame] else None for part, (points, there) in parts.items()}

    return FrameBatch.from_frames(
        HolisticFrame(
            stream_id=stream_id,
            sequence=frame,
            epoch=1,
            captured_at_us=start_us + frame * 1_000_000 // FPS,
            processed_at_us=start_us + frame * 1_000_000 // FPS + 40_000,
            width=1280,
            height=720,
            model="recorded",
            **parts_of(frame),
        )
        for frame in range(frames)
    )
