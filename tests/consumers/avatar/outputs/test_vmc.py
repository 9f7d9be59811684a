"""What receivers of VMC get: every message as the specification has it, and every value as it was shown."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pythonosc.osc_bundle import OscBundle
from pythonosc.osc_bundle_builder import IMMEDIATELY, OscBundleBuilder
from pythonosc.osc_message_builder import OscMessageBuilder
from vmcp import events
from vmcp.typing import Bone as VmcBone
from vmcp.typing import CalibrationMode, CalibrationState, ModelState, TrackingState

from consumers.avatar.face.arkit import SHAPE_COUNT, Blendshape
from consumers.avatar.face.vrm import Vrm0Expression, Vrm1Expression, to_vrm0, to_vrm1
from consumers.avatar.humanoid.skeleton import BONE_COUNT, PARENTS, REST_OFFSETS_M, REST_POSE, Bone
from consumers.avatar.outputs.target import make_outputs, parse_targets
from consumers.avatar.outputs.vmc.parts import BONES_OF_PART
from consumers.avatar.outputs.vmc.profiles import PROFILES
from consumers.avatar.states import AvatarStates
from tests.consumers.avatar.outputs.made_states import make_states, open_target, send_once, show_row
from tests.consumers.avatar.receiver import open_receiver, read_events, read_messages, type_tags

TYPE_TAGS = {
    "/VMC/Ext/OK": (",i", ",iii", ",iiii"),
    "/VMC/Ext/T": (",f",),
    "/VMC/Ext/Root/Pos": (",sfffffff", ",sfffffffffffff"),
    "/VMC/Ext/Cam": (",sffffffff",),
    "/VMC/Ext/Bone/Pos": (",sfffffff",),
    "/VMC/Ext/Blend/Val": (",sf",),
    "/VMC/Ext/Blend/Apply": (",",),
}
"""Performer → Marionette, by the tables of protocol.vmc.info."""

VRM0_TO_VRM1 = {
    "Joy": "happy", "Angry": "angry", "Sorrow": "sad", "Fun": "relaxed", "A": "aa", "I": "ih", "U": "ou", "E": "ee",
    "O": "oh", "Blink_L": "blinkLeft", "Blink_R": "blinkRight",
}  # fmt: skip
"""The specification's own table of names."""


def bones_of(datagrams: list[bytes]) -> dict[str, tuple[float, ...]]:
    messages = read_messages(datagrams)
    return {m.params[0]: tuple(m.params[1:]) for m in messages if m.address == "/VMC/Ext/Bone/Pos"}


def shapes_of(datagrams: list[bytes]) -> dict[str, float]:
    return {m.params[0]: m.params[1] for m in read_messages(datagrams) if m.address == "/VMC/Ext/Blend/Val"}


def test_bones_bear_the_names_unity_gives_them() -> None:
    assert {bone.unity_name for bone in Bone} == {bone.value for bone in VmcBone}


def test_every_bone_hangs_on_another_and_has_a_place_of_its_own() -> None:
    roots = [bone for bone in Bone if PARENTS[bone] is None]
    assert roots == [Bone.HIPS]
    assert (np.linalg.norm(REST_OFFSETS_M, axis=1) > 0.005).all()


def test_a_whole_avatar_is_few_datagrams_that_fit_an_ethernet_frame() -> None:
    datagrams = send_once("vmc://HERE?names=vrm0,arkit", make_states())
    assert len(datagrams) <= 7
    assert max(len(datagram) for datagram in datagrams) <= 1472
    assert len(send_once("vmc://HERE?parts=-face", make_states())) == 4


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("other", ["", "&ok=1", "&ok=3&scale=1.2", "&camera=0,1.4,1.5,180", "&gaze=expressions"])
def test_messages_have_the_addresses_and_types_of_the_specification(profile: str, other: str) -> None:
    messages = read_messages(send_once(f"vmc://HERE?profile={profile}{other}", make_states()))
    assert all(type_tags(message) in TYPE_TAGS[message.address] for message in messages)
    addresses = [message.address for message in messages]
    assert addresses[:3] == ["/VMC/Ext/OK", "/VMC/Ext/T", "/VMC/Ext/Root/Pos"]
    assert addresses.count("/VMC/Ext/Bone/Pos") == (53 if "gaze" in other else 55)
    assert addresses[-1] == "/VMC/Ext/Blend/Apply"
    assert addresses.count("/VMC/Ext/Blend/Apply") == 1
    assert len(
        {tuple(message.params[:1]) for message in messages if "Blend/Val" in message.address}
    ) == addresses.count("/VMC/Ext/Blend/Val")


