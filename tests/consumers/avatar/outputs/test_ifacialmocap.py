"""iFacialMocap's text, read back by a parser that shares nothing with its writer."""

import re
import socket
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consumers.avatar.face.arkit import SHAPE_COUNT, Blendshape
from consumers.avatar.humanoid.skeleton import BONE_COUNT, Bone
from consumers.avatar.outputs.target import make_output, parse_target
from consumers.avatar.outputs.udp import BadTarget
from consumers.avatar.states import AvatarStates
from tests.consumers.avatar.outputs.made_states import make_states, send_once, show_row
from tests.consumers.avatar.receiver import find_free_port, open_receiver

NAMES = [
    "browDown_L", "browDown_R", "browInnerUp", "browOuterUp_L", "browOuterUp_R", "cheekPuff", "cheekSquint_L",
    "cheekSquint_R", "eyeBlink_L", "eyeBlink_R", "eyeLookDown_L", "eyeLookDown_R", "eyeLookIn_L", "eyeLookIn_R",
    "eyeLookOut_L", "eyeLookOut_R", "eyeLookUp_L", "eyeLookUp_R", "eyeSquint_L", "eyeSquint_R", "eyeWide_L",
    "eyeWide_R", "jawForward", "jawLeft", "jawOpen", "jawRight", "mouthClose", "mouthDimple_L", "mouthDimple_R",
    "mouthFrown_L", "mouthFrown_R", "mouthFunnel", "mouthLeft", "mouthLowerDown_L", "mouthLowerDown_R",
    "mouthPress_L", "mouthPress_R", "mouthPucker", "mouthRight", "mouthRollLower", "mouthRollUpper",
    "mouthShrugLower", "mouthShrugUpper", "mouthSmile_L", "mouthSmile_R", "mouthStretch_L", "mouthStretch_R",
    "mouthUpperUp_L", "mouthUpperUp_R", "noseSneer_L", "noseSneer_R",
]  # fmt: skip
"""As on the page for developers, in the order of ARKit's names; without tongueOut, which no mesh shows."""

PASSWORD = b"iFacialMocap_sahuasouryya9218sauhuiayeta91555dy3719"
"""By which a program asks the phone to begin, as the page has it."""

FRAME = re.compile(
    r"(?P<shapes>(?:\w+[-&]\d+\|)*)=head#(?P<head>[^|]+)\|(?:rightEye#(?P<right>[^|]+)\|)?(?:leftEye#(?P<left>[^|]+)\|)?"
)


def parse(datagram: bytes, separator: str = "-") -> tuple[dict[str, int], list[float], list[float], list[float]]:
    """Shapes in hundredths; head, right eye and left eye as numbers."""
    match = FRAME.fullmatch(datagram.decode("ascii"))
    assert match is not None, datagram
    shapes = dict(block.split(separator) for block in match["shapes"].split("|")[:-1])
    numbers = ([float(word) for word in (match[part] or "").split(",") if word] for part in ("head", "right", "left"))
    head, right, left = numbers
    return {name: int(value) for name, value in shapes.items()}, head, right, left


def rest() -> AvatarStates:
    rotations = np.zeros((1, BONE_COUNT, 4))
    rotations[..., 3] = 1.0
    return replace(make_states(), rotations=rotations, root_m=np.zeros((1, 3)))


def turn(bones: list[Bone], axis: int, degrees: float, states: AvatarStates | None = None) -> AvatarStates:
    """Turned about an axis of Unity's space (0: x, the nose goes down; 1: y, to the person's right; 2: z)."""
    states = rest() if states is None else states
    rotations = states.rotations.copy()
    rotations[0, bones] = 0.0
    rotations[0, bones, axis] = np.sin(np.radians(degrees) / 2)
    rotations[0, bones, 3] = np.cos(np.radians(degrees) / 2)
    return replace(states, rotations=rotations)


def test_one_datagram_has_every_shape_in_hundredths_under_the_apps_names() -> None:
    states = make_states()
    (datagram,) = send_once("ifm://HERE", states)
    shapes, head, right, left = parse(datagram)
    assert list(shapes) == NAMES
    assert list(shapes.values()) == [round(100 * value) for value in states.shapes[0]]
    assert (len(head), len(right), len(left)) == (6, 3, 3)
    assert len(datagram) <= 1472
    assert datagram.count(b"=") == 1
    assert datagram.endswith(b"|")


def test_version_2_differs_in_the_separator_alone() -> None:
    (first,), (second,) = send_once("ifm://HERE", make_states()), send_once("ifm://HERE?version=2", make_states())
    assert second == re.sub(rb"-(\d+\|)(?=[^#]*=)", rb"&\1", first)
    assert parse(second, "&") == parse(first)


@pytest.mark.parametrize(
    ("axis", "degrees", "expected"),
    [
        (0, 20.0, [20.0, 0.0, 0.0]),
        (1, -20.0, [0.0, 20.0, 0.0]),
        (2, 20.0, [0.0, 0.0, -20.0]),
    ],
    ids=["down is +x", "to the person's left is +y", "towards the person's left shoulder is -z"],
)
def test_heads_and_eyes_turn_as_in_the_frame_of_the_page_for_developers(
    axis: int, degrees: float, expected: list[float]
) -> None:
    head = parse(send_once("ifm://HERE", turn([Bone.HEAD], axis, degrees))[0])[1]
    assert head[:3] == pytest.approx(expected, abs=1e-4)
    _, straight, right, left = parse(send_once("ifm://HERE", turn([Bone.LEFT_EYE, Bone.RIGHT_EYE], axis, degrees))[0])
    assert straight == pytest.approx([0.0] * 6, abs=1e-6)
    assert right == pytest.approx(expected, abs=1e-4)
    assert left == pytest.approx(expected, abs=1e-4)


