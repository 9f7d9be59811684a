"""Still performers as a detector sees them: one posture again and again, with nothing but its unrest between."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from keypoints import FrameBatch
from keypoints.landmarks import PART_SHAPES
from performers.acts import Act, ActKind
from performers.camera import Camera
from performers.joints import Side
from performers.noise import Noise
from performers.performer import Performer, Stage

Values = NDArray[np.float64]

FPS: Final = 30.0
_PARABOLA: Final = np.array([-3.0, 12.0, 17.0, 12.0, -3.0]) / 35.0
_MOTION: Final = 3.0


def film_still(kind: ActKind, camera: Camera, seconds: float = 12.0) -> tuple[FrameBatch, Values]:
    """An act's posture with the noise that MediaPipe has, and the frames' times in seconds."""
    at_s = np.arange(int(seconds * FPS)) / FPS
    stage = Stage(camera=camera, noise=Noise(0.0))
    performer = Performer("still", [Act(kind, 0.0, 6.0, Side.LEFT)], seed=3, stage=stage)
    batch = performer.batch(np.array([3.0])).take(np.zeros(len(at_s), dtype=np.intp))
    Noise().disturb({part: batch.part(part) for part in PART_SHAPES}, at_s, seed=3)
    batch.captured_at_us[:] = np.round(at_s * 1e6).astype(np.int64)
    return batch, at_s


def hold_still(batch: FrameBatch, seconds: float = 8.0) -> tuple[FrameBatch, Values]:
    """The fullest frame of a recording again and again, with the unrest its landmarks had, to and fro, and times."""
    step_s = float(np.median(np.diff(batch.captured_at_us))) / 1e6
    at_s = np.arange(int(seconds / step_s), dtype=np.float64) * step_s
    parts_seen = np.sum([batch.present(part) for part in PART_SHAPES], axis=0)
    still = batch.take(np.full(len(at_s), int(np.argmax(parts_seen)), dtype=np.intp))
    for part in PART_SHAPES:
        unrest = _find_unrest(batch.part(part)[:, :, :3].astype(np.float64))
        if len(unrest):
            # No frame twice in a row: what is seen twice is no longer a single jump.
            there_and_back = np.concatenate((unrest, unrest[-2:0:-1]))
            still.part(part)[:, :, :3] += there_and_back[np.arange(len(at_s)) % len(there_and_back)]
    still.captured_at_us[:] = np.round(at_s * 1e6).astype(np.int64)
    return still, at_s


def _find_unrest(points: Values) -> Values:
    """float64[M, points, 3]: how a part differs from the parabola through five frames, where it keeps most still.

    That is a third of where it is seen all the while. Motion is nearly a parabola for so long (Savitzky and Golay,
    1964); where a point differs three times as much as usual it is not, and that is left out.
    """
    length = len(_PARABOLA)
    windows = np.stack([points[shift : len(points) - length + 1 + shift] for shift in range(length)])
    seen = np.isfinite(windows).all(axis=(0, 2, 3))
    windows = windows[:, seen]
    moved = np.median(np.linalg.norm(windows[-1] - windows[0], axis=-1), axis=-1)
    calm = windows[:, np.sort(np.argsort(moved)[: len(moved) // 3])]
    unrest: Values = calm[length // 2] - np.tensordot(_PARABOLA, calm, axes=1)
    sizes = np.linalg.norm(unrest, axis=-1)
    if len(sizes):
        unrest[sizes > _MOTION * np.median(sizes, axis=0)] = 0.0
    return unrest
