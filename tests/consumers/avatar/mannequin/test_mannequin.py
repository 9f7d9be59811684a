"""The built-in avatar is a sound VRM 1.0 model whose bones and face move what they are named for."""

import io
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from consumers.avatar.face.arkit import Blendshape
from consumers.avatar.humanoid.skeleton import PARENTS, REST_OFFSETS_M, Bone
from consumers.avatar.mannequin.colours import look_of
from consumers.avatar.mannequin.expressions import MORPHS
from consumers.avatar.mannequin.model import build_mannequin
from tests.consumers.avatar.files.opened import Gltf

REPOSITORY = Path(__file__).parents[4]
PRESETS = {
    "happy", "angry", "sad", "relaxed", "surprised", "aa", "ih", "ou", "ee", "oh", "blink", "blinkLeft", "blinkRight",
    "lookUp", "lookDown", "lookLeft", "lookRight", "neutral",
}  # fmt: skip


@pytest.fixture(scope="module")
def model() -> Gltf:
    return Gltf(build_mannequin())


def attribute(model: Gltf, mesh: str, name: str) -> NDArray[np.float64]:
    node = model.document["nodes"][model.node(mesh)]
    [primitive] = model.document["meshes"][node["mesh"]]["primitives"]
    return model.numbers(primitive["attributes"][name]).astype(np.float64)


def morph(model: Gltf, shape: Blendshape) -> NDArray[np.float64]:
    mesh = model.document["meshes"][model.document["nodes"][model.node("Face")]["mesh"]]
    index = mesh["extras"]["targetNames"].index(shape.arkit_name)
    return model.numbers(mesh["primitives"][0]["targets"][index]["POSITION"]).astype(np.float64)


def test_another_process_makes_the_same_bytes_and_they_are_few() -> None:
    program = (
        "import sys; from consumers.avatar.mannequin.model import build_mannequin as b; sys.stdout.buffer.write(b())"
    )
    other = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, cwd=REPOSITORY).stdout

    assert len(other) < 2_000_000
    assert other == build_mannequin()


def test_performers_look_different_and_each_always_the_same() -> None:
    assert look_of("ada") == look_of("ada")
    assert len({look_of(f"performer-{number}").hue for number in range(100)}) > 90
    assert build_mannequin(look_of("ada")) != build_mannequin(look_of("bob"))


def test_every_bone_but_the_jaw_stands_where_the_built_in_skeleton_has_it(model: Gltf) -> None:
    document = model.document
    bones = document["extensions"]["VRMC_vrm"]["humanoid"]["humanBones"]
    assert len(bones) == 54
    for bone in Bone:
        if bone == Bone.JAW:
            continue
        index, parent = model.node(bone.unity_name), PARENTS[bone]
        assert index in {each["node"] for each in bones.values()}
        node = document["nodes"][index]
        np.testing.assert_allclose(node["translation"], REST_OFFSETS_M[bone] * (-1.0, 1.0, 1.0), atol=1e-12)
        assert "rotation" not in node
        if parent is not None:
            assert index in document["nodes"][model.node(parent.unity_name)]["children"]


def test_the_meta_says_what_vrm_demands(model: Gltf) -> None:
    vrm = model.document["extensions"]["VRMC_vrm"]
    assert vrm["specVersion"] == "1.0"
    assert vrm["meta"]["licenseUrl"] == "https://vrm.dev/licenses/1.0/"
    assert vrm["meta"]["name"]
    assert vrm["meta"]["authors"]
    assert set(model.document["extensionsUsed"]) == {"VRMC_vrm", "VRMC_materials_mtoon"}


@pytest.mark.parametrize("mesh", ["Body", "Face"])
def test_meshes_are_sound(model: Gltf, mesh: str) -> None:
    positions = attribute(model, mesh, "POSITION")
    normals, weights = attribute(model, mesh, "NORMAL"), attribute(model, mesh, "WEIGHTS_0")
    node = model.document["nodes"][model.node(mesh)]
    [primitive] = model.document["meshes"][node["mesh"]]["primitives"]
    triangles = model.numbers(primitive["indices"]).reshape(-1, 3).astype(int)

    assert np.isfinite(positions).all()
    np.testing.assert_allclose(np.linalg.norm(normals, axis=1), 1.0, atol=1e-4)
    assert (weights.sum(axis=1) == 255).all()
    assert triangles.max() == len(positions) - 1
    facing = np.cross(
        positions[triangles[:, 1]] - positions[triangles[:, 0]], positions[triangles[:, 2]] - positions[triangles[:, 0]]
    )
    area = np.linalg.norm(facing, axis=1)
    outward = (facing * normals[triangles[:, 0]]).sum(axis=1)
    assert area[outward < 0.0].sum() < 0.03 * area.sum()


def test_a_skin_at_rest_leaves_every_point_in_place(model: Gltf) -> None:
    [skin] = model.document["skins"]
    matrices = model.numbers(skin["inverseBindMatrices"]).reshape(-1, 4, 4).transpose(0, 2, 1)

    def world(index: int) -> NDArray[np.float64]:
        place = np.array(model.document["nodes"][index]["translation"])
        above = [i for i, node in enumerate(model.document["nodes"]) if index in node.get("children", ())]
        return place if not above else place + world(above[0])

    for index, matrix in zip(skin["joints"], matrices, strict=True):
        np.testing.assert_allclose(matrix[:3, 3], -world(index), atol=1e-6)
        np.testing.assert_array_equal(matrix[:3, :3], np.eye(3))


