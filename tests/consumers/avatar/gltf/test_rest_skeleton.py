"""A user's own model gives its bones' places, whichever VRM it is; a file that is none says so."""

import json
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from consumers.avatar.gltf.glb import GlbError
from consumers.avatar.gltf.rest_skeleton import NotAModel, read_rest_offsets
from consumers.avatar.humanoid.skeleton import PARENTS, REST_OFFSETS_M, Bone
from consumers.avatar.mannequin.model import write_mannequin

HIPS_TO_NECK = (Bone.HIPS, Bone.SPINE, Bone.CHEST, Bone.NECK, Bone.HEAD)
LIMBS = tuple(
    Bone[f"{side}_{part}"]
    for side in ("LEFT", "RIGHT")
    for part in ("UPPER_LEG", "LOWER_LEG", "FOOT", "UPPER_ARM", "LOWER_ARM", "HAND", "THUMB_PROXIMAL")
)
BONES = HIPS_TO_NECK + LIMBS
TALL = 1.5


def name(bone: Bone) -> str:
    return bone.unity_name[0].lower() + bone.unity_name[1:]


def nearest(bone: Bone) -> Bone | None:
    parent = PARENTS[bone]
    while parent is not None and parent not in BONES:
        parent = PARENTS[parent]
    return parent


def tall(bone: Bone) -> np.ndarray[Any, np.dtype[np.float64]]:
    """The built-in skeleton half as tall again, its bones as far from the ones above as all between them."""
    offset, parent = REST_OFFSETS_M[bone].copy(), PARENTS[bone]
    while parent is not None and parent not in BONES:
        offset, parent = offset + REST_OFFSETS_M[parent], PARENTS[parent]
    scaled: np.ndarray[Any, np.dtype[np.float64]] = TALL * offset
    return scaled


def write_model(path: Path, signs: tuple[float, float, float], extensions: Mapping[str, Any], **root: Any) -> Path:
    """A model whose nodes are BONES, with a node between each and the one above, under one root."""
    nodes: list[dict[str, Any]] = [{"name": bone.name, "children": []} for bone in BONES]
    tops: list[int] = []
    for index, bone in enumerate(BONES):
        offset = (tall(bone) * signs).tolist()
        nodes[index]["translation"] = [0.25 * value for value in offset]
        nodes.append({"translation": [0.75 * value for value in offset], "children": [index]})
        parent = nearest(bone)
        (tops if parent is None else nodes[BONES.index(parent)]["children"]).append(len(nodes) - 1)
    nodes.append({"children": tops, **root})
    text = json.dumps({"asset": {"version": "2.0"}, "nodes": nodes, "extensions": extensions}).encode()
    text += b" " * (-len(text) % 4)
    path.write_bytes(struct.pack("<4sIIII", b"glTF", 2, 20 + len(text), len(text), 0x4E4F534A) + text)
    return path


def vrm0(*left_out: Bone) -> dict[str, Any]:
    bones = [{"bone": name(bone), "node": BONES.index(bone)} for bone in BONES if bone not in left_out]
    return {"VRM": {"humanoid": {"humanBones": [*bones, {"bone": "jaw", "node": -1}]}}}


def vrm1(*left_out: Bone) -> dict[str, Any]:
    thumbs = {"leftThumbProximal": "leftThumbMetacarpal", "rightThumbProximal": "rightThumbMetacarpal"}
    bones = {thumbs.get(name(bone), name(bone)): {"node": BONES.index(bone)} for bone in BONES if bone not in left_out}
    return {"VRMC_vrm": {"specVersion": "1.0", "humanoid": {"humanBones": bones}}}


def test_the_built_in_avatar_has_the_built_in_skeleton(tmp_path: Path) -> None:
    write_mannequin(tmp_path / "mannequin.vrm")

    np.testing.assert_allclose(read_rest_offsets(tmp_path / "mannequin.vrm"), REST_OFFSETS_M, atol=1e-9)


@pytest.mark.parametrize(
    ("extensions", "signs"), [(vrm0(), (1.0, 1.0, -1.0)), (vrm1(), (-1.0, 1.0, 1.0))], ids=["VRM 0", "VRM 1"]
)
def test_a_model_gives_its_own_bones_and_the_built_in_ones_for_those_it_lacks(
    tmp_path: Path, extensions: dict[str, Any], signs: tuple[float, float, float]
) -> None:
    offsets = read_rest_offsets(write_model(tmp_path / "tall.vrm", signs, extensions))

    for bone in Bone:
        wanted = tall(bone) if bone in BONES else REST_OFFSETS_M[bone]
        np.testing.assert_allclose(offsets[bone], wanted, atol=1e-9, err_msg=bone.name)


