"""An animation in glTF: what moves which node, at which times (glTF 2.0 specification, "Animations")."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from consumers.avatar.files.motion_file import move_to_gltf, turn_to_gltf
from consumers.avatar.gltf.glb import GlbWriter
from consumers.avatar.humanoid.rotations import normalise
from consumers.avatar.humanoid.skeleton import REST_OFFSETS_M, Bone
from consumers.avatar.states import AvatarStates


class Motion:
    """The states of a take, kept as float32: 55 rotations, 51 shapes and a place are 1.1 kB a frame."""

    def __init__(self) -> None:
        self._rotations: list[NDArray[np.float32]] = []
        self._shapes: list[NDArray[np.float32]] = []
        self._hips_m: list[NDArray[np.float32]] = []

    def add(self, states: AvatarStates) -> None:
        """Append states, in glTF's space."""
        self._rotations.append(states.rotations.astype(np.float32))
        self._shapes.append(states.shapes.astype(np.float32))
        self._hips_m.append(move_to_gltf(states.root_m + REST_OFFSETS_M[Bone.HIPS]).astype(np.float32))

    @property
    def frames(self) -> int:
        """How many states there are."""
        return sum(map(len, self._hips_m))

    def turn(self, bone: Bone) -> NDArray[np.float32]:
        """float32[F, 4]: a bone's rotations, in glTF's space, unit length."""
        values = turn_to_gltf(np.concatenate([block[:, bone] for block in self._rotations]).astype(np.float64))
        return normalise(values).astype(np.float32)

    def shapes(self) -> NDArray[np.float32]:
        """float32[F, 51]."""
        return np.concatenate(self._shapes)

    def hips_m(self) -> NDArray[np.float32]:
        """float32[F, 3]: where the hips are, in glTF's space."""
        return np.concatenate(self._hips_m)


class Tracks:
    """One animation, whose tracks share their times: `rate` frames a second from zero on."""

    def __init__(self, writer: GlbWriter, name: str, frames: int, rate: float) -> None:
        self._writer = writer
        self._name = name
        self._times = writer.add_accessor((np.arange(frames) / rate).astype(np.float32), bounds=True)
        self._channels: list[dict[str, Any]] = []
        self._samplers: list[dict[str, Any]] = []

    def move(self, node: int, path: str, values: NDArray[np.float32]) -> None:
        """Let a node's `path` (rotation, translation, weights) take these values, straight from one to the next."""
        output = self._writer.add_accessor(values)
        self._channels.append({"sampler": len(self._samplers), "target": {"node": node, "path": path}})
        self._samplers.append({"input": self._times, "output": output, "interpolation": "LINEAR"})

    def describe(self) -> dict[str, Any]:
        """The entry in the document's `animations`."""
        return {"name": self._name, "channels": self._channels, "samplers": self._samplers}