def test_an_eye_that_turns_alone_is_the_persons_own() -> None:
    _, _, right, left = parse(send_once("ifm://HERE", turn([Bone.LEFT_EYE], 1, -10.0))[0])
    assert left == pytest.approx([0.0, 10.0, 0.0], abs=1e-4)
    assert right == pytest.approx([0.0, 0.0, 0.0], abs=1e-6)


def test_the_turns_of_neck_and_body_are_the_heads_as_the_camera_sees_it() -> None:
    states = turn([Bone.HEAD, Bone.NECK, Bone.HIPS], 1, -10.0)
    assert parse(send_once("ifm://HERE", states)[0])[1][:3] == pytest.approx([0.0, 30.0, 0.0], abs=1e-4)


def test_a_step_to_the_persons_left_is_a_place_to_plus_x() -> None:
    states = replace(rest(), root_m=np.array([[-0.2, 0.05, 0.1]]))
    assert parse(send_once("ifm://HERE", states)[0])[1] == pytest.approx([0, 0, 0, 0.2, 0.05, 0.1], abs=1e-6)


def test_all_three_angles_together_are_unitys_euler_angles_of_the_mirrored_head() -> None:
    x, y, z = np.radians([10.0, 25.0, -15.0])
    matrices = [
        np.array([[np.cos(y), 0, np.sin(y)], [0, 1, 0], [-np.sin(y), 0, np.cos(y)]]),
        np.array([[1, 0, 0], [0, np.cos(x), -np.sin(x)], [0, np.sin(x), np.cos(x)]]),
        np.array([[np.cos(z), -np.sin(z), 0], [np.sin(z), np.cos(z), 0], [0, 0, 1]]),
    ]
    matrix = matrices[0] @ matrices[1] @ matrices[2]
    mirror = np.diag([-1.0, 1.0, 1.0])
    in_unity = mirror @ matrix @ mirror
    w = np.sqrt(1.0 + np.trace(in_unity)) / 2
    head = [in_unity[2, 1] - in_unity[1, 2], in_unity[0, 2] - in_unity[2, 0], in_unity[1, 0] - in_unity[0, 1]]
    states = rest()
    rotations = states.rotations.copy()
    rotations[0, Bone.HEAD] = [*(np.array(head) / (4 * w)), w]
    sent = parse(send_once("ifm://HERE", replace(states, rotations=rotations))[0])[1]
    assert sent[:3] == pytest.approx([10.0, 25.0, -15.0], abs=1e-4)


def test_shapes_and_eyes_never_seen_are_left_out_and_nothing_is_sent_of_nobody() -> None:
    bones, shapes = np.zeros((1, BONE_COUNT), dtype=np.bool_), np.zeros((1, SHAPE_COUNT), dtype=np.bool_)
    nobody = replace(make_states(), bones_known=bones, shapes_known=shapes)
    assert send_once("ifm://HERE", nobody) == []
    jaw = shapes.copy()
    jaw[0, Blendshape.JAW_OPEN] = True
    (datagram,) = send_once("ifm://HERE", replace(nobody, shapes_known=jaw))
    assert parse(datagram) == ({"jawOpen": round(100 * nobody.shapes[0, Blendshape.JAW_OPEN])}, [0.0] * 6, [], [])
    (datagram,) = send_once("ifm://HERE?parts=head", make_states())
    seen, head, right, left = parse(datagram)
    assert (seen, right, left) == ({}, [], [])
    assert any(head)


def test_the_phone_sends_to_whoever_asked_for_it_in_the_version_asked_for() -> None:
    states = make_states()
    with open_receiver() as asker:
        phone_port, answer_port = find_free_port(), asker.getsockname()[1]
        phone = make_output(parse_target(f"ifm-phone://127.0.0.2:{phone_port}?answer={answer_port}"))
        assert phone.show(show_row(states)) == 0
        for question, separator in ((PASSWORD, "-"), (PASSWORD + b"|sendDataVersion=v2", "&")):
            asker.sendto(question, ("127.0.0.2", phone_port))
            assert phone.show(show_row(states)) == 1
            datagram, sender = asker.recvfrom(65536)
            assert sender == ("127.0.0.2", phone_port)
            assert list(parse(datagram, separator)[0]) == NAMES
        asker.sendto(b"anything else", ("127.0.0.2", phone_port))
        assert phone.show(show_row(states)) == 1
        assert phone.refused == 0
        phone.close()


def test_a_phone_has_room_for_eight_that_ask() -> None:
    phone_port = find_free_port()
    phone = make_output(parse_target(f"ifm-phone://127.0.0.1:{phone_port}?answer={find_free_port()}"))
    for last in range(2, 14):
        with socket.socket(type=socket.SOCK_DGRAM) as asker:
            asker.bind((f"127.0.0.{last}", 0))
            asker.sendto(PASSWORD, ("127.0.0.1", phone_port))
    assert phone.show(show_row(make_states())) == 8
    phone.close()


def test_a_phone_whose_place_is_taken_is_refused() -> None:
    with open_receiver() as taken, pytest.raises(BadTarget, match="cannot wait for receivers"):
        make_output(parse_target("ifm-phone://{}:{}".format(*taken.getsockname())))


@settings(deadline=None, max_examples=40)
@given(seed=st.integers(0, 2**16), version=st.sampled_from([1, 2]))
def test_any_face_reads_back(seed: int, version: int) -> None:
    states = make_states(2, seed)
    (datagram,) = send_once(f"ifm://HERE?version={version}", states, row=1)
    shapes, head, right, left = parse(datagram, "-&"[version - 1])
    assert list(shapes.values()) == [round(100 * value) for value in states.shapes[1]]
    assert all(abs(angle) <= 180.0 for angle in [*head[:3], *right, *left])
