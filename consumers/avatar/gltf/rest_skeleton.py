"""Where the bones of a user's own model are at rest, read from its VRM file.

Sources: VRM consortium, VRM 0.0 ("humanoid") and VRMC_vrm-1.0 ("Humanoid"); glTF 2.0, "Transformations". A VRM 1.0
model faces +z of glTF's space, a VRM 0.x one −z.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from consumers.avatar.gltf.glb import GlbError, read_document
from consumers.avatar.humanoid.rotations import Vectors, rotate
from consumers.avatar.humanoid.skeleton import PARENTS, REST_OFFSETS_M, Bone

_THUMBS_OF_VRM1: Final = {
    f"{side}Thumb{theirs}": f"{side}Thumb{ours}"
    for side in ("left", "right")
    for theirs, ours in (("Metacarpal", "Proximal"), ("Proximal", "Intermediate"), ("Distal", "Distal"))
}
_UNITY_FROM_VRM0: Final = np.array([1.0, 1.0, -1.0])
_UNITY_FROM_VRM1: Final = np.array([-1.0, 1.0, 1.0])
_BONES: Final = {bone.unity_name[0].lower() + bone.unity_name[1:]: bone for bone in Bone}

_REQUIRED: Final = (
    Bone.HIPS, Bone.SPINE, Bone.HEAD,
    Bone.LEFT_UPPER_ARM, Bone.LEFT_LOWER_ARM, Bone.LEFT_HAND,
    Bone.RIGHT_UPPER_ARM, Bone.RIGHT_LOWER_ARM, Bone.RIGHT_HAND,
    Bone.LEFT_UPPER_LEG, Bone.LEFT_LOWER_LEG, Bone.LEFT_FOOT,
    Bone.RIGHT_UPPER_LEG, Bone.RIGHT_LOWER_LEG, Bone.RIGHT_FOOT,
)  # fmt: skip
"""Bones that every VRM 1.0 model has; those of VRM 0.x have neck and chest too."""


class NotAModel(GlbError):
    """A GLB that is no VRM model, or whose skeleton is not whole. Fields: path."""


def read_rest_offsets(path: Path) -> NDArray[np.float64]:
    """float64[55, 3] in Unity's space: each bone's place at rest, from the nearest bone above it that the model has.

    Bones that the model does not have take the built-in skeleton's; so whoever sums offsets from bone to bone must pass
    over those. Raises GlbError (no GLB) and NotAModel, OSError for what cannot be read.
    """
    document = read_document(path)
    try:
        nodes, to_unity = _find_bones(path, document)
        places = _place_nodes(document["nodes"])
        places_of = {bone: places[node] * to_unity for bone, node in nodes.items()}
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise NotAModel(
            f"{path} has a skeleton that cannot be read: {error!r}",
            hint="Export the model again, as VRM 0.x or 1.0.", path=str(path),
        ) from error  # fmt: skip
    missing = [bone.unity_name for bone in _REQUIRED if bone not in places_of]
    if missing:
        raise NotAModel(
            f"{path} lacks bones that every VRM model has: {', '.join(missing)}",
            hint="Assign them in the program that exports the model.", path=str(path), missing=missing,
        )  # fmt: skip
    offsets = REST_OFFSETS_M.copy()
    for bone, place in places_of.items():
        parent = PARENTS[bone]
        while parent is not None and parent not in places_of:
            parent = PARENTS[parent]
        offsets[bone] = place if parent is None else place - places_of[parent]
    if not np.isfinite(offsets).all():
        raise NotAModel(f"{path} has bones at no place", hint="Export the model again.", path=str(path))
    return offsets


def _find_bones(path: Path, document: dict[str, Any]) -> tuple[dict[Bone, int], NDArray[np.float64]]:
    """The node of each bone, and the signs that take its place to Unity's space."""
    extensions = document.get("extensions", {})
    if "VRMC_vrm" in extensions:
        bones = extensions["VRMC_vrm"]["humanoid"]["humanBones"]
        named = {_THUMBS_OF_VRM1.get(name, name): bone["node"] for name, bone in bones.items()}
        return {_BONES[name]: node for name, node in named.items() if name in _BONES}, _UNITY_FROM_VRM1
    if "VRM" in extensions:
        listed = extensions["VRM"]["humanoid"]["humanBones"]
        named = {bone["bone"]: bone["node"] for bone in listed if bone.get("node", -1) >= 0}
        return {_BONES[name]: node for name, node in named.items() if name in _BONES}, _UNITY_FROM_VRM0
    raise NotAModel(f"{path} is a GLB file, but no VRM model", hint="Give a .vrm file.", path=str(path))


def _place_nodes(nodes: Sequence[dict[str, Any]]) -> Vectors:
    """float64[nodes, 3]: where each node is at rest, in glTF's space."""
    above = {child: index for index, node in enumerate(nodes) for child in node.get("children", ())}
    worlds: dict[int, NDArray[np.float64]] = {}
    for index in range(len(nodes)):
        chain = [index]
        while chain[-1] in above and chain[-1] not in worlds:
            if len(chain) > len(nodes):
                raise ValueError("nodes are their own parents")
            chain.append(above[chain[-1]])
        for each in reversed(chain):
            if each not in worlds:
                local = _read_transform(nodes[each])
                worlds[each] = worlds[above[each]] @ local if each in above else local
    return np.stack([worlds[index][:3, 3] for index in range(len(nodes))])


def _read_transform(node: dict[str, Any]) -> NDArray[np.float64]:
    """float64[4, 4]. glTF writes matrices by columns."""
    if "matrix" in node:
        return np.array(node["matrix"], dtype=np.float64).reshape(4, 4).T
    transform = np.eye(4)
    rotation = np.array(node.get("rotation", (0.0, 0.0, 0.0, 1.0)), dtype=np.float64)
    transform[:3, :3] = rotate(rotation, np.eye(3)).T * np.array(node.get("scale", (1.0, 1.0, 1.0)), dtype=np.float64)
    transform[:3, 3] = node.get("translation", (0.0, 0.0, 0.0))
    return transform
