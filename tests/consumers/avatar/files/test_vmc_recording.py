"""A recording of VMC packets plays as if it had been recorded from the wire."""

from io import BytesIO
from pathlib import Path

import numpy as np
from pythonosc.osc_bundle import OscBundle
from pythonosc.osc_message import OscMessage

from consumers.avatar.files.vmc_recording import VmcRecordingFile
from consumers.avatar.humanoid.skeleton import Bone
from consumers.avatar.monitor.recording import read_packets, read_start_us
from tests.consumers.avatar.files.opened import move


def test_every_state_is_there_whole_at_its_time(tmp_path: Path) -> None:
    buffer, states = BytesIO(), move(6)
    file = VmcRecordingFile(buffer, "ada", 60.0, lambda: 1_700_000_000_000_000)

    file.add(states)
    file.finish()

    path = tmp_path / "take.vmc"
    path.write_bytes(buffer.getvalue())
    packets = list(read_packets(path))
    times = sorted({packet.at_s for packet in packets})
    np.testing.assert_allclose(times, np.arange(6) / 60.0, atol=2e-6)
    assert {packet.port for packet in packets} == {39539}
    assert read_start_us(path) == 1_700_000_000_000_000
    for row, at_s in enumerate(times):
        messages = [message for packet in packets if packet.at_s == at_s for message in _read(packet.data)]
        bones = {message.params[0]: message.params for message in messages if message.address == "/VMC/Ext/Bone/Pos"}
        np.testing.assert_allclose(bones["RightLowerArm"][4:], states.rotations[row, Bone.RIGHT_LOWER_ARM], atol=1e-6)
        assert [message.address for message in messages][-1] == "/VMC/Ext/Blend/Apply"
        [elapsed_s] = [message.params[0] for message in messages if message.address == "/VMC/Ext/T"]
        np.testing.assert_allclose(elapsed_s, at_s, atol=2e-6)


def test_a_take_of_nothing_is_a_recording_of_nothing(tmp_path: Path) -> None:
    buffer = BytesIO()
    VmcRecordingFile(buffer, "ada", 60.0, lambda: 5).finish()

    path = tmp_path / "empty.vmc"
    path.write_bytes(buffer.getvalue())
    assert list(read_packets(path)) == []


def _read(packet: bytes) -> list[OscMessage]:
    return list(OscBundle(packet))