def test_limbs_are_carried_by_the_bones_of_their_own_side(model: Gltf) -> None:
    positions, joints = attribute(model, "Body", "POSITION"), attribute(model, "Body", "JOINTS_0").astype(int)
    names = [model.document["nodes"][index]["name"] for index in model.document["skins"][0]["joints"]]
    leading = np.array(names)[joints[:, 0]]
    for bone in Bone:
        if bone == Bone.JAW:
            continue
        carried = positions[leading == bone.unity_name]
        if "Left" in bone.unity_name:
            assert len(carried), bone
            assert (carried[:, 0] > -0.001).all(), bone
        if "Right" in bone.unity_name:
            assert (carried[:, 0] < 0.001).all(), bone
    tip = positions[:, 0].argmax()
    assert leading[tip] == "LeftMiddleDistal"


def test_the_model_stands_on_the_ground_and_has_a_persons_size(model: Gltf) -> None:
    points = np.concatenate((attribute(model, "Body", "POSITION"), attribute(model, "Face", "POSITION")))
    low, high = points.min(axis=0), points.max(axis=0)
    assert low[1] == pytest.approx(0.0, abs=0.005)
    assert 1.6 < high[1] < 1.85
    assert high[0] == pytest.approx(-low[0], abs=0.002)


def test_every_shape_but_the_sideways_looks_moves_the_face(model: Gltf) -> None:
    mesh = model.document["meshes"][model.document["nodes"][model.node("Face")]["mesh"]]
    named = mesh["extras"]["targetNames"]
    sideways = {f"eyeLook{way}{side}" for way in ("In", "Out") for side in ("Left", "Right")}
    assert set(named) == {shape.arkit_name for shape in Blendshape} - sideways
    for name in named:
        [shape] = [each for each in Blendshape if each.arkit_name == name]
        assert 0.0005 < np.abs(morph(model, shape)).max() < 0.06, name


@pytest.mark.parametrize(
    "left", [shape for shape in MORPHS if shape.name.endswith("_LEFT") and shape.name.count("_") > 1]
)
def test_what_is_the_left_ones_moves_the_left_most(model: Gltf, left: Blendshape) -> None:
    positions = attribute(model, "Face", "POSITION")
    moved = np.linalg.norm(morph(model, left), axis=1)
    mirrored = np.linalg.norm(morph(model, Blendshape[left.name.replace("_LEFT", "_RIGHT")]), axis=1)

    assert positions[moved.argmax(), 0] > 0.0
    assert positions[mirrored.argmax(), 0] < 0.0
    assert moved.max() == pytest.approx(mirrored.max(), rel=0.05)


@pytest.mark.parametrize(
    ("shape", "axis", "sign"),
    [
        (Blendshape.JAW_OPEN, 1, -1.0),
        (Blendshape.EYE_BLINK_LEFT, 1, -1.0),
        (Blendshape.EYE_WIDE_RIGHT, 1, 1.0),
        (Blendshape.BROW_INNER_UP, 1, 1.0),
        (Blendshape.BROW_DOWN_LEFT, 1, -1.0),
        (Blendshape.MOUTH_SMILE_LEFT, 1, 1.0),
        (Blendshape.MOUTH_FROWN_RIGHT, 1, -1.0),
        (Blendshape.MOUTH_LEFT, 0, 1.0),
        (Blendshape.JAW_RIGHT, 0, -1.0),
        (Blendshape.JAW_FORWARD, 2, 1.0),
    ],
)
def test_a_shape_moves_the_face_the_way_its_name_says(model: Gltf, shape: Blendshape, axis: int, sign: float) -> None:
    moved = morph(model, shape)
    furthest = np.linalg.norm(moved, axis=1).argmax()
    assert sign * moved[furthest, axis] > 0.003


def test_expressions_bind_what_is_there(model: Gltf) -> None:
    expressions = model.document["extensions"]["VRMC_vrm"]["expressions"]
    face = model.node("Face")
    targets = len(model.document["meshes"][model.document["nodes"][face]["mesh"]]["extras"]["targetNames"])
    assert set(expressions["preset"]) == PRESETS
    assert set(expressions["custom"]) >= {"jawOpen", "mouthSmileLeft", "browInnerUp", "eyeBlinkRight"}
    for name, expression in [*expressions["preset"].items(), *expressions["custom"].items()]:
        binds = expression.get("morphTargetBinds", [])
        assert all(bind["node"] == face and 0 <= bind["index"] < targets for bind in binds)
        assert all(0.0 < bind["weight"] <= 1.0 for bind in binds)
        assert binds or name.startswith("look") or name == "neutral"


def test_its_colours_are_pictures_that_open(model: Gltf) -> None:
    document = model.document
    for image in document["images"]:
        content = model.bytes_of(document["bufferViews"][image["bufferView"]])
        with Image.open(io.BytesIO(content)) as opened:
            assert opened.size == (128, 4)
            assert len(set(opened.convert("RGB").tobytes())) > 20
