"""`holistic avatar monitor` beside a sender in a process of its own, over loopback."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from consumers.avatar.monitor.listener import Listener, PortTaken
from consumers.avatar.monitor.recording import read_packets
from tests.consumers.avatar.receiver import find_free_port, open_receiver, read_messages, take_all

MONITOR = (
    "import typer; from holistic_cli.avatar_monitor import monitor; app = typer.Typer(); app.command()(monitor); app()"
)
SENDER = """
import sys, time
from consumers.avatar.outputs.target import make_outputs, parse_targets
from tests.consumers.avatar.outputs.made_states import make_states, show_row
outputs = make_outputs(parse_targets(sys.argv[1]))
began_s, tick = time.monotonic(), 0
while time.monotonic() - began_s < 60.0:
    for output in outputs:
        output.show(show_row(make_states(seed=tick), 0, time.monotonic() - began_s))
    if tick == 0:
        print("sends", flush=True)
    tick += 1
    time.sleep(1 / 60)
"""


@contextmanager
def sending(targets: str) -> Iterator[None]:
    """Somebody sends, and has begun to."""
    command = [sys.executable, "-c", SENDER, targets]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as sender:
        try:
            assert sender.stdout is not None
            assert sender.stdout.readline() == "sends\n"
            yield
        finally:
            sender.kill()


def start_monitor(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", MONITOR, *arguments],
        env={**os.environ, "COLUMNS": "150", "LINES": "100", "TERM": "dumb"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run_monitor(*arguments: str) -> tuple[int, str, str]:
    with start_monitor(*arguments) as monitor:
        out, err = monitor.communicate(timeout=30)
    return monitor.returncode, out, err


def test_machines_get_a_line_a_second_and_what_came_can_be_kept_and_sent_again(tmp_path: Path) -> None:
    motion, face, kept = find_free_port(), find_free_port(), tmp_path / "kept.rec"
    ports = ["--port", str(motion), "--port", str(face)]
    with sending(f"vmc://127.0.0.1:{motion}?names=vrm0,arkit,ifm://127.0.0.1:{face}"):
        code, out, err = run_monitor(*ports, "--json", "--seconds", "2.5", "--record", str(kept))
    assert code == 0, err
    lines = [json.loads(line) for line in out.splitlines()]
    assert len(lines) == 2
    last = lines[-1]
    assert last["problems"] == {}
    assert last["states_per_s"] > 30
    assert last["ok"] == [1, 3, 0, 1]
    assert last["senders"] == 2
    assert len(last["bones_deg"]) == 55
    assert {"Blink_L", "jawOpen", "eyeBlink_L"} <= set(last["shapes"])

    packets = list(read_packets(kept))
    assert {packet.port for packet in packets} == {motion, face}
    assert [packet.at_s for packet in packets] == sorted(packet.at_s for packet in packets)
    assert 1.0 < packets[-1].at_s < 4.0
    with open_receiver() as receiver:
        here = "{}:{}".format(*receiver.getsockname())
        code, out, err = run_monitor("--play", str(kept), "--target", here, "--speed", "20")
        assert code == 0, err
        assert f"{len(packets)} datagrams sent, 0 refused." in out
        again = take_all(receiver)
        assert set(again) <= {packet.data for packet in packets}
        assert read_messages([datagram for datagram in again if datagram.startswith(b"#bundle")])


def test_people_see_what_comes_until_they_have_seen_enough() -> None:
    port = find_free_port()
    with sending(f"127.0.0.1:{port}"), start_monitor("--port", str(port), "--seconds", "1") as monitor:
        out, err = monitor.communicate(timeout=30)
    assert monitor.returncode == 0, err
    assert "OK 1 3 0 1, tracked" in out
    assert "LeftUpperArm" in out
    assert "Problems" not in out


def test_ctrl_c_ends_it_without_a_word_of_complaint() -> None:
    port = find_free_port()
    with sending(f"127.0.0.1:{port}"), start_monitor("--port", str(port), "--json") as monitor:
        assert monitor.stdout is not None
        assert json.loads(monitor.stdout.readline())["datagrams"]
        monitor.send_signal(signal.SIGINT)
        _, err = monitor.communicate(timeout=30)
    assert (monitor.returncode, err) == (0, "")


def test_silence_and_packets_that_are_wrong_end_with_1() -> None:
    port = find_free_port()
    code, out, _ = run_monitor("--port", str(port), "--seconds", "0.2", "--json")
    assert (code, json.loads(out)["datagrams"]) == (1, 0), "also of less than a second there is a line"
    with (
        start_monitor("--port", str(port), "--seconds", "1") as monitor,
        socket.socket(type=socket.SOCK_DGRAM) as sender,
    ):
        while monitor.poll() is None:
            sender.sendto(b"nonsense", ("127.0.0.1", port))
            time.sleep(0.02)
        out = monitor.communicate()[0]
    assert monitor.returncode == 1
    assert "neither OSC nor a face" in out


def test_a_port_where_the_receiver_listens_already_is_said() -> None:
    with open_receiver() as receiver:
        port = receiver.getsockname()[1]
        code, _, err = run_monitor("--port", str(port), "--seconds", "1")
    assert code == 1
    assert f"cannot listen on UDP port {port} of 127.0.0.1" in err


def test_an_address_of_another_machine_is_not_called_taken() -> None:
    with pytest.raises(PortTaken, match=r"cannot listen on UDP port 39539 of 192\.0\.2\.1") as refusal:
        Listener("192.0.2.1", [39539], lambda: 0.0)
    assert "Name an address of this machine" in (refusal.value.hint or "")


def test_playing_without_a_target_is_wrong_usage(tmp_path: Path) -> None:
    assert run_monitor("--play", str(tmp_path / "any.rec"))[0] == 2
    assert run_monitor("--target", "127.0.0.1:1")[0] == 2
