"""The built-in avatar as a VRM 0 file: its model looks at -z, and is described as the older specification wants it."""

import json
import struct
from typing import Any, Final

_HEADER: Final = struct.Struct("<4sII")
_CHUNK: Final = struct.Struct("<I4s")
_THUMBS: Final = {"Metacarpal": "Proximal", "Proximal": "Intermediate", "Distal": "Distal"}


def write_as_vrm0(model: bytes) -> bytes:
    """The file of a VRM 1 model as one of VRM 0."""
    _, _, _ = _HEADER.unpack_from(model)
    length, _ = _CHUNK.unpack_from(model, _HEADER.size)
    start = _HEADER.size + _CHUNK.size
    document = json.loads(model[start : start + length])
    described = document["extensions"].pop("VRMC_vrm")
    document["extensions"] = {"VRM": _describe(described["humanoid"]["humanBones"])}
    document["extensionsUsed"] = ["VRM"]
    for material in document["materials"]:
        material.pop("extensions", None)
    _turn_round(document)
    text = json.dumps(document).encode()
    text += b" " * (-len(text) % 4)
    rest = model[start + length :]
    total = _HEADER.size + _CHUNK.size + len(text) + len(rest)
    return _HEADER.pack(b"glTF", 2, total) + _CHUNK.pack(len(text), b"JSON") + text + rest


def _describe(bones: dict[str, dict[str, int]]) -> dict[str, Any]:
    return {
        "specVersion": "0.0",
        "exporterVersion": "the tests",
        "meta": {"title": "older", "version": "1", "author": "the tests"},
        "humanoid": {"humanBones": [{"bone": _old_name(name), "node": bone["node"]} for name, bone in bones.items()]},
        "firstPerson": {},
        "blendShapeMaster": {"blendShapeGroups": []},
        "secondaryAnimation": {"boneGroups": [], "colliderGroups": []},
        "materialProperties": [],
    }


def _old_name(name: str) -> str:
    head, thumb, part = name.partition("Thumb")
    return head + thumb + _THUMBS[part] if thumb else name


def _turn_round(document: dict[str, Any]) -> None:
    scene = document["scenes"][0]
    document["nodes"].append({"name": "Turned", "children": scene["nodes"], "rotation": [0, 1, 0, 0]})
    scene["nodes"] = [len(document["nodes"]) - 1]
