"""The mannequin as a file: a VRM 1.0 model, the same bytes for the same look.

Source: VRM consortium, VRMC_vrm-1.0 and VRMC_materials_mtoon-1.0. The rest pose is the built-in skeleton's T-pose;
every node's rotation is the identity.
"""

from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np

from consumers.avatar.gltf.glb import ARRAY_BUFFER, ELEMENT_ARRAY_BUFFER, GlbWriter
from consumers.avatar.humanoid.skeleton import PARENTS, REST_OFFSETS_M, Bone
from consumers.avatar.mannequin.body import draw_body
from consumers.avatar.mannequin.colours import Look, choose_colours, locate, paint, shade
from consumers.avatar.mannequin.expressions import MORPHS, describe_expressions
from consumers.avatar.mannequin.features import Features
from consumers.avatar.mannequin.head import draw_eyes, draw_hair, draw_skin
from consumers.avatar.mannequin.parts import JOINTS, MIRROR, Part, gather

BONES: Final = tuple(bone for bone in Bone if bone != Bone.JAW)
"""The bones of the model, in order of its nodes and of the joints of its skin: all but the jaw."""

BODY_NODE: Final = len(BONES)
FACE_NODE: Final = len(BONES) + 1

GENERATOR: Final = "holistic-stream"
_NEAREST: Final = 9728
_CLAMP: Final = 33071
_LINED, _UNLINED = 0, 1
_STILL_M: Final = 1e-5
"""What a morph target moves less than this, it does not move."""


def build_mannequin(look: Look | None = None) -> bytes:
    """The model, as the bytes of a .vrm file."""
    writer = GlbWriter(GENERATOR)
    describe_mannequin(writer, look or Look())
    return writer.finish()


def describe_mannequin(writer: GlbWriter, look: Look) -> None:
    """Write the model into a file that nothing is in yet. Its nodes are BONES, then BODY_NODE and FACE_NODE."""
    document = writer.document
    body, face = _draw_figure()
    document["scene"] = 0
    document["nodes"] = [
        *describe_bones(),
        {"name": "Body", "mesh": 0, "skin": 0},
        {"name": "Face", "mesh": 1, "skin": 0},
    ]
    document["scenes"] = [{"nodes": [BONES.index(Bone.HIPS), BODY_NODE, FACE_NODE]}]
    document["skins"] = [_describe_skin(writer)]
    document["meshes"] = [
        {"name": "Body", "primitives": [_write_primitive(writer, gather([body, draw_hair(look.hair)]), _LINED)]},
        _write_face(writer, face),
    ]
    _write_material(writer, look)
    document["extensionsUsed"] = ["VRMC_vrm", "VRMC_materials_mtoon"]
    document["extensions"] = {"VRMC_vrm": _describe_vrm()}


def write_mannequin(path: Path, look: Look | None = None) -> None:
    """Write the model to a file."""
    path.write_bytes(build_mannequin(look))


def name_bone(bone: Bone) -> str:
    """A bone's name in VRM 1.0, where the thumb begins with its metacarpal: `leftUpperArm`."""
    name = bone.unity_name.replace("ThumbProximal", "ThumbMetacarpal").replace("ThumbIntermediate", "ThumbProximal")
    return name[0].lower() + name[1:]


@cache
def _draw_figure() -> tuple[Part, "_Face"]:
    """What is the same of everybody: the body without hair, and the face. It takes most of the time."""
    return gather([*draw_body(), draw_eyes()]), _Face(Features(draw_skin()))


class _Face:
    """The face's part and its morph targets float32[N, 3], in order of MORPHS."""

    def __init__(self, features: Features) -> None:
        self.part = features.part
        self.targets = [features.move(shape).astype(np.float32) for shape in MORPHS]


def describe_bones() -> list[dict[str, Any]]:
    """A node for each of BONES, as they stand at rest."""
    nodes = []
    for bone in BONES:
        place = (REST_OFFSETS_M[bone] * MIRROR + 0.0).tolist()
        node: dict[str, Any] = {"name": bone.unity_name, "translation": place}
        children = [BONES.index(child) for child in BONES if PARENTS[child] == bone]
        if children:
            node["children"] = children
        nodes.append(node)
    return nodes


def _describe_skin(writer: GlbWriter) -> dict[str, Any]:
    """Matrices are stored by columns, so that a translation is the last row."""
    matrices = np.tile(np.eye(4, dtype=np.float32), (len(BONES), 1, 1))
    matrices[:, 3, :3] = -JOINTS[list(BONES)]
    return {
        "inverseBindMatrices": writer.add_accessor(matrices),
        "joints": list(range(len(BONES))),
        "skeleton": BONES.index(Bone.HIPS),
    }


