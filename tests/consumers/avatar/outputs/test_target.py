"""Targets as people write them, and what they are told of one that is wrong."""

import logging
from pathlib import Path

import pytest

from consumers.avatar.gltf.rest_skeleton import read_rest_offsets
from consumers.avatar.humanoid.skeleton import Bone
from consumers.avatar.mannequin.model import write_mannequin
from consumers.avatar.outputs.ifacialmocap import IFACIALMOCAP_PORT
from consumers.avatar.outputs.target import Kind, Target, make_outputs, parse_target, parse_targets
from consumers.avatar.outputs.target_query import PROFILE_KEYS
from consumers.avatar.outputs.udp import Address, BadTarget
from consumers.avatar.outputs.vmc.parts import ALL_PARTS, Part
from consumers.avatar.outputs.vmc.profiles import PROFILES, Names
from keypoints.errors import Terminal
from tests.consumers.avatar.outputs.made_states import make_states, show_row
from tests.consumers.avatar.receiver import open_receiver, read_messages, take_all


@pytest.mark.parametrize(
    ("text", "kind", "host", "port"),
    [
        ("127.0.0.1:39541", Kind.VMC, "127.0.0.1", 39541),
        ("studio", Kind.VMC, "studio", 39539),
        ("vmc://studio/", Kind.VMC, "studio", 39539),
        ("vmc://studio?profile=heva-portal", Kind.VMC, "studio", 9000),
        ("vmc://[::1]:7?profile=heva-portal", Kind.VMC, "::1", 7),
        ("vmc-performer://studio", Kind.VMC_PERFORMER, "studio", 39540),
        ("ifm://studio", Kind.IFACIALMOCAP, "studio", IFACIALMOCAP_PORT),
        ("ifm-phone://0.0.0.0", Kind.IFACIALMOCAP_PHONE, "0.0.0.0", IFACIALMOCAP_PORT),
    ],
)
def test_a_target_without_a_port_goes_where_its_kind_listens(text: str, kind: Kind, host: str, port: int) -> None:
    target = parse_target(text)
    assert (target.kind, target.address) == (kind, Address(host, port))
    assert str(target) == text


def test_a_target_says_how_it_wants_to_be_sent_to() -> None:
    target = parse_target(
        "vmc://127.0.0.1:39539?profile=vseeface&parts=body,face&vrm=my%20model.vrm&names=vrm0,arkit-pascal&ok=3"
        "&unknown=rest&fingers=no&hips=no&gaze=expressions&bundles=no&scale=1.5&camera=0,1.4,1.5,180,5,40"
    )
    assert target.parts == {Part.BODY, Part.FACE}
    assert target.vrm == Path("my model.vrm")
    profile = target.profile
    assert (profile.name, profile.names, profile.ok_values) == ("vseeface", (Names.VRM0, Names.ARKIT_PASCAL), 3)
    assert (profile.sends_unknown, profile.looks_by_expression, profile.root_scale) == (True, True, 1.5)
    assert (profile.sends_fingers, profile.moves_hips, profile.bundles) == (False, False, False)
    assert profile.camera is not None
    assert (profile.camera.position_m, profile.camera.field_of_view_deg) == ((0.0, 1.4, 1.5), 40.0)
    assert parse_target("vmc://h?parts=-legs,-root").parts == ALL_PARTS - {Part.LEGS, Part.ROOT}


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("vcm://studio", "no kind of target 'vcm'", "Did you mean vmc?"),
        ("vmc://studio?profile=vseface", "no profile 'vseface'", "Did you mean vseeface?"),
        ("vmc://studio?prfile=vseeface", "no setting 'prfile'", "Did you mean profile?"),
        ("vmc://studio?parts=feet", "no part 'feet'", "There are: root, body"),
        ("vmc://studio?parts=body,-face", "parts are neither", "parts=-legs,-root"),
        ("vmc://studio?names=vrm2", "no set of names 'vrm2'", "Did you mean vrm"),
        ("vmc://studio?without=Hips", "no bone to be without 'Hips'", "UpperChest"),
        ("vmc://studio?ok=2", "'2'", "There are: 1, 3, 4"),
        ("vmc://studio?bundles=maybe", "answer to bundles", "There are: yes, no"),
        ("vmc://studio?scale=0", "scale '0'", "scale=1.0"),
        ("vmc://studio?scale=nan", "scale 'nan'", "scale=1.0"),
        ("vmc://studio?scale=1e39", "scale=1e39 has a number beyond", "Metres"),
        ("vmc://studio?camera=1e39,0,0,0", "camera=1e39,0,0,0 has a number beyond", "Metres"),
        ("vmc://studio?camera=1,2,3", "4 to 6 numbers", "X,Y,Z,YAW"),
        ("vmc://studio?camera=1,2,nan,4", "finite", "X,Y,Z,YAW"),
        ("vmc://studio?vrm=", "vrm has no value", "vrm=VALUE"),
        ("vmc://studio?ok=1&ok=3", "ok has no value, or two", "once"),
        ("vmc://studio:99999", "'studio:99999' is not HOST", "HOST:PORT"),
        ("vmc://", "'' is not HOST", "HOST:PORT"),
        ("one two", "'one two' is not HOST", "HOST:PORT"),
        ("ifm://studio?profile=vrm0", "no setting 'profile'", "version, parts"),
        ("ifm-phone://studio?answer=0", "answer=0 is no port", "answer=49983"),
        ("ifm://studio?version=3", "no version '3'", "There are: 1, 2"),
    ],
)
def test_what_is_wrong_with_a_target_is_said_by_name(text: str, message: str, hint: str) -> None:
    with pytest.raises(BadTarget) as refusal:
        parse_target(text)
    assert message in refusal.value.message
    assert repr(text) in refusal.value.message
    assert hint in (refusal.value.hint or "")
    assert refusal.value.fields == {"target": text}


