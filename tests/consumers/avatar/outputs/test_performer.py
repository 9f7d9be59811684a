"""A Performer gets devices where the body's parts are, what the eyes look at, and the face: by its specification."""

from dataclasses import replace

import numpy as np
import pytest

from consumers.avatar.humanoid.skeleton import BONE_COUNT, REST_OFFSETS_M, Bone
from consumers.avatar.states import AvatarStates
from tests.consumers.avatar.outputs.made_states import make_states, send_once
from tests.consumers.avatar.receiver import read_messages, type_tags

TYPE_TAGS = {
    "/VMC/Ext/Hmd/Pos": ",sfffffff",
    "/VMC/Ext/Con/Pos": ",sfffffff",
    "/VMC/Ext/Tra/Pos": ",sfffffff",
    "/VMC/Ext/Set/Eye": ",ifff",
    "/VMC/Ext/Cam": ",sffffffff",
    "/VMC/Ext/Blend/Val": ",sf",
    "/VMC/Ext/Blend/Apply": ",",
}
"""Of Marionette or Assistant → Performer, what an avatar says."""


def rest() -> AvatarStates:
    """A performer in T-pose where they stood first."""
    rotations = np.zeros((1, BONE_COUNT, 4))
    rotations[..., 3] = 1.0
    return replace(make_states(), rotations=rotations, root_m=np.zeros((1, 3)))


def turn(states: AvatarStates, bone: Bone, *quaternion: float) -> AvatarStates:
    rotations = states.rotations.copy()
    rotations[0, bone] = quaternion
    return replace(states, rotations=rotations)


def devices_of(states: AvatarStates, asked: str = "") -> dict[str, list[float]]:
    messages = read_messages(send_once(f"vmc-performer://HERE{asked}", states))
    return {m.params[0]: m.params[1:] for m in messages if m.address.endswith("/Pos")}


def test_messages_have_the_addresses_and_types_of_the_specification() -> None:
    messages = read_messages(send_once("vmc-performer://HERE?camera=0,1,2,180&names=vrm0,arkit", make_states()))
    assert all(type_tags(message) == TYPE_TAGS[message.address] for message in messages)
    assert {message.address for message in messages} == set(TYPE_TAGS)
    serials = [(message.address, message.params[0]) for message in messages if message.address.endswith("/Pos")]
    assert serials == [
        ("/VMC/Ext/Hmd/Pos", "Head"),
        ("/VMC/Ext/Con/Pos", "LeftHand"),
        ("/VMC/Ext/Con/Pos", "RightHand"),
        ("/VMC/Ext/Tra/Pos", "Hips"),
        ("/VMC/Ext/Tra/Pos", "LeftFoot"),
        ("/VMC/Ext/Tra/Pos", "RightFoot"),
    ]


def test_at_rest_devices_are_where_the_bones_of_a_t_pose_are() -> None:
    devices = devices_of(rest())
    assert devices["Head"] == pytest.approx([0.0, 0.95 + 0.08 + 0.12 + 0.12 + 0.15 + 0.09, 0.0, 0, 0, 0, 1], abs=1e-6)
    assert devices["LeftHand"][:3] == pytest.approx([-0.65, 1.38, 0.0], abs=1e-6)
    assert devices["RightFoot"][:3] == pytest.approx([0.09, 0.07, 0.0], abs=1e-6)


def test_a_lowered_arm_takes_its_hand_down_and_turns_it() -> None:
    down = np.sqrt(0.5)
    devices = devices_of(turn(rest(), Bone.LEFT_UPPER_ARM, 0.0, 0.0, down, down))
    assert devices["LeftHand"][:3] == pytest.approx([-0.15, 1.38 - 0.5, 0.0], abs=1e-6)
    assert devices["LeftHand"][3:] == pytest.approx([0.0, 0.0, down, down], abs=1e-6)
    assert devices["RightHand"][:3] == pytest.approx([0.65, 1.38, 0.0], abs=1e-6)


def test_a_step_moves_every_device_in_the_size_of_the_avatar() -> None:
    step = replace(rest(), root_m=np.array([[0.1, 0.0, -0.2]]))
    offsets_m = 2.0 * REST_OFFSETS_M
    messages = read_messages(send_once("vmc-performer://HERE?vrm=giant.vrm", step, rest_offsets_m=offsets_m))
    devices = {m.params[0]: m.params[1:4] for m in messages if m.address.endswith("/Pos")}
    assert devices["Hips"] == pytest.approx([0.2, 1.9, -0.4], abs=1e-6)
    assert devices["Head"] == pytest.approx([0.2, 3.02, -0.4], abs=1e-6)
    assert devices_of(step, "?parts=-root")["Hips"][:3] == pytest.approx([0.0, 0.95, 0.0], abs=1e-6)


def test_eyes_to_the_persons_left_look_at_a_point_on_that_side() -> None:
    turned = np.radians(-20.0) / 2
    states = rest()
    for eye in (Bone.LEFT_EYE, Bone.RIGHT_EYE):
        states = turn(states, eye, 0.0, np.sin(turned), 0.0, np.cos(turned))
    messages = read_messages(send_once("vmc-performer://HERE", states))
    (gaze,) = [message.params for message in messages if message.address == "/VMC/Ext/Set/Eye"]
    assert gaze == pytest.approx([1, -np.sin(np.radians(20.0)), 0.07, 0.08 + np.cos(np.radians(20.0))], abs=1e-6)


def test_devices_of_what_was_never_seen_are_left_out() -> None:
    known = np.zeros((1, BONE_COUNT), dtype=np.bool_)
    known[0, [Bone.HEAD, Bone.LEFT_HAND]] = True
    assert list(devices_of(replace(make_states(), bones_known=known))) == ["Head", "LeftHand"]
    assert list(devices_of(make_states(), "?parts=hands,face")) == ["LeftHand", "RightHand"]
