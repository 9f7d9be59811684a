"""A receiver of its own: PyPI's vmcp reads what comes to a port, in a process that has none of our code.

It prints its port, then a line of JSON for each message once it was read; a message that vmcp refuses ends it.
"""

import json
import socket
import sys
from typing import Any

from pythonosc.osc_packet import OscPacket
from vmcp import events

EVENTS: dict[str, type[Any]] = {
    "/VMC/Ext/OK": events.StateEvent,
    "/VMC/Ext/T": events.RelativeTimeEvent,
    "/VMC/Ext/Root/Pos": events.RootTransformEvent,
    "/VMC/Ext/Bone/Pos": events.BoneTransformEvent,
    "/VMC/Ext/Blend/Val": events.BlendShapeEvent,
    "/VMC/Ext/Blend/Apply": events.BlendShapeApplyEvent,
    "/VMC/Ext/Hmd/Pos": events.DeviceTransformEvent,
    "/VMC/Ext/Con/Pos": events.DeviceTransformEvent,
    "/VMC/Ext/Tra/Pos": events.DeviceTransformEvent,
}


def main(datagrams: int) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
        receiver.bind(("127.0.0.1", 0))
        receiver.settimeout(10.0)
        print(receiver.getsockname()[1], flush=True)
        for _ in range(datagrams):
            for timed in OscPacket(receiver.recv(65536)).messages:
                message = timed.message
                event = EVENTS[message.address].from_message_data("own", message.address, tuple(message.params))
                print(json.dumps([type(event).__name__, *message.params]), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]))
