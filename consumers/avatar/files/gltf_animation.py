"""glTF animation: the built-in avatar, moving, as one GLB that any 3D program opens."""

from typing import BinaryIO

import numpy as np

from consumers.avatar.files.tracks import Motion, Tracks
from consumers.avatar.gltf.glb import GlbWriter
from consumers.avatar.humanoid.skeleton import Bone
from consumers.avatar.mannequin.colours import look_of
from consumers.avatar.mannequin.expressions import MORPHS
from consumers.avatar.mannequin.model import BONES, FACE_NODE, GENERATOR, describe_mannequin
from consumers.avatar.states import AvatarStates


class GltfAnimationFile:
    """Rotations of every bone, the hips' place, and the face's shapes as weights of its morph targets.

    The animation and the avatar's colours are `stream_id`'s. Kept in memory until the end.
    """

    def __init__(self, file: BinaryIO, stream_id: str, rate: float) -> None:
        self._file = file
        self._stream_id = stream_id
        self._rate = rate
        self._motion = Motion()

    def add(self, states: AvatarStates) -> None:
        """As MotionFile says."""
        self._motion.add(states)

    def finish(self) -> None:
        """As MotionFile says."""
        writer, motion = GlbWriter(GENERATOR), self._motion
        describe_mannequin(writer, look_of(self._stream_id))
        tracks = Tracks(writer, self._stream_id, motion.frames, self._rate)
        for node, bone in enumerate(BONES):
            tracks.move(node, "rotation", motion.turn(bone))
        tracks.move(BONES.index(Bone.HIPS), "translation", motion.hips_m())
        tracks.move(FACE_NODE, "weights", np.ascontiguousarray(motion.shapes()[:, list(MORPHS)]).reshape(-1))
        writer.document["animations"] = [tracks.describe()]
        writer.write_to(self._file)