def test_bundles_put_together_again_by_others_are_the_same_bytes() -> None:
    for datagram in send_once("vmc://HERE?names=vrm0,arkit&scale=1.5&camera=0,1,2,180", make_states()):
        builder = OscBundleBuilder(IMMEDIATELY)
        for message in OscBundle(datagram):
            again = OscMessageBuilder(message.address)
            for tag, argument in zip(type_tags(message)[1:], message.params, strict=True):
                again.add_arg(argument, tag)
            builder.add_content(again.build())
        assert builder.build().dgram == datagram


def test_an_independent_receiver_reads_back_every_value() -> None:
    states = make_states(seed=7)
    received = read_events(send_once("vmc://HERE", states))
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
        moved = states.root_m[0] if bone is Bone.HIPS else 0.0
        np.testing.assert_allclose(rotation, states.rotations[0, bone], atol=1e-6)
        np.testing.assert_allclose(position, REST_OFFSETS_M[bone] + moved, atol=1e-6)
    assert isinstance(received[-1], events.BlendShapeApplyEvent)


def test_expressions_come_under_the_names_that_were_asked_for() -> None:
    states = make_states(seed=3)
    vrm0, vrm1 = to_vrm0(states.shapes)[0], to_vrm1(states.shapes)[0]
    sent = shapes_of(send_once("vmc://HERE", states))
    assert sent == pytest.approx({e.wire_name: vrm0[e] for e in Vrm0Expression if e.wire_name in sent}, abs=1e-6)
    assert set(sent) == set(VRM0_TO_VRM1)
    sent = shapes_of(send_once("vmc://HERE?profile=vrm1", states))
    assert sent == pytest.approx({e.wire_name: vrm1[e] for e in Vrm1Expression if e.wire_name in sent}, abs=1e-6)
    assert set(sent) == {*VRM0_TO_VRM1.values(), "surprised"}
    for profile, names in (
        ("perfect-sync", [shape.arkit_name for shape in Blendshape]),
        ("perfect-sync-pascal", [shape.pascal_name for shape in Blendshape]),
    ):
        sent = shapes_of(send_once(f"vmc://HERE?profile={profile}", states))
        assert sent == pytest.approx(dict(zip(names, states.shapes[0], strict=True)), abs=1e-6)


def test_the_gaze_is_in_the_eyes_or_in_expressions_but_not_in_both() -> None:
    by_bones = send_once("vmc://HERE", make_states())
    assert {"LeftEye", "RightEye"} <= set(bones_of(by_bones))
    assert "LookUp" not in shapes_of(by_bones)
    by_expressions = send_once("vmc://HERE?gaze=expressions", make_states())
    assert not {"LeftEye", "RightEye"} & set(bones_of(by_expressions))
    assert {"LookUp", "LookDown", "LookLeft", "LookRight"} <= set(shapes_of(by_expressions))


def test_bones_never_seen_are_not_sent_and_come_in_as_soon_as_they_are() -> None:
    known = np.zeros((1, BONE_COUNT), dtype=np.bool_)
    known[0, [Bone.HIPS, Bone.HEAD]] = True
    few = replace(make_states(), bones_known=known, shapes_known=np.zeros((1, SHAPE_COUNT), dtype=np.bool_))
    more_known = known.copy()
    more_known[0, Bone.LEFT_HAND] = True
    with open_target("vmc://HERE") as send:
        datagrams = send(few)
        assert list(bones_of(datagrams)) == ["Hips", "Head"]
        assert not any("Blend" in message.address for message in read_messages(datagrams))
        assert list(bones_of(send(replace(few, bones_known=more_known)))) == ["Hips", "Head", "LeftHand"]


