"""What a person is told of what came: rates, values, and everything that is wrong."""

import io
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pythonosc.osc_message_builder import OscMessageBuilder
from rich.console import Console

from consumers.avatar.face.arkit import Blendshape
from consumers.avatar.humanoid.skeleton import BONE_COUNT, Bone
from consumers.avatar.monitor.screen import draw
from consumers.avatar.monitor.seen import Packet, Seen
from consumers.avatar.monitor.summary import summarise
from consumers.avatar.outputs.vmc.profiles import PROFILES
from tests.consumers.avatar.outputs.made_states import make_states, send_once

POSE = "sfffffff"
UPRIGHT = (0.0, 0.0, 0.0, 1.0)


def message(address: str, tags: str, *arguments: object) -> bytes:
    builder = OscMessageBuilder(address)
    for tag, argument in zip(tags, arguments, strict=True):
        builder.add_arg(argument, tag)  # type: ignore[arg-type]
    return builder.build().dgram


def receive(*datagrams: bytes, at_s: float = 0.0) -> Seen:
    seen = Seen()
    for data in datagrams:
        seen.receive(Packet(at_s, 39539, "sender", data))
    return seen


def draw_text(seen: Seen, now_s: float) -> str:
    console = Console(width=140, file=io.StringIO(), record=True)
    console.print(draw(seen, [39539], now_s))
    return console.export_text()


@pytest.mark.parametrize("profile", PROFILES)
def test_nothing_is_wrong_with_what_we_send_to_any_receiver(profile: str) -> None:
    states = make_states()
    states = replace(states, rotations=states.rotations.astype(np.float32).astype(np.float64))
    seen = receive(*send_once(f"vmc://HERE?profile={profile}", states))
    assert not seen.problems
    assert seen.ok == (1, 3, 0, 1)
    assert seen.sender_time_s == 12.25
    assert set(seen.bones) == {bone.unity_name for bone in Bone}
    assert seen.bones["Head"].rotation == pytest.approx(tuple(states.rotations[0, Bone.HEAD]), abs=1e-6)


def test_devices_and_faces_are_seen_as_well() -> None:
    states = make_states()
    devices = receive(*send_once("vmc-performer://HERE", states))
    assert not devices.problems
    assert set(devices.devices) == {
        "Hmd Head", "Con LeftHand", "Con RightHand", "Tra Hips", "Tra LeftFoot", "Tra RightFoot"
    }  # fmt: skip
    for version in (1, 2):
        face = receive(*send_once(f"ifm://HERE?version={version}", states))
        assert not face.problems
        assert face.states == 1
        assert face.shapes["jawOpen"].value == pytest.approx(states.shapes[0, Blendshape.JAW_OPEN], abs=0.006)
        assert set(face.turns_deg) == {"head", "rightEye", "leftEye"}


@pytest.mark.parametrize(
    ("datagram", "problem"),
    [
        (message("/VMC/Ext/Wave", "f", 1.0), "unknown address /VMC/Ext/Wave"),
        (message("/VMC/Ext/T", "i", 1), "/VMC/Ext/T with types 'i' where 'f' belongs"),
        (message("/VMC/Ext/OK", "ii", 1, 3), "'i' or 'iii' or 'iiii' belongs"),
        (message("/VMC/Ext/Bone/Pos", "sffffff", "Head", *6 * (0.5,)), "types 'sffffff'"),
        (message("/VMC/Ext/Bone/Pos", POSE, "Head", math.nan, 0.0, 0.0, *UPRIGHT), "Head has a number that is none"),
        (message("/VMC/Ext/Bone/Pos", POSE, "Head", 0.0, 0.0, 0.0, *UPRIGHT), "Head has no place (zeros)"),
        (message("/VMC/Ext/Bone/Pos", POSE, "Tail", 0.0, 0.1, 0.0, *UPRIGHT), "Tail is no bone of a humanoid"),
        (message("/VMC/Ext/Bone/Pos", POSE, "Head", 0.0, 0.1, 0.0, *4 * (1.0,)), "rotation of length 2, not 1"),
        (message("/VMC/Ext/Hmd/Pos", POSE, "Head", 0.0, 0.0, 0.0, *4 * (0.0,)), "rotation of length 0, not 1"),
        (message("/VMC/Ext/Blend/Val", "sf", "A", 1.5), "A is 1.5, outside 0 to 1"),
        (message("/VMC/Ext/Blend/Val", "sf", "A", -math.inf), "A has a number that is none"),
        (b"/VMC", "a string without an end"),
        (b"hello", "neither OSC nor a face"),
        (b"jawOpen-x|=head#0,0,0,0,0,0|", "a number that is none: 'x'"),
        (b"jawOpen-nan|=head#0,0,0,0,0,0|", "a number that is none: 'nan'"),
        (message("/VMC/Ext/Opt", "s", "x" * 2000), "larger than 1472 bytes"),
    ],
)
def test_what_is_wrong_is_said_by_name_and_counted(datagram: bytes, problem: str) -> None:
    seen = receive(datagram, datagram)
    ((said, count),) = seen.problems.items()
    assert problem in said
    assert count == 2
    assert said[:60] in draw_text(seen, 0.0)


