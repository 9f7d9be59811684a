"""Recordings keep every packet with its time, and give them back at their own speed."""

import struct
from pathlib import Path

import pytest

from consumers.avatar.monitor.recording import (
    RecordedPacket,
    RecordingUnusable,
    open_recording,
    read_packets,
    read_start_us,
)
from consumers.avatar.monitor.watch import play_packets
from consumers.avatar.outputs.udp import Address, UdpSender
from tests.consumers.avatar.receiver import open_receiver, take_all

PACKETS = [RecordedPacket(0.0, 39539, b"one"), RecordedPacket(0.5, 49983, b""), RecordedPacket(1.25, 39539, b"three")]
BEGAN_US = 1_790_000_000_000_000


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    path = tmp_path / "packets.rec"
    with open_recording(path, BEGAN_US) as recorder:
        for packet in PACKETS:
            recorder.add(BEGAN_US + round(packet.at_s * 1e6), packet.port, packet.data)
        assert recorder.packets == 3
    return path


def test_packets_come_back_with_their_times_ports_and_bytes(recording: Path) -> None:
    assert list(read_packets(recording)) == PACKETS
    assert read_start_us(recording) == BEGAN_US


def test_the_file_is_as_it_is_documented(recording: Path) -> None:
    raw = recording.read_bytes()
    assert raw[:24] == b"HSPACKET" + struct.pack("<H6xQ", 1, BEGAN_US)
    assert raw[24:39] == struct.pack("<QHH", 0, 39539, 3) + b"one"


def test_a_file_cut_short_ends_with_its_last_whole_packet(recording: Path) -> None:
    whole = recording.read_bytes()
    for cut in range(1, len(b"three") + 12):
        recording.write_bytes(whole[:-cut])
        assert list(read_packets(recording)) == PACKETS[:2]


@pytest.mark.parametrize("content", [b"", b"HSPACKET", b"HSPACKET" + struct.pack("<H6xQ", 2, 0), b"x" * 100])
def test_what_is_no_recording_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "other"
    path.write_bytes(content)
    with pytest.raises(RecordingUnusable, match="is no recording of packets"):
        list(read_packets(path))


def test_a_recording_is_never_written_over(recording: Path) -> None:
    with pytest.raises(RecordingUnusable, match="File exists"), open_recording(recording, 0):
        pass
    assert list(read_packets(recording)) == PACKETS
    with pytest.raises(RecordingUnusable, match="No such file"):
        list(read_packets(recording.with_name("missing")))


@pytest.mark.parametrize("speed", [1.0, 2.0])
def test_a_recording_plays_at_its_own_speed_or_faster(recording: Path, speed: float) -> None:
    clock = [100.0]
    waits: list[float] = []

    def sleep(seconds: float) -> None:
        waits.append(seconds)
        clock[0] += seconds

    with open_receiver() as receiver:
        sender = UdpSender([Address(*receiver.getsockname())])
        assert play_packets(read_packets(recording), sender, lambda: clock[0], sleep, speed) == 3
        assert take_all(receiver) == [packet.data for packet in PACKETS]
        sender.close()
    assert waits == [0.5 / speed, 0.75 / speed]