def test_a_receiver_that_needs_every_bone_gets_unseen_ones_at_rest() -> None:
    known = np.zeros((1, BONE_COUNT), dtype=np.bool_)
    known[0, Bone.HEAD] = True
    states = replace(make_states(), rotations=REST_POSE[None], bones_known=known)
    sent = bones_of(send_once("vmc://HERE?unknown=rest", states))
    assert len(sent) == BONE_COUNT
    assert sent["LeftUpperArm"][5] > 0.5


def test_a_lost_performer_is_said_to_be_lost_and_sent_all_the_same() -> None:
    states = make_states()
    lost = replace(states, tracked=np.zeros(1, dtype=np.bool_))
    assert read_events(send_once("vmc://HERE", lost))[0].tracking_state is TrackingState.BAD
    assert len(bones_of(send_once("vmc://HERE", lost))) == BONE_COUNT


@pytest.mark.parametrize(("parts", "bones"), [(part, bones) for part, bones in BONES_OF_PART.items()])
def test_a_part_is_its_own_bones_and_nothing_of_the_others(parts: str, bones: frozenset[Bone]) -> None:
    datagrams = send_once(f"vmc://HERE?parts={parts}", make_states())
    addresses = [message.address for message in read_messages(datagrams)]
    assert set(bones_of(datagrams)) == {bone.unity_name for bone in bones}
    assert addresses[:2] == ["/VMC/Ext/OK", "/VMC/Ext/T"]
    assert ("/VMC/Ext/Root/Pos" in addresses) == (parts == "root")
    assert bool(shapes_of(datagrams)) == (parts == "face")


def test_every_bone_belongs_to_one_part() -> None:
    assert sorted(bone for bones in BONES_OF_PART.values() for bone in bones) == list(Bone)


def test_bones_have_the_places_of_the_users_model_and_hips_move_by_its_size() -> None:
    states, offsets_m = make_states(), 1.5 * REST_OFFSETS_M + 0.001
    sent = bones_of(send_once("vmc://HERE?vrm=tall.vrm", states, rest_offsets_m=offsets_m))
    assert sent["Head"][:3] == pytest.approx(tuple(offsets_m[Bone.HEAD]), abs=1e-6)
    metres = offsets_m[Bone.HIPS, 1] / REST_OFFSETS_M[Bone.HIPS, 1]
    assert sent["Hips"][:3] == pytest.approx(tuple(offsets_m[Bone.HIPS] + metres * states.root_m[0]), abs=1e-6)
    for asked in ("parts=-root", "hips=no"):
        sent = bones_of(send_once(f"vmc://HERE?vrm=tall.vrm&{asked}", states, rest_offsets_m=offsets_m))
        assert sent["Hips"][:3] == pytest.approx(tuple(offsets_m[Bone.HIPS]), abs=1e-6)


def test_a_bone_the_model_does_not_have_is_never_sent_without_a_place() -> None:
    offsets_m = REST_OFFSETS_M.copy()
    offsets_m[Bone.JAW] = 0.0
    sent = bones_of(send_once("vmc://HERE?vrm=jawless.vrm", make_states(), rest_offsets_m=offsets_m))
    assert sent["Jaw"][:3] == pytest.approx(tuple(REST_OFFSETS_M[Bone.JAW]), abs=1e-6)


@pytest.mark.parametrize("offsets_m", [np.zeros((54, 3)), np.full((55, 3), np.nan)])
def test_places_that_are_none_are_refused(offsets_m: np.ndarray[tuple[int, int], np.dtype[np.float64]]) -> None:
    with pytest.raises(ValueError, match="rest offsets"):
        send_once("vmc://HERE?vrm=bad.vrm", make_states(), rest_offsets_m=offsets_m)


def test_a_receiver_without_bundles_gets_each_message_alone() -> None:
    bundled = read_messages(send_once("vmc://HERE?names=arkit", make_states()))
    alone = send_once("vmc://HERE?names=arkit&bundles=no", make_states())
    assert alone == [message.dgram for message in bundled]


