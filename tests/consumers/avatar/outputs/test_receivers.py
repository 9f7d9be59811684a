"""Receivers written by others take the stream as it comes off the network."""

import json
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from pythonosc.dispatcher import Dispatcher
from pythonosc.osc_server import BlockingOSCUDPServer

from consumers.avatar.humanoid.skeleton import Bone
from consumers.avatar.outputs.target import make_output, parse_target
from tests.consumers.avatar.outputs.made_states import make_states, show_row
from tests.consumers.avatar.receiver import find_free_port

VMCP_RECEIVER = Path(__file__).parent / "vmcp_receiver.py"


def test_python_oscs_server_dispatches_every_message() -> None:
    got: list[tuple[object, ...]] = []
    dispatcher = Dispatcher()
    dispatcher.map("/VMC/Ext/*", lambda address, *arguments: got.append((address, *arguments)))
    with BlockingOSCUDPServer(("127.0.0.1", 0), dispatcher) as server:
        output = make_output(parse_target(f"vmc://127.0.0.1:{server.server_address[1]}?names=vrm0,arkit"))
        datagrams = output.show(show_row(make_states()))
        for _ in range(datagrams):
            server.handle_request()
        output.close()
    addresses = [message[0] for message in got]
    assert addresses.count("/VMC/Ext/Bone/Pos") == 55
    assert addresses.count("/VMC/Ext/Blend/Val") == 11 + 51
    assert got[0] == ("/VMC/Ext/OK", 1, 3, 0, 1)
    assert got[-1] == ("/VMC/Ext/Blend/Apply",)


def test_liblos_oscdump_reads_every_message_with_its_types(require_tool: Callable[[str], str]) -> None:
    port = find_free_port()
    states = make_states()
    output = make_output(parse_target(f"127.0.0.1:{port}"))
    with subprocess.Popen(
        [require_tool("oscdump"), "-L", str(port)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as dump:
        assert dump.stdout is not None
        sending = Sending(lambda: output.show(show_row(states)))
        try:
            lines: list[str] = []
            # It may begin to listen in the middle of a state, which is then none.
            while not (lines and "/Blend/Apply" in lines[-1] and any("/VMC/Ext/OK" in line for line in lines)):
                lines.append(dump.stdout.readline())
        finally:
            sending.stop()
            dump.terminate()
            output.close()
    messages = [line.split(" ", 1)[1].strip() for line in lines]
    first = next(index for index, message in enumerate(messages) if message.startswith("/VMC/Ext/OK"))
    assert messages[first] == "/VMC/Ext/OK iiii 1 3 0 1"
    bones = [message for message in messages[first:] if message.startswith("/VMC/Ext/Bone/Pos sfffffff ")]
    assert [re.findall(r'"(\w+)"', bone)[0] for bone in bones] == [bone.unity_name for bone in Bone]
    head = [float(number) for number in bones[Bone.HEAD].split()[3:]]
    assert head[3:] == pytest.approx(list(states.rotations[0, Bone.HEAD]), abs=1e-5)


def test_vmcp_in_a_process_of_its_own_takes_motion_and_devices() -> None:
    for target, kinds in (
        ("vmc://127.0.0.1:{}?names=vrm0,arkit", {"StateEvent": 1, "RelativeTimeEvent": 1, "RootTransformEvent": 1,
                                                 "BoneTransformEvent": 55, "BlendShapeEvent": 62,
                                                 "BlendShapeApplyEvent": 1}),
        ("vmc-performer://127.0.0.1:{}?parts=-eyes", {"DeviceTransformEvent": 6, "BlendShapeEvent": 11,
                                                      "BlendShapeApplyEvent": 1}),
    ):  # fmt: skip
        datagrams = 6 if target.startswith("vmc:") else 1
        with subprocess.Popen(
            [sys.executable, str(VMCP_RECEIVER), str(datagrams)], stdout=subprocess.PIPE, text=True
        ) as receiver:
            assert receiver.stdout is not None
            output = make_output(parse_target(target.format(receiver.stdout.readline().strip())))
            assert output.show(show_row(make_states())) == datagrams
            read = [json.loads(line) for line in receiver.stdout]
            output.close()
        assert receiver.returncode == 0
        assert {kind: sum(line[0] == kind for line in read) for kind in kinds} == kinds
        assert len(read) == sum(kinds.values())


class Sending:
    """Shows again and again until stopped, for a receiver that does not say when it is ready."""

    def __init__(self, show: Callable[[], int]) -> None:
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._send, args=(show,))
        self._thread.start()

    def _send(self, show: Callable[[], int]) -> None:
        began_s = time.monotonic()
        while not self._stopped.wait(0.02) and time.monotonic() - began_s < 20.0:
            show()

    def stop(self) -> None:
        self._stopped.set()
        self._thread.join()