@pytest.mark.parametrize(
    ("text", "targets"),
    [
        ("", []),
        (" , ;\n", []),
        ("a:1,b:2", ["a:1", "b:2"]),
        ("a, b; c", ["a", "b", "c"]),
        ("vmc://a?parts=body, face,b:2", ["vmc://a?parts=body,face", "b:2"]),
        ("vmc://a?parts=body,face;b", ["vmc://a?parts=body,face", "b"]),
        ("vmc://a?camera=0,1,2,180,ifm://b?parts=face,eyes", ["vmc://a?camera=0,1,2,180", "ifm://b?parts=face,eyes"]),
    ],
)
def test_targets_are_separated_by_commas_though_their_lists_have_some_too(text: str, targets: list[str]) -> None:
    assert [str(target) for target in parse_targets(text)] == targets


def test_every_profile_says_where_it_is_from_and_stands_in_the_docs_with_every_setting() -> None:
    assert all(profile.source and profile.title and name == profile.name for name, profile in PROFILES.items())
    page = (Path(__file__).parents[4] / "docs" / "avatar-vmc.md").read_text()
    assert [name for name in PROFILES if f"`{name}`" not in page] == []
    assert [kind for kind in Kind if kind is not Kind.VMC and f"`{kind}://" not in page] == []
    assert [key for key in (*PROFILE_KEYS, "parts", "vrm", "version", "answer") if f"`{key}=" not in page] == []


def test_a_host_nobody_knows_is_said_and_nothing_is_left_open() -> None:
    with open_receiver() as receiver:
        here = "{}:{}".format(*receiver.getsockname())
        with pytest.raises(BadTarget, match=r"no-such-host\.invalid"):
            make_outputs(parse_targets(f"{here},no-such-host.invalid"))


def test_a_model_that_is_none_is_refused_before_anything_is_sent(tmp_path: Path) -> None:
    model = tmp_path / "model.vrm"
    model.write_bytes(b"no model")
    with pytest.raises(Terminal, match=r"model\.vrm"):
        make_outputs([parse_target(f"vmc://127.0.0.1?vrm={model}")])
    with pytest.raises(BadTarget, match=r"the model cannot be read \(No such file"):
        make_outputs([parse_target(f"vmc://127.0.0.1?vrm={model}.missing")])


def test_the_places_of_bones_are_read_from_the_model_that_is_named(tmp_path: Path) -> None:
    model = tmp_path / "mannequin.vrm"
    write_mannequin(model)
    with open_receiver() as receiver:
        here = "{}:{}".format(*receiver.getsockname())
        (output,) = make_outputs([parse_target(f"vmc://{here}?vrm={model}")])
        output.show(show_row(make_states()))
        sent = {m.params[0]: m.params[1:4] for m in read_messages(take_all(receiver)) if "Bone" in m.address}
        output.close()
    assert sent["Head"] == pytest.approx(list(read_rest_offsets(model)[Bone.HEAD]), abs=1e-6)


def test_several_receivers_get_the_same_state_each_in_its_own_form(caplog: pytest.LogCaptureFixture) -> None:
    with open_receiver() as first, open_receiver() as second, open_receiver() as leaving:
        here, there, away = ("{}:{}".format(*place.getsockname()) for place in (first, second, leaving))
        targets: tuple[Target, ...] = parse_targets(f"vmc://{away},vmc://{here}?profile=warudo,ifm://{there}")
        outputs = make_outputs(targets)
        leaving.close()
        with caplog.at_level(logging.WARNING):
            for _ in range(3):
                for output in outputs:
                    output.show(show_row(make_states()))
        assert outputs[0].refused > 0
        assert [output.refused for output in outputs[1:]] == [0, 0]
        assert [record.message for record in caplog.records] == [f"No receiver at {away}; sending on."]
        assert len(take_all(first)) == 3 * 5
        assert len(take_all(second)) == 3
        for output in outputs:
            output.close()
