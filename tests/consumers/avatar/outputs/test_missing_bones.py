"""Models without some bones still point where the performer does."""

import numpy as np
import pytest

from consumers.avatar.humanoid.kinematics import place_bones
from consumers.avatar.humanoid.skeleton import REST_OFFSETS_M, Bone
from tests.consumers.avatar.outputs.made_states import make_states, send_once
from tests.consumers.avatar.receiver import read_messages

MISSING = "UpperChest,Chest,LeftShoulder,Jaw,LeftToes"


def test_bones_point_as_on_a_model_that_has_them_all() -> None:
    states = make_states()
    messages = read_messages(send_once(f"vmc://HERE?without={MISSING}", states))
    sent = {m.params[0]: m.params[1:] for m in messages if m.address == "/VMC/Ext/Bone/Pos"}
    assert {bone.unity_name for bone in Bone} - set(sent) == set(MISSING.split(","))
    assert all(any(values[:3]) for values in sent.values())
    rotations, offsets_m = np.zeros((1, len(Bone), 4)), np.zeros((len(Bone), 3))
    rotations[..., 3] = 1.0
    for bone in Bone:
        if bone.unity_name in sent:
            offsets_m[bone], rotations[0, bone] = sent[bone.unity_name][:3], sent[bone.unity_name][3:]
    _, turns = place_bones(rotations, np.zeros((1, 3)), offsets_m)
    _, whole = place_bones(states.rotations, np.zeros((1, 3)))
    there = [bone for bone in Bone if bone.unity_name in sent]
    np.testing.assert_allclose(turns[0, there], whole[0, there], atol=1e-5)


def test_at_rest_the_bones_are_where_they_are_on_a_whole_model() -> None:
    messages = read_messages(send_once("vmc://HERE?without=UpperChest", make_states()))
    places = {m.params[0]: m.params[1:4] for m in messages if m.address == "/VMC/Ext/Bone/Pos"}
    both_m = REST_OFFSETS_M[Bone.UPPER_CHEST] + REST_OFFSETS_M[Bone.NECK]
    assert places["Neck"] == pytest.approx(list(both_m), abs=1e-6)


def test_a_bone_of_a_part_that_others_drive_gives_nothing_away() -> None:
    states = make_states()
    messages = read_messages(send_once("vmc://HERE?without=UpperChest&parts=arms", states))
    sent = {m.params[0]: m.params[4:] for m in messages if m.address == "/VMC/Ext/Bone/Pos"}
    assert sent["LeftShoulder"] == pytest.approx(list(states.rotations[0, Bone.LEFT_SHOULDER]), abs=1e-6)


def test_devices_are_where_the_bones_are_that_the_model_has() -> None:
    states = make_states()
    offsets_m = REST_OFFSETS_M.copy()
    offsets_m[Bone.NECK] += offsets_m[Bone.UPPER_CHEST]
    messages = read_messages(
        send_once("vmc-performer://HERE?without=UpperChest&vrm=any.vrm", states, rest_offsets_m=offsets_m)
    )
    (head,) = [m.params[1:] for m in messages if m.address == "/VMC/Ext/Hmd/Pos"]
    places_m, turns = place_bones(states.rotations, states.root_m)
    assert head[3:] == pytest.approx(list(turns[0, Bone.HEAD]), abs=1e-5)
    chest_m, neck_m = places_m[0, Bone.CHEST], np.array(head[:3]) - (places_m[0, Bone.HEAD] - places_m[0, Bone.NECK])
    assert np.linalg.norm(neck_m - chest_m) == pytest.approx(np.linalg.norm(offsets_m[Bone.NECK]), abs=1e-5)
