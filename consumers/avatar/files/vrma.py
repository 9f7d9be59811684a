"""VRM Animation: a take that any VRM model can perform.

Source: VRM consortium, VRMC_vrm_animation-1.0. Bones turn by their nodes' rotations and the hips move by theirs; an
expression's weight is the x of a node's translation; eyes are not bones here but one gaze, a node's rotation.
"""

from typing import Any, BinaryIO, Final

import numpy as np
from numpy.typing import NDArray

from consumers.avatar.face.arkit import Blendshape
from consumers.avatar.face.vrm import Vrm1Expression, to_vrm1
from consumers.avatar.files.tracks import Motion, Tracks
from consumers.avatar.gltf.glb import GlbWriter
from consumers.avatar.humanoid.rotations import slerp
from consumers.avatar.humanoid.skeleton import REST_OFFSETS_M, Bone
from consumers.avatar.mannequin.model import BONES, GENERATOR, describe_bones, name_bone
from consumers.avatar.states import AvatarStates

_EYES: Final = (Bone.LEFT_EYE, Bone.RIGHT_EYE)
_LEFT_OUT: Final = (
    Vrm1Expression.NEUTRAL,
    Vrm1Expression.BLINK,
    Vrm1Expression.LOOK_UP,
    Vrm1Expression.LOOK_DOWN,
    Vrm1Expression.LOOK_LEFT,
    Vrm1Expression.LOOK_RIGHT,
)
"""Presets that are not written: Blink would close an eye twice, and gaze has a place of its own."""


class VrmaFile:
    """Expressions are VRM 1.0's presets; or, with `perfect_sync`, ARKit's shapes by name, for models that have them.

    A model that has both would show both, so there is one of the two. Kept in memory until the end.
    """

    def __init__(self, file: BinaryIO, stream_id: str, rate: float, *, perfect_sync: bool = False) -> None:
        self._file = file
        self._stream_id = stream_id
        self._rate = rate
        self._perfect_sync = perfect_sync
        self._motion = Motion()

    def add(self, states: AvatarStates) -> None:
        """As MotionFile says."""
        self._motion.add(states)

    def finish(self) -> None:
        """As MotionFile says."""
        writer, motion = GlbWriter(GENERATOR), self._motion
        nodes: list[dict[str, Any]] = describe_bones()
        tracks = Tracks(writer, self._stream_id, motion.frames, self._rate)
        for node, bone in enumerate(BONES):
            if bone not in _EYES:
                tracks.move(node, "rotation", motion.turn(bone))
        hips = BONES.index(Bone.HIPS)
        tracks.move(hips, "translation", motion.hips_m())
        roots = [hips]

        def add_node(name: str, path: str, values: NDArray[np.float32]) -> dict[str, int]:
            nodes.append({"name": name})
            roots.append(len(nodes) - 1)
            tracks.move(roots[-1], path, values)
            return {"node": roots[-1]}

        expressions = {
            name: add_node(name, "translation", _place_at(weights))
            for name, weights in self._list_expressions().items()
        }
        left, right = (motion.turn(eye).astype(np.float64) for eye in _EYES)
        gaze = slerp(left, right, np.full(motion.frames, 0.5))
        look_at = add_node("gaze", "rotation", gaze.astype(np.float32))
        writer.document |= {
            "scene": 0,
            "scenes": [{"nodes": roots}],
            "nodes": nodes,
            "animations": [tracks.describe()],
            "extensionsUsed": ["VRMC_vrm_animation"],
            "extensions": {
                "VRMC_vrm_animation": {
                    "specVersion": "1.0",
                    "humanoid": {
                        "humanBones": {
                            name_bone(bone): {"node": node} for node, bone in enumerate(BONES) if bone not in _EYES
                        }
                    },
                    "expressions": {"custom" if self._perfect_sync else "preset": expressions},
                    "lookAt": {
                        **look_at,
                        "offsetFromHeadBone": (REST_OFFSETS_M[Bone.LEFT_EYE] * (0.0, 1.0, 1.0)).tolist(),
                    },
                }
            },
        }
        writer.write_to(self._file)

    def _list_expressions(self) -> dict[str, NDArray[np.float32]]:
        shapes = self._motion.shapes()
        if self._perfect_sync:
            return {shape.arkit_name: shapes[:, shape] for shape in Blendshape}
        weights = to_vrm1(shapes.astype(np.float64)).astype(np.float32)
        return {each.wire_name: weights[:, each] for each in Vrm1Expression if each not in _LEFT_OUT}


def _place_at(weights: NDArray[np.float32]) -> NDArray[np.float32]:
    places = np.zeros((len(weights), 3), np.float32)
    places[:, 0] = np.clip(weights, 0.0, 1.0)
    return places
