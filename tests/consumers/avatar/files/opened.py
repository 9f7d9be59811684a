"""Files of motion as other programs open them: readers that share nothing with what wrote them."""

import json
import struct
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from consumers.avatar.face.arkit import SHAPE_COUNT
from consumers.avatar.humanoid.skeleton import BONE_COUNT, PARENTS, REST_OFFSETS_M, Bone
from consumers.avatar.states import AvatarStates
from tests.consumers.avatar.puppet import Matrix, matrix_of, turn

Place = NDArray[np.float64]
JOINTS = [bone for bone in Bone if bone != Bone.JAW]


def move(count: int, seed: int = 0) -> AvatarStates:
    """Performers with every bone turned any way, every shape open, and the hips moved."""
    random = np.random.default_rng(seed)
    rotations = random.normal(size=(count, BONE_COUNT, 4))
    return AvatarStates(
        rotations / np.linalg.norm(rotations, axis=2, keepdims=True),
        random.uniform(size=(count, SHAPE_COUNT)),
        random.normal(scale=0.3, size=(count, 3)),
        np.ones((count, BONE_COUNT), dtype=np.bool_),
        np.ones((count, SHAPE_COUNT), dtype=np.bool_),
        np.ones(count, dtype=np.bool_),
    )


def place(states: AvatarStates, row: int) -> dict[str, Place]:
    """Where each bone is, by name, in metres, as seen from where left is at +x."""
    spaces: dict[Bone, tuple[Matrix, Place]] = {}

    def find(bone: Bone) -> tuple[Matrix, Place]:
        if bone not in spaces:
            parent = PARENTS[bone]
            above, origin = (np.eye(3), states.root_m[row]) if parent is None else find(parent)
            spaces[bone] = (above @ matrix_of(states.rotations[row, bone]), origin + above @ REST_OFFSETS_M[bone])
        return spaces[bone]

    return {bone.unity_name: find(bone)[1] * (-1.0, 1.0, 1.0) for bone in JOINTS}


@dataclass
class Joint:
    """A joint of a BVH file."""

    name: str
    offset: Place
    channels: list[str] = field(default_factory=list)
    children: list["Joint"] = field(default_factory=list)


@dataclass
class Bvh:
    """A BVH file. `rows` is a number for each channel, in the order of the hierarchy."""

    root: Joint
    frame_time_s: float
    rows: NDArray[np.float64]

    def place(self, row: int) -> dict[str, Place]:
        """Where each joint is, in the file's own unit."""
        numbers = iter(self.rows[row].tolist())
        places: dict[str, Place] = {}

        def walk(joint: Joint, space: Matrix, origin: Place) -> None:
            at, rotation = joint.offset.copy(), np.eye(3)
            for channel in joint.channels:
                value = next(numbers)
                if channel.endswith("position"):
                    at["XYZ".index(channel[0])] += value
                else:
                    rotation = rotation @ turn(channel[0].lower(), value)
            places[joint.name] = origin + space @ at
            for child in joint.children:
                walk(child, space @ rotation, places[joint.name])

        walk(self.root, np.eye(3), np.zeros(3))
        return places


def open_bvh(text: str) -> Bvh:
    """Read as the format's description has it, word by word."""
    words = iter(text.split())
    assert next(words) == "HIERARCHY"

    def read_joint(name: str) -> Joint:
        assert next(words) == "{"
        joint = Joint(name, np.zeros(3))
        while (word := next(words)) != "}":
            match word:
                case "OFFSET":
                    joint.offset = np.array([float(next(words)) for _ in range(3)])
                case "CHANNELS":
                    joint.channels = [next(words) for _ in range(int(next(words)))]
                case "JOINT":
                    joint.children.append(read_joint(next(words)))
                case "End":
                    assert next(words) == "Site"
                    read_joint("end")
                case _:
                    raise AssertionError(f"{word} within a joint")
        return joint

    assert next(words) == "ROOT"
    root = read_joint(next(words))
    assert [next(words), next(words)] == ["MOTION", "Frames:"]
    frames = int(next(words))
    assert [next(words), next(words)] == ["Frame", "Time:"]
    frame_time_s = float(next(words))
    return Bvh(root, frame_time_s, np.array([float(word) for word in words]).reshape(frames, -1))


