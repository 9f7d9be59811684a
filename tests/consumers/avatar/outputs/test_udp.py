"""Receivers come and go; sending goes on."""

import logging
import socket

import pytest

from consumers.avatar.outputs.udp import Address, BadTarget, UdpSender, parse_address
from tests.consumers.avatar.receiver import open_receiver


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("127.0.0.1:39540", Address("127.0.0.1", 39540)),
        (" studio.local:1 ", Address("studio.local", 1)),
        ("studio.local", Address("studio.local", 39539)),
        ("[::1]:39539", Address("::1", 39539)),
        ("[::1]", Address("::1", 39539)),
    ],
)
def test_a_target_is_a_host_and_a_port(text: str, target: Address) -> None:
    assert parse_address(text) == target
    assert parse_address(str(target)) == target


@pytest.mark.parametrize("text", ["", ":39539", "host:", "host:0", "host:65536", "host:vmc", "host:-1", "host:³"])
def test_what_is_no_target_is_refused_by_name(text: str) -> None:
    with pytest.raises(BadTarget, match=r"is no target"):
        parse_address(text)


@pytest.mark.parametrize("text", ["::1", "::1:39539", "fe80::2:1"])
def test_an_ipv6_address_is_asked_for_in_brackets(text: str) -> None:
    with pytest.raises(BadTarget) as refusal:
        parse_address(text)
    assert "[::1]:39539" in str(refusal.value.hint)


def test_a_host_nobody_knows_is_said_before_anything_is_sent() -> None:
    with pytest.raises(BadTarget, match=r"no-such-host\.invalid"):
        UdpSender([Address("no-such-host.invalid", 39539)])


@pytest.mark.parametrize("host", ["studio..local", "a" * 64, "255.255.255.255"])
def test_a_host_to_which_nothing_can_be_sent_is_a_bad_target_and_leaves_nothing_open(host: str) -> None:
    with open_receiver() as receiver, pytest.raises(BadTarget) as refusal:
        UdpSender([Address(*receiver.getsockname()), Address(host, 39539)])
    assert refusal.value.fields == {"target": f"{host}:39539"}


def test_every_target_gets_every_datagram() -> None:
    with open_receiver() as first, open_receiver() as second:
        sender = UdpSender([Address(*first.getsockname()), Address(*second.getsockname())])
        assert sender.send([b"one", b"two"]) == 4
        for receiver in (first, second):
            assert [receiver.recv(100), receiver.recv(100)] == [b"one", b"two"]
        sender.close()


def test_a_target_that_is_away_is_counted_said_once_and_found_again(caplog: pytest.LogCaptureFixture) -> None:
    with open_receiver() as here, open_receiver() as leaving:
        away = leaving.getsockname()
        sender = UdpSender([Address(*away), Address(*here.getsockname())])
        leaving.close()
        with caplog.at_level(logging.WARNING):
            for _ in range(5):
                sender.send([b"a", b"b"])
        assert sender.refused > 0
        assert [record.message for record in caplog.records] == [f"No receiver at 127.0.0.1:{away[1]}; sending on."]
        assert [here.recv(100) for _ in range(10)] == [b"a", b"b"] * 5
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as back:
            back.bind(away)
            back.settimeout(2.0)
            sender.send([b"c"])
            assert back.recv(100) == b"c"
        sender.close()
