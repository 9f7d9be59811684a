"""A VMC receiver made of others' code: python-osc reads the bundles, vmcp the messages."""

import socket
from typing import Any

from pythonosc.osc_bundle import OscBundle
from pythonosc.osc_message import OscMessage
from vmcp import events

EVENTS: dict[str, type[Any]] = {
    "/VMC/Ext/OK": events.StateEvent,
    "/VMC/Ext/T": events.RelativeTimeEvent,
    "/VMC/Ext/Root/Pos": events.RootTransformEvent,
    "/VMC/Ext/Bone/Pos": events.BoneTransformEvent,
    "/VMC/Ext/Blend/Val": events.BlendShapeEvent,
    "/VMC/Ext/Blend/Apply": events.BlendShapeApplyEvent,
}


def open_receiver() -> socket.socket:
    """A socket of this host that waits at most 2 s for a datagram."""
    receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    receiver.bind(("127.0.0.1", 0))
    receiver.settimeout(2.0)
    return receiver


def find_free_port() -> int:
    """A UDP port of this host that nobody listens on."""
    with open_receiver() as probe:
        port: int = probe.getsockname()[1]
    return port


def take_all(receiver: socket.socket) -> list[bytes]:
    """The datagrams that have arrived."""
    receiver.setblocking(False)
    datagrams: list[bytes] = []
    try:
        while True:
            datagrams.append(receiver.recv(65536))
    except BlockingIOError:
        return datagrams
    finally:
        receiver.settimeout(2.0)


def read_messages(datagrams: list[bytes]) -> list[OscMessage]:
    """The messages of all bundles, in order, as python-osc understands them."""
    messages: list[OscMessage] = []
    for datagram in datagrams:
        assert OscBundle.dgram_is_bundle(datagram)
        bundle = OscBundle(datagram)
        for content in bundle:
            assert isinstance(content, OscMessage)
            messages.append(content)
    return messages


def type_tags(message: OscMessage) -> str:
    """The message's type tags, read from its bytes by the rules of OSC 1.0."""
    raw: bytes = message.dgram
    start = (raw.index(b"\x00") // 4 + 1) * 4
    return raw[start : raw.index(b"\x00", start)].decode()


def read_events(datagrams: list[bytes]) -> list[Any]:
    """The messages as vmcp's events; raises where vmcp would refuse one."""
    return [
        EVENTS[message.address].from_message_data("test", message.address, tuple(message.params))
        for message in read_messages(datagrams)
    ]