def _write_primitive(writer: GlbWriter, part: Part, material: int) -> dict[str, Any]:
    joints = np.array([BONES.index(bone) if bone in BONES else 0 for bone in Bone], np.uint8)[part.bones]
    weights = _in_steps(part.weights)
    joints[weights == 0] = 0
    index_type = np.uint16 if len(part.points) < np.iinfo(np.uint16).max else np.uint32
    return {
        "attributes": {
            "POSITION": writer.add_accessor(part.points.astype(np.float32), ARRAY_BUFFER, bounds=True),
            "NORMAL": writer.add_accessor(part.normals.astype(np.float32), ARRAY_BUFFER),
            "TEXCOORD_0": writer.add_accessor(locate(part.colours), ARRAY_BUFFER),
            "JOINTS_0": writer.add_accessor(joints, ARRAY_BUFFER),
            "WEIGHTS_0": writer.add_accessor(weights, ARRAY_BUFFER, normalized=True),
        },
        "indices": writer.add_accessor(part.triangles.astype(index_type).reshape(-1), ELEMENT_ARRAY_BUFFER),
        "material": material,
    }


def _in_steps(weights: np.ndarray[Any, np.dtype[np.float64]]) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Weights as bytes that sum to 255: the first, which is the largest, takes what rounding leaves."""
    steps = np.floor(weights * 255.0).astype(np.int64)
    steps[:, 0] += 255 - steps.sum(axis=1)
    return steps.astype(np.uint8)


def _write_face(writer: GlbWriter, face: _Face) -> dict[str, Any]:
    primitive = _write_primitive(writer, face.part, _UNLINED)
    primitive["targets"] = []
    for target in face.targets:
        rows = np.flatnonzero(np.abs(target).max(axis=1) > _STILL_M)
        primitive["targets"].append({"POSITION": writer.add_sparse(rows, target[rows], len(target))})
    return {
        "name": "Face",
        "primitives": [primitive],
        "weights": [0.0] * len(MORPHS),
        "extras": {"targetNames": [shape.arkit_name for shape in MORPHS]},
    }


def _write_material(writer: GlbWriter, look: Look) -> None:
    colours = choose_colours(look)
    document = writer.document
    document["images"] = [
        {"name": name, "mimeType": "image/png", "bufferView": writer.add_bytes(paint(cells))}
        for name, cells in (("Colours", colours), ("Shade", shade(colours)))
    ]
    document["samplers"] = [{"magFilter": _NEAREST, "minFilter": _NEAREST, "wrapS": _CLAMP, "wrapT": _CLAMP}]
    document["textures"] = [{"sampler": 0, "source": image} for image in range(len(document["images"]))]
    document["materials"] = [
        _describe_material("Lined", {"outlineWidthMode": "worldCoordinates", "outlineWidthFactor": 0.001}),
        _describe_material("Unlined", {"outlineWidthMode": "none"}),
    ]


def _describe_material(name: str, outline: dict[str, Any]) -> dict[str, Any]:
    """A cartoon's colours; plain ones for programs that know no MToon. The face has no line: its parts lie on skin."""
    toon = {
        "specVersion": "1.0",
        "shadeColorFactor": [1.0, 1.0, 1.0],
        "shadeMultiplyTexture": {"index": 1},
        "shadingShiftFactor": -0.05,
        "shadingToonyFactor": 0.55,
        "giEqualizationFactor": 0.9,
        "parametricRimColorFactor": [0.10, 0.10, 0.12],
        "parametricRimFresnelPowerFactor": 4.0,
        "rimLightingMixFactor": 1.0,
        "outlineColorFactor": [0.12, 0.08, 0.08],
        "outlineLightingMixFactor": 0.0,
        **outline,
    }
    plain = {"baseColorTexture": {"index": 0}, "metallicFactor": 0.0, "roughnessFactor": 0.85}
    return {"name": name, "pbrMetallicRoughness": plain, "extensions": {"VRMC_materials_mtoon": toon}}


def _describe_vrm() -> dict[str, Any]:
    eye = (REST_OFFSETS_M[Bone.LEFT_EYE] * (0.0, 1.0, 1.0)).tolist()
    turn = {"inputMaxValue": 90.0, "outputScale": 90.0}
    return {
        "specVersion": "1.0",
        "meta": {
            "name": "Mannequin",
            "version": "1",
            "authors": ["Holistic Stream"],
            "licenseUrl": "https://vrm.dev/licenses/1.0/",
            "otherLicenseUrl": "https://www.apache.org/licenses/LICENSE-2.0",
            "avatarPermission": "everyone",
            "allowExcessivelyViolentUsage": True,
            "allowExcessivelySexualUsage": False,
            "commercialUsage": "corporation",
            "allowPoliticalOrReligiousUsage": True,
            "allowAntisocialOrHateUsage": False,
            "creditNotation": "unnecessary",
            "allowRedistribution": True,
            "modification": "allowModificationRedistribution",
        },
        "humanoid": {"humanBones": {name_bone(bone): {"node": index} for index, bone in enumerate(BONES)}},
        "firstPerson": {
            "meshAnnotations": [{"node": BODY_NODE, "type": "auto"}, {"node": FACE_NODE, "type": "thirdPersonOnly"}]
        },
        "lookAt": {
            "offsetFromHeadBone": eye,
            "type": "bone",
            "rangeMapHorizontalInner": turn,
            "rangeMapHorizontalOuter": turn,
            "rangeMapVerticalDown": turn,
            "rangeMapVerticalUp": turn,
        },
        "expressions": describe_expressions(FACE_NODE),
    }
