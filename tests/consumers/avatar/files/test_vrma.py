"""A VRM animation is what the specification VRMC_vrm_animation-1.0 says, and shows the performer's own pose."""

from io import BytesIO

import numpy as np
import pytest

from consumers.avatar.face.arkit import Blendshape
from consumers.avatar.face.vrm import Vrm1Expression, to_vrm1
from consumers.avatar.files.vrma import VrmaFile
from consumers.avatar.humanoid.skeleton import Bone
from consumers.avatar.states import AvatarStates
from tests.consumers.avatar.files.opened import Gltf, move, place

EYES = frozenset({"LeftEye", "RightEye"})
REQUIRED = {"hips", "spine", "head"} | {
    f"{side}{bone}"
    for side in ("left", "right")
    for bone in ("UpperArm", "LowerArm", "Hand", "UpperLeg", "LowerLeg", "Foot")
}


def write(states: AvatarStates, *, perfect_sync: bool = False) -> Gltf:
    buffer = BytesIO()
    file = VrmaFile(buffer, "ada", 30.0, perfect_sync=perfect_sync)
    file.add(states)
    file.finish()
    return Gltf(buffer.getvalue())


def test_every_joint_is_where_it_was_in_any_pose() -> None:
    states = move(8)

    opened = write(states)

    for row in range(8):
        found, wanted = opened.place(row, unmoved=EYES), place(states, row)
        for name in wanted:
            np.testing.assert_allclose(found[name], wanted[name], atol=1e-5)


def test_bones_are_mapped_by_their_names_in_vrm_1_and_eyes_are_none_of_them() -> None:
    document = write(move(2)).document

    extension = document["extensions"]["VRMC_vrm_animation"]
    bones = {
        name: document["nodes"][bone["node"]]["name"] for name, bone in extension["humanoid"]["humanBones"].items()
    }
    assert document["extensionsUsed"] == ["VRMC_vrm_animation"]
    assert extension["specVersion"] == "1.0"
    assert bones.keys() >= REQUIRED
    assert not bones.keys() & {"leftEye", "rightEye", "jaw"}
    assert len(bones) == 52
    assert bones["leftThumbMetacarpal"] == "LeftThumbProximal"
    assert bones["leftThumbProximal"] == "LeftThumbIntermediate"
    assert bones["rightIndexProximal"] == "RightIndexProximal"


def test_only_the_hips_are_moved_and_nothing_is_scaled() -> None:
    opened = write(move(2))

    extension = opened.document["extensions"]["VRMC_vrm_animation"]
    bones = {bone["node"]: name for name, bone in extension["humanoid"]["humanBones"].items()}
    [animation] = opened.document["animations"]
    paths = {
        (bones[channel["target"]["node"]], channel["target"]["path"])
        for channel in animation["channels"]
        if channel["target"]["node"] in bones
    }
    assert {path for _, path in paths} == {"rotation", "translation"}
    assert [name for name, path in paths if path == "translation"] == ["hips"]


def test_expressions_are_the_weights_of_the_face() -> None:
    states = move(5)

    opened = write(states)

    expressions = opened.document["extensions"]["VRMC_vrm_animation"]["expressions"]
    wanted = to_vrm1(states.shapes)
    assert "custom" not in expressions
    assert not expressions["preset"].keys() & {"lookUp", "lookDown", "lookLeft", "lookRight", "blink", "neutral"}
    for each in (Vrm1Expression.AA, Vrm1Expression.HAPPY, Vrm1Expression.BLINK_LEFT):
        _, places = opened.track(expressions["preset"][each.wire_name]["node"], "translation")
        np.testing.assert_allclose(places[:, 0], wanted[:, each], atol=1e-6)
        assert not places[:, 1:].any()


def test_perfect_sync_writes_each_shape_under_its_own_name_and_no_preset() -> None:
    states = move(5)

    opened = write(states, perfect_sync=True)

    expressions = opened.document["extensions"]["VRMC_vrm_animation"]["expressions"]
    assert "preset" not in expressions
    for shape in Blendshape:
        _, places = opened.track(expressions["custom"][shape.arkit_name]["node"], "translation")
        np.testing.assert_allclose(places[:, 0], states.shapes[:, shape], atol=1e-6)


@pytest.mark.parametrize(("about", "degrees"), [("y", 20.0), ("x", -15.0)])
def test_a_gaze_to_the_left_or_up_is_one(about: str, degrees: float) -> None:
    states = move(1)
    half = np.radians(degrees) / 2
    # In Unity's space left is at −x, so that the same turn about y has the other sign there.
    unity = (np.sin(half), 0.0, 0.0) if about == "x" else (0.0, np.sin(-half), 0.0)
    states.rotations[0, [Bone.LEFT_EYE, Bone.RIGHT_EYE]] = (*unity, np.cos(half))

    opened = write(states)

    look_at = opened.document["extensions"]["VRMC_vrm_animation"]["lookAt"]
    _, [rotation] = opened.track(look_at["node"], "rotation")
    x, y, z, w = rotation.tolist()
    forward = (2 * (x * z + w * y), 2 * (y * z - w * x), 1 - 2 * (x * x + y * y))
    looks = (np.sin(2 * half), 0.0, np.cos(half * 2)) if about == "y" else (0.0, -np.sin(2 * half), np.cos(2 * half))
    np.testing.assert_allclose(forward, looks, atol=1e-6)
    assert look_at["offsetFromHeadBone"] == pytest.approx([0.0, 0.07, 0.08])
