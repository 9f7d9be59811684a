"""Receivers understand what is sent: OSC 1.0 as python-osc reads it, VMC as vmcp does."""

from dataclasses import replace

import numpy as np
import pytest
from vmcp import events
from vmcp.typing import Bone as VmcBone
from vmcp.typing import CalibrationState, ModelState, TrackingState

from consumers.avatar.face.expressions import SHAPE_COUNT, Blendshape
from consumers.avatar.humanoid.skeleton import BONE_COUNT, PARENTS, REST_OFFSETS_M, REST_POSE, Bone
from consumers.avatar.outputs.vmc.packets import PacketWriter
from consumers.avatar.smoothing.motion import AvatarState
from tests.consumers.avatar.receiver import read_events, read_messages, type_tags

TYPE_TAGS = {
    "/VMC/Ext/OK": ",iiii",
    "/VMC/Ext/T": ",f",
    "/VMC/Ext/Root/Pos": ",sfffffff",
    "/VMC/Ext/Bone/Pos": ",sfffffff",
    "/VMC/Ext/Blend/Val": ",sf",
    "/VMC/Ext/Blend/Apply": ",",
}


def random_state(seed: int = 0) -> AvatarState:
    """All 55 bones turned, all shapes open."""
    rng = np.random.default_rng(seed)
    rotations = rng.normal(size=(BONE_COUNT, 4))
    return AvatarState(
        rotations=rotations / np.linalg.norm(rotations, axis=1, keepdims=True),
        shapes=rng.uniform(size=SHAPE_COUNT),
        bones_known=np.ones(BONE_COUNT, dtype=bool),
        shapes_known=np.ones(SHAPE_COUNT, dtype=bool),
        tracked=True,
    )


def test_bones_bear_the_names_unity_gives_them() -> None:
    assert {bone.unity_name for bone in Bone} == {bone.value for bone in VmcBone}


def test_every_bone_hangs_on_another_and_has_a_place_of_its_own() -> None:
    roots = [bone for bone in Bone if PARENTS[bone] is None]
    assert roots == [Bone.HIPS]
    assert (np.linalg.norm(REST_OFFSETS_M, axis=1) > 0.005).all()


def test_a_whole_avatar_is_few_datagrams_that_fit_an_ethernet_frame() -> None:
    datagrams = PacketWriter().write(random_state(), 1.5)
    assert len(datagrams) <= 5
    assert max(len(datagram) for datagram in datagrams) <= 1472
    bones_alone = replace(random_state(), shapes_known=np.zeros(SHAPE_COUNT, dtype=bool))
    assert len(PacketWriter().write(bones_alone, 1.5)) == 4


def test_messages_have_the_addresses_and_types_of_the_specification() -> None:
    messages = read_messages(PacketWriter().write(random_state(), 1.5))
    assert [type_tags(message) for message in messages] == [TYPE_TAGS[message.address] for message in messages]
    addresses = [message.address for message in messages]
    assert addresses[:3] == ["/VMC/Ext/OK", "/VMC/Ext/T", "/VMC/Ext/Root/Pos"]
    assert addresses.count("/VMC/Ext/Bone/Pos") == 55
    assert addresses.count("/VMC/Ext/Blend/Val") == SHAPE_COUNT
    assert addresses[-1] == "/VMC/Ext/Blend/Apply"
    assert addresses.count("/VMC/Ext/Blend/Apply") == 1


def test_an_independent_receiver_reads_back_every_value() -> None:
    state = random_state(7)
    received = read_events(PacketWriter().write(state, 12.25))
    ok, elapsed, root = received[:3]
    assert (ok.model_state, ok.calibration_state, ok.tracking_state) == (
        ModelState.LOADED, CalibrationState.CALIBRATED, TrackingState.OK,
    )  # fmt: skip
    assert elapsed.delta == 12.25
    assert root.joint == "root"
    bones = [event for event in received if isinstance(event, events.BoneTransformEvent)]
    for bone, event in zip(Bone, bones, strict=True):
        assert event.joint.value == bone.unity_name
        rotation = (event.rotation.x, event.rotation.y, event.rotation.z, event.rotation.w)
        position = (event.position.x, event.position.y, event.position.z)
        np.testing.assert_allclose(rotation, state.rotations[bone], atol=1e-6)
        np.testing.assert_allclose(position, REST_OFFSETS_M[bone], atol=1e-6)
    shapes = {event.key: event.value for event in received if isinstance(event, events.BlendShapeEvent)}
    assert shapes == pytest.approx({shape.vrm0_name: state.shapes[shape] for shape in Blendshape})
    assert set(shapes) == {"A", "I", "U", "E", "O", "Blink_L", "Blink_R"}


def test_bones_never_seen_are_not_sent_and_come_in_as_soon_as_they_are() -> None:
    writer, known = PacketWriter(), np.zeros(BONE_COUNT, dtype=bool)
    known[[Bone.HIPS, Bone.HEAD]] = True
    state = replace(random_state(), bones_known=known, shapes_known=np.zeros(SHAPE_COUNT, dtype=bool))
    few = [message.params[0] for message in read_messages(writer.write(state, 0.0)) if "Bone" in message.address]
    assert few == ["Hips", "Head"]
    assert "/VMC/Ext/Blend/Apply" not in {message.address for message in read_messages(writer.write(state, 0.0))}
    known = known.copy()
    known[Bone.LEFT_HAND] = True
    more = [message.params[0] for message in read_messages(writer.write(replace(state, bones_known=known), 0.0))
            if "Bone" in message.address]  # fmt: skip
    assert more == ["Hips", "Head", "LeftHand"]


def test_a_lost_performer_is_said_to_be_lost() -> None:
    ok = read_events(PacketWriter().write(replace(random_state(), tracked=False), 0.0))[0]
    assert ok.tracking_state is TrackingState.BAD


def test_a_resting_avatar_has_its_arms_at_its_sides() -> None:
    state = replace(random_state(), rotations=REST_POSE)
    received = read_events(PacketWriter().write(state, 0.0))
    left = next(event for event in received if getattr(event, "joint", None) == VmcBone.LEFT_UPPER_ARM)
    assert left.rotation.z > 0.5