def test_what_passes_through_between_others_is_no_problem() -> None:
    assert not receive(message("/VMC/Thru/any/thing", "sf", "x", 0.5)).problems


def test_rates_are_those_of_the_last_second() -> None:
    seen = Seen()
    datagrams = send_once("vmc://HERE", make_states())
    for tick in range(120):
        for data in datagrams:
            seen.receive(Packet(tick / 60, 39539, "sender", data))
    rates = seen.rates_at(2.0)
    assert rates.states == pytest.approx(60, abs=7)
    assert rates.datagrams == pytest.approx(60 * len(datagrams), abs=7 * len(datagrams))
    assert rates.bytes == pytest.approx(60 * sum(map(len, datagrams)), rel=0.12)
    assert seen.rates_at(3.2).states == 0
    assert "last 1.22 s ago" in draw_text(seen, 3.2)


def test_two_senders_to_one_port_are_a_problem_and_one_after_the_other_are_not() -> None:
    datagram = message("/VMC/Ext/T", "f", 1.0)
    at_once, in_turn = Seen(), Seen()
    for seen, pause_s in ((at_once, 0.1), (in_turn, 5.0)):
        seen.receive(Packet(0.0, 39539, "first", datagram))
        seen.receive(Packet(pause_s, 39539, "second", datagram))
    assert dict(at_once.problems) == {"two senders at once to port 39539": 1}
    assert not in_turn.problems


def test_a_flood_of_names_and_problems_is_not_remembered_without_end() -> None:
    seen = Seen()
    for index in range(2000):
        seen.receive(Packet(0.0, 1, index, message("/VMC/Ext/Blend/Val", "sf", f"shape {index}", 0.5)))
        seen.receive(Packet(0.0, 1, index, message(f"/x{index}", "f", 1.0)))
    assert len(seen.shapes) <= 256
    assert len(seen.senders) <= 256
    assert len(seen.problems) <= 51
    assert seen.problems["other problems"] > 1900


def test_the_screen_shows_angles_in_degrees_and_shapes_as_bars() -> None:
    states = make_states()
    rotations = np.zeros((1, BONE_COUNT, 4))
    rotations[..., 3] = 1.0
    rotations[0, Bone.HEAD] = (np.sin(np.radians(15)), 0.0, 0.0, np.cos(np.radians(15)))
    shapes = np.zeros_like(states.shapes)
    shapes[0, Blendshape.JAW_OPEN] = 0.5
    states = replace(states, rotations=rotations, shapes=shapes)
    seen = receive(*send_once("vmc://HERE?profile=perfect-sync", states))
    text = " ".join(draw_text(seen, 0.5).split())
    assert "Head 30.0 0.0 0.0" in text
    assert "jawOpen █████····· 0.50" in text
    assert "tracked" in text
    assert "Problems" not in text
    summary = summarise(seen, 0.5)
    assert summary["bones_deg"]["Head"] == [30.0, 0.0, 0.0]  # type: ignore[index]
    assert summary["age_s"] == 0.5


def test_before_anything_came_the_screen_says_where_it_listens() -> None:
    assert "Nothing has come to port 39539 yet." in draw_text(Seen(), 0.0)


@given(st.lists(st.binary(max_size=120), max_size=20))
def test_whatever_comes_can_be_shown(datagrams: list[bytes]) -> None:
    seen = receive(*datagrams)
    assert seen.datagrams == len(datagrams)
    draw_text(seen, 1.0)
    summarise(seen, 1.0)