def test_a_root_that_is_turned_moved_or_scaled_counts(tmp_path: Path) -> None:
    half = np.sqrt(0.5)
    # A quarter turn about y takes what lies at +z to +x: laid out for a model that faces +x, it faces +z again.
    root = {"rotation": [0.0, -half, 0.0, half], "scale": [2.0, 2.0, 2.0], "translation": [0.0, 0.5, 0.0]}
    path = write_model(tmp_path / "turned.vrm", (-1.0, 1.0, 1.0), vrm1())
    turned = write_model(tmp_path / "turned.vrm", (-1.0, 1.0, 1.0), vrm1(), **root)

    found = read_rest_offsets(turned)

    arm = 2.0 * tall(Bone.LEFT_LOWER_ARM)
    np.testing.assert_allclose(found[Bone.LEFT_LOWER_ARM], [0.0, 0.0, -arm[0]], atol=1e-9)
    np.testing.assert_allclose(found[Bone.HIPS], [0.0, 2.0 * tall(Bone.HIPS)[1] + 0.5, 0.0], atol=1e-9)
    assert path == turned


def test_a_root_by_matrix_is_the_same_as_by_its_parts(tmp_path: Path) -> None:
    matrix = [2.0, 0, 0, 0, 0, 2.0, 0, 0, 0, 0, 2.0, 0, 0, 0.5, 0, 1]
    parts = {"scale": [2.0, 2.0, 2.0], "translation": [0.0, 0.5, 0.0]}

    first = read_rest_offsets(write_model(tmp_path / "a.vrm", (-1.0, 1.0, 1.0), vrm1(), matrix=matrix))
    second = read_rest_offsets(write_model(tmp_path / "b.vrm", (-1.0, 1.0, 1.0), vrm1(), **parts))

    np.testing.assert_allclose(first, second, atol=1e-12)
    assert first[Bone.HIPS, 1] == pytest.approx(2.0 * tall(Bone.HIPS)[1] + 0.5)


def test_a_model_without_a_bone_that_all_have_is_named_with_it(tmp_path: Path) -> None:
    path = write_model(tmp_path / "armless.vrm", (1.0, 1.0, -1.0), vrm0(Bone.LEFT_HAND))

    with pytest.raises(NotAModel, match="LeftHand"):
        read_rest_offsets(path)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "not a GLB"),
        (b"PK\x03\x04 a zip file, say, that is long enough", "not a GLB"),
        (struct.pack("<4sIIII", b"glTF", 1, 24, 4, 0x4E4F534A) + b"{}  ", "version 1"),
        (struct.pack("<4sIIII", b"glTF", 2, 999, 4, 0x4E4F534A) + b"{}  ", "cut short"),
        (struct.pack("<4sIIII", b"glTF", 2, 24, 4, 0x4E4F534A) + b"{oh ", "JSON"),
        (struct.pack("<4sIIII", b"glTF", 2, 24, 4, 0x4E4F534A) + b"[]  ", "no glTF"),
        (struct.pack("<4sIIII", b"glTF", 2, 24, 4, 0x4E4F534A) + b"{}  ", "no VRM"),
    ],
)
def test_a_file_that_is_no_model_says_what_it_is_not(tmp_path: Path, content: bytes, says: str) -> None:
    path = tmp_path / "other.vrm"
    path.write_bytes(content)

    with pytest.raises(GlbError, match=says):
        read_rest_offsets(path)


@pytest.mark.parametrize(
    "extensions",
    [
        {"VRMC_vrm": {}},
        {"VRMC_vrm": {"humanoid": {"humanBones": {"hips": {"node": 900}}}}},
        {"VRMC_vrm": {"humanoid": {"humanBones": {"hips": {"node": "first"}}}}},
        {"VRM": {"humanoid": {"humanBones": {"hips": 1}}}},
    ],
)
def test_a_damaged_skeleton_is_told_as_one(tmp_path: Path, extensions: dict[str, Any]) -> None:
    path = write_model(tmp_path / "odd.vrm", (1.0, 1.0, 1.0), extensions)

    with pytest.raises(NotAModel, match="cannot be read"):
        read_rest_offsets(path)


def test_a_skeleton_that_is_its_own_parent_does_not_hang(tmp_path: Path) -> None:
    path = write_model(tmp_path / "ring.vrm", (1.0, 1.0, 1.0), vrm0(), name="root")
    content = path.read_bytes()
    document = json.loads(content[20:])
    document["nodes"][0]["children"] = [len(document["nodes"]) - 1]
    text = json.dumps(document).encode()
    text += b" " * (-len(text) % 4)
    path.write_bytes(struct.pack("<4sIIII", b"glTF", 2, 20 + len(text), len(text), 0x4E4F534A) + text)

    with pytest.raises(NotAModel, match="cannot be read"):
        read_rest_offsets(path)