class Gltf:
    """A GLB file, by the specification's byte layout."""

    def __init__(self, content: bytes) -> None:
        magic, version, length, json_length, json_kind = struct.unpack_from("<4sIII4s", content)
        assert (magic, version, length, json_kind) == (b"glTF", 2, len(content), b"JSON")
        self.document: dict[str, Any] = json.loads(content[20 : 20 + json_length])
        binary_length, binary_kind = struct.unpack_from("<I4s", content, 20 + json_length)
        assert binary_kind == b"BIN\0"
        self._binary = content[28 + json_length :]
        assert len(self._binary) == binary_length == self.document["buffers"][0]["byteLength"]

    def numbers(self, accessor: int) -> NDArray[Any]:
        """What an accessor points to; sparse ones filled with zeros."""
        described = self.document["accessors"][accessor]
        columns = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4, "MAT4": 16}[described["type"]]
        if "bufferView" in described:
            values = self._view(described["bufferView"], described["componentType"], described["count"] * columns)
            assert described.get("sparse") is None
        else:
            values = np.zeros(described["count"] * columns, np.float32)
        values = values.reshape(described["count"], columns)
        if sparse := described.get("sparse"):
            rows = self._view(sparse["indices"]["bufferView"], sparse["indices"]["componentType"], sparse["count"])
            assert (np.diff(rows.astype(int)) > 0).all()
            values[rows] = self._view(sparse["values"]["bufferView"], 5126, sparse["count"] * columns).reshape(
                -1, columns
            )
        if "min" in described:
            assert values.min(axis=0).tolist() == described["min"]
            assert values.max(axis=0).tolist() == described["max"]
        return values[:, 0] if columns == 1 else values

    def bytes_of(self, view: dict[str, int]) -> bytes:
        """What a buffer view holds."""
        return self._binary[view["byteOffset"] : view["byteOffset"] + view["byteLength"]]

    def track(self, node: int, path: str) -> tuple[NDArray[Any], NDArray[Any]]:
        """Times and values of what moves a node in the only animation."""
        [animation] = self.document["animations"]
        [sampler] = [
            animation["samplers"][channel["sampler"]]
            for channel in animation["channels"]
            if channel["target"] == {"node": node, "path": path}
        ]
        assert sampler["interpolation"] == "LINEAR"
        return self.numbers(sampler["input"]), self.numbers(sampler["output"])

    def node(self, name: str) -> int:
        """The index of the node of that name."""
        [index] = [i for i, node in enumerate(self.document["nodes"]) if node["name"] == name]
        return index

    def place(self, row: int, unmoved: frozenset[str] = frozenset()) -> dict[str, Place]:
        """Where each bone's node is in a frame of the animation, in metres."""
        nodes = self.document["nodes"]
        places: dict[str, Place] = {}

        def walk(index: int, space: Matrix, origin: Place) -> None:
            node = nodes[index]
            at = np.array(node["translation"])
            if node["name"] == "Hips":
                at = self.track(index, "translation")[1][row]
            rotation = np.eye(3)
            if node["name"] not in unmoved:
                rotation = matrix_of(self.track(index, "rotation")[1][row])
            places[node["name"]] = origin + space @ at
            for child in node.get("children", ()):
                walk(child, space @ rotation, places[node["name"]])

        walk(self.node("Hips"), np.eye(3), np.zeros(3))
        return places

    def _view(self, index: int, component: int, count: int) -> NDArray[Any]:
        view = self.document["bufferViews"][index]
        kind = {5121: "u1", 5123: "<u2", 5125: "<u4", 5126: "<f4"}[component]
        assert view["byteOffset"] % 4 == 0
        assert count * np.dtype(kind).itemsize == view["byteLength"]
        return np.frombuffer(self._binary, kind, count, view["byteOffset"]).copy()
