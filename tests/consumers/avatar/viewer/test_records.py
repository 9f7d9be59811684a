"""States on the wire say what was shown, in both forms."""

import re
from pathlib import Path

import numpy as np
import orjson

from consumers.avatar.face.arkit import Blendshape
from consumers.avatar.humanoid.skeleton import Bone
from consumers.avatar.viewer.records import RECORD, make_records, write_binary, write_entries, write_hello, write_json
from tests.consumers.avatar.viewer.made_states import NOW_US, made_states
from tests.consumers.avatar.viewer.wire_reading import RECORD_BYTES, read_message

DOCUMENT = Path(__file__).resolve().parents[4] / "docs" / "avatar-stream.md"
NUMBERS = (7, 3, 4_000_000_000)
CAPTURED_US = np.array([NOW_US - 40_000, NOW_US - 33_333, NOW_US + 5])
RECEIVED_US = np.array([NOW_US - 10_000, NOW_US - 1, NOW_US])


def test_another_program_reads_from_the_binary_form_what_was_shown() -> None:
    states = made_states(3)
    records = make_records(NUMBERS, states, CAPTURED_US, RECEIVED_US)
    at_ms, read = read_message(write_binary(records, NOW_US))
    assert at_ms == NOW_US / 1000
    for row, state in enumerate(read):
        assert state.number == NUMBERS[row]
        assert state.tracked == states.tracked[row]
        assert state.captured_at_ms == CAPTURED_US[row] / 1000
        assert state.received_at_ms == RECEIVED_US[row] / 1000
        np.testing.assert_allclose(state.root_m, states.root_m[row], rtol=1e-6)
        assert list(state.bones) == np.flatnonzero(states.bones_known[row]).tolist()
        assert list(state.shapes) == np.flatnonzero(states.shapes_known[row]).tolist()
        for bone, rotation in state.bones.items():
            np.testing.assert_allclose(rotation, states.rotations[row, bone], atol=0.51 / 32767)
        for shape, value in state.shapes.items():
            assert abs(value - states.shapes[row, shape]) <= 0.51 / 255


def test_another_program_reads_from_the_json_form_what_was_shown() -> None:
    states = made_states(3)
    message = orjson.loads(write_json(write_entries(NUMBERS, states, CAPTURED_US, RECEIVED_US), NOW_US))
    assert (message["type"], message["at_ms"]) == ("states", NOW_US / 1000)
    for row, state in enumerate(message["states"]):
        assert (state["number"], state["tracked"]) == (NUMBERS[row], bool(states.tracked[row]))
        assert (state["captured_at_ms"], state["received_at_ms"]) == (CAPTURED_US[row] / 1000, RECEIVED_US[row] / 1000)
        np.testing.assert_allclose(state["root_m"], states.root_m[row], atol=1e-5)
        known = {bone.unity_name: states.rotations[row, bone] for bone in Bone if states.bones_known[row, bone]}
        assert state["bones"].keys() == known.keys()
        for name, rotation in known.items():
            np.testing.assert_allclose(state["bones"][name], rotation, atol=1e-6)
        shapes = {one.arkit_name: states.shapes[row, one] for one in Blendshape if states.shapes_known[row, one]}
        assert state["shapes"].keys() == shapes.keys()
        assert all(abs(state["shapes"][name] - value) < 1e-4 for name, value in shapes.items())


def test_the_document_has_the_layout_that_is_sent() -> None:
    rows = re.findall(r"^\| (\d+) \|", DOCUMENT.read_text(), re.MULTILINE)
    assert RECORD.fields is not None
    assert [int(row) for row in rows] == [offset for _, offset, *_ in RECORD.fields.values()]
    hello = orjson.loads(write_hello())
    assert hello["record_bytes"] == RECORD.itemsize == RECORD_BYTES
    assert f'"record_bytes": {RECORD_BYTES}' in DOCUMENT.read_text()


def test_the_greeting_describes_the_skeleton() -> None:
    hello = orjson.loads(write_hello())
    assert (hello["bones"][0], hello["parents"][0], hello["shapes"][0]) == ("Hips", -1, "browDownLeft")
    assert len(hello["bones"]) == len(hello["parents"]) == len(hello["rest_offsets_m"]) == 55
    assert all(parent < 55 for parent in hello["parents"])
    assert hello["bones"][hello["parents"][hello["bones"].index("LeftHand")]] == "LeftLowerArm"


def test_nobody_on_stage_is_a_message_without_states() -> None:
    none = np.zeros(0, np.int64)
    assert read_message(write_binary(make_records((), made_states(0), none, none), NOW_US)) == (NOW_US / 1000, [])
    assert orjson.loads(write_json(write_entries((), made_states(0), none, none), NOW_US))["states"] == []
