"""A synthetic performer: a script, a body and a camera in; frames as MediaPipe Holistic would give them out."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from keypoints.frame import FrameBatch, HolisticFrame, allocate_batch
from keypoints.landmarks import FACE_POINTS, PART_SHAPES, Part
from keypoints.topics import TRACKING_TOPIC, record_key
from performers.acts import HAND_ACTS, Act, cue_act
from performers.ambient import Ambient
from performers.camera import Camera
from performers.hand_shapes import HandShape
from performers.joints import Side
from performers.motions import MOTIONS
from performers.noise import Noise
from performers.posture import Posture
from performers.rotations import FloatArray, to_quaternion
from performers.sight import Sighting, see
from performers.skeleton import Body, Stance
from performers.staging import take_stand

MODEL: Final = "synthetic-performer"
_BLOCK: Final = 128
"""Instants worked on at a time: enough to make numpy's calls cheap, few enough to stay in the cache."""
_PROCESSING_US: Final = 40_000


@dataclass(frozen=True)
class Stage:
    """Who performs, who looks, and how restless the landmarks are.

    With `loop_s` everything, the noise too, repeats after so many seconds without a seam.
    """

    body: Body = field(default_factory=Body)
    camera: Camera = field(default_factory=Camera)
    noise: Noise = field(default_factory=Noise)
    loop_s: float | None = None


@dataclass(frozen=True)
class Truth:
    """What is really going on at N instants.

    `rotations` float64 (N, 54, 4): each `Joint`'s rotation from its parent, unit quaternions x, y, z, w in body space
    (x to the person's left, y up, z forward), identity in the T-pose. `positions` float64 (N, 54, 3) metres on the
    stage. `hand_shapes`: for each side, the shape wholly taken at each instant, None on the way or when unscripted.
    """

    rotations: FloatArray
    positions: FloatArray
    hand_shapes: dict[Side, NDArray[np.object_]]


class Performer:
    """One performer, a pure function of time: one seed and script give the same frames, however they are asked for.

    `script` is a list of acts, which may overlap (a walk and a wave); later ones go over earlier ones.
    """

    def __init__(
        self, stream_id: str, script: Sequence[Act] = (), *, seed: int = 0, stage: Stage | None = None
    ) -> None:
        self.stream_id = stream_id
        self.script = tuple(script)
        self.seed = seed
        self.stage = stage or Stage()
        self._ambient = Ambient.draw(seed, self.stage.loop_s)
        if self.stage.loop_s is not None and any(act.end_s > self.stage.loop_s for act in self.script):
            raise ValueError(f"an act ends after the loop of {self.stage.loop_s} s")

    def posture(self, at_s: FloatArray) -> Posture:
        """The true posture at the instants `at_s` (N,) seconds."""
        at_s = self._wrap(at_s)
        posture = self._ambient.stand(at_s)
        for act in self.script:
            cue = cue_act(act, posture, at_s)
            if cue is not None:
                MOTIONS[act.kind](cue)
        return posture

    def stance(self, at_s: FloatArray) -> Stance:
        """Where the joints truly are at the instants `at_s` (N,) seconds, in metres on the stage."""
        return take_stand(self.stage.body, self.posture(at_s))

    def truth(self, at_s: FloatArray) -> Truth:
        """What is really going on at the instants `at_s` (N,) seconds."""
        posture = self.posture(at_s)
        rotations = to_quaternion(posture.rotations())
        positions = take_stand(self.stage.body, posture).positions
        shapes = {side: self._hand_shapes(side, self._wrap(at_s)) for side in Side}
        return Truth(rotations.transpose(2, 1, 0), positions.transpose(2, 1, 0), shapes)

    def blinks_s(self, until_s: float) -> FloatArray:
        """When the blinks nobody asked for begin, up to `until_s` (of the loop, when there is one)."""
        return self._ambient.blinks_s(until_s)

    def sight(self, at_s: FloatArray) -> Sighting:
        """What MediaPipe would report at the instants `at_s` (N,) seconds, noise and all."""
        posture = self.posture(at_s)
        seen = see(self.stage.body, self.stage.camera, posture, take_stand(self.stage.body, posture))
        self.stage.noise.disturb(seen.parts, self._wrap(at_s), seed=self.seed, loop_s=self.stage.loop_s)
        return seen

    def batch(
        self,
        at_s: FloatArray,
        *,
        start_us: int = 0,
        first_sequence: int = 0,
        epoch: int = 0,
        topic: str = TRACKING_TOPIC,
    ) -> FrameBatch:
        """Frames at the instants `at_s` (N,) seconds after `start_us` (microseconds since 1970), as the rows they would
        be on partition 0 with offsets equal to their sequence."""
        at_s = np.asarray(at_s, dtype=np.float64)
        batch = allocate_batch(topic, len(at_s))
        for first in range(0, len(at_s), _BLOCK):
            rows = slice(first, min(first + _BLOCK, len(at_s)))
            self._fill(batch, rows, self.sight(at_s[rows]))
        batch.stream_id[:] = self.stream_id
        batch.sequence[:] = batch.offset[:] = batch.identity_offset[:] = first_sequence + np.arange(len(at_s))
        batch.epoch[:] = epoch
        batch.captured_at_us[:] = start_us + np.round(at_s * 1e6).astype(np.int64)
        batch.processed_at_us[:] = batch.captured_at_us + _PROCESSING_US
        batch.timestamp_ms[:] = batch.captured_at_us // 1000
        batch.width[:], batch.height[:] = self.stage.camera.width, self.stage.camera.height
        batch.model[:] = MODEL
        return replace(batch, keys=(record_key(self.stream_id),) * len(at_s))

    def frames(
        self, seconds: float, fps: float, *, start_us: int = 0, epoch: int = 0, first_sequence: int = 0
    ) -> Iterator[HolisticFrame]:
        """One frame after the other at `fps` frames a second."""
        count = round(seconds * fps)
        for first in range(0, count, _BLOCK):
            at_s = (np.arange(first, min(first + _BLOCK, count))) / fps
            batch = self.batch(at_s, start_us=start_us, epoch=epoch, first_sequence=first_sequence + first)
            for row in range(len(batch)):
                yield batch.frame(row)

    def _wrap(self, at_s: FloatArray) -> FloatArray:
        at_s = np.asarray(at_s, dtype=np.float64)
        return at_s if self.stage.loop_s is None else np.asarray(at_s % self.stage.loop_s)

    def _hand_shapes(self, side: Side, at_s: FloatArray) -> NDArray[np.object_]:
        shapes = np.full(len(at_s), None, dtype=object)
        for act in self.script:
            if act.kind in HAND_ACTS and act.side is side:
                first_s, last_s = act.held_s
                shapes[(at_s >= act.start_s) & (at_s < act.end_s)] = None
                shapes[(at_s >= first_s) & (at_s <= last_s)] = HandShape(HAND_ACTS[act.kind])
        return shapes

    @staticmethod
    def _fill(batch: FrameBatch, rows: slice, seen: Sighting) -> None:
        for part in PART_SHAPES:
            shown = seen.shown[part]
            column = batch.part(part)[rows]
            if shown.all():
                column[:] = seen.parts[part]
            else:
                column[shown] = seen.parts[part][shown]
            if part is Part.FACE:
                batch.face_points[rows] = np.where(shown, FACE_POINTS, 0)
            else:
                batch.present(part)[rows] = shown