def test_a_scaled_root_comes_with_the_mode_that_makes_receivers_take_it() -> None:
    ok, _, root = read_events(send_once("vmc://HERE?scale=1.25", make_states()))[:3]
    assert ok.calibration_mode is CalibrationMode.MR_HAND
    assert (root.scale.width, root.scale.height, root.scale.length) == (1.25, 1.25, 1.25)
    assert read_events(send_once("vmc://HERE", make_states()))[0].calibration_mode is CalibrationMode.NORMAL


def test_a_camera_looks_back_at_the_avatars_face() -> None:
    messages = read_messages(send_once("vmc://HERE?camera=0,1.4,1.5,180,0,25", make_states()))
    (camera,) = [message.params for message in messages if message.address == "/VMC/Ext/Cam"]
    assert camera == pytest.approx(["Camera", 0.0, 1.4, 1.5, 0.0, 1.0, 0.0, 0.0, 25.0], abs=1e-6)


def test_each_row_is_another_performer() -> None:
    states = make_states(3)
    with open_target("vmc://HERE?profile=perfect-sync") as send:
        for row in (2, 0, 1):
            datagrams = send(states, row)
            assert bones_of(datagrams)["Head"][3:] == pytest.approx(tuple(states.rotations[row, Bone.HEAD]), abs=1e-6)
            assert shapes_of(datagrams)["jawOpen"] == pytest.approx(states.shapes[row, Blendshape.JAW_OPEN], abs=1e-6)


def test_a_new_state_is_sent_even_where_an_old_one_lay_in_memory() -> None:
    with open_target("vmc://HERE") as send:
        for seed in range(20):
            states = make_states(seed=seed)
            assert bones_of(send(states))["Hips"][3:] == pytest.approx(tuple(states.rotations[0, Bone.HIPS]), abs=1e-6)


@st.composite
def any_states(draw: st.DrawFn) -> AvatarStates:
    states = make_states(seed=draw(st.integers(0, 2**16)))
    flags = st.lists(st.booleans(), min_size=BONE_COUNT, max_size=BONE_COUNT)
    return replace(
        states,
        bones_known=np.array([draw(flags)]),
        shapes_known=np.array([draw(flags)[:SHAPE_COUNT]]),
        shapes=np.clip(states.shapes * draw(st.floats(-1.0, 3.0)), 0.0, 1.0),
        tracked=np.array([draw(st.booleans())]),
    )


@settings(deadline=None, max_examples=60)
@given(states=any_states(), profile=st.sampled_from(list(PROFILES)), bundles=st.sampled_from(["yes", "no"]))
def test_whatever_is_known_arrives_whole_small_and_with_a_place(
    states: AvatarStates, profile: str, bundles: str
) -> None:
    datagrams = send_once(f"vmc://HERE?profile={profile}&bundles={bundles}", states)
    assert max(map(len, datagrams)) <= 1472
    if bundles == "no":
        return
    sent = bones_of(datagrams)
    assert set(sent) == {bone.unity_name for bone in Bone if states.bones_known[0, bone]}
    for bone in Bone:
        if bone.unity_name in sent:
            assert sent[bone.unity_name][3:] == pytest.approx(tuple(states.rotations[0, bone]), abs=1e-6)
            assert any(sent[bone.unity_name][:3])
    assert all(0.0 <= value <= 1.0 for value in shapes_of(datagrams).values())
    assert bool(shapes_of(datagrams)) == bool(states.shapes_known.any())


def test_a_hundred_performers_with_a_target_each_are_sent_whole_at_every_tick() -> None:
    ticks = [make_states(100, seed) for seed in range(3)]
    with open_receiver() as receiver:
        here = "{}:{}".format(*receiver.getsockname())
        outputs = make_outputs(parse_targets(";".join(100 * [f"vmc://{here}?names=vrm0,arkit"])))
        for states in ticks:
            sent = [output.show(show_row(states, row)) for row, output in enumerate(outputs)]
            assert min(sent) >= 6
        for output in outputs:
            output.close()
