"""OSC as others write it is read; what is no OSC is refused with a reason, never a crash."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pythonosc.osc_bundle_builder import IMMEDIATELY, OscBundleBuilder
from pythonosc.osc_message_builder import OscMessageBuilder

from consumers.avatar.monitor.osc import Argument, Malformed, OscMessage, read_packet

ARGUMENTS: st.SearchStrategy[tuple[str, Argument]] = st.one_of(
    st.tuples(st.just("i"), st.integers(-(2**31), 2**31 - 1)),
    st.tuples(st.just("f"), st.floats(width=32, allow_nan=False)),
    st.tuples(st.just("s"), st.text(st.characters(codec="utf-8", exclude_characters="\x00"))),
    st.tuples(st.just("b"), st.binary(min_size=1)),
    st.tuples(st.just("h"), st.integers(-(2**63), 2**63 - 1)),
    st.tuples(st.just("d"), st.floats(allow_nan=False)),
    st.tuples(st.just("T"), st.just(True)),
    st.tuples(st.just("N"), st.just(None)),
)


def build(address: str, *arguments: tuple[str, Argument]) -> bytes:
    builder = OscMessageBuilder(address)
    for tag, argument in arguments:
        builder.add_arg(argument, tag)
    return builder.build().dgram


def pad(text: bytes) -> bytes:
    return text + b"\x00" * (4 - len(text) % 4)


@given(st.lists(ARGUMENTS))
def test_messages_that_python_osc_writes_are_read(arguments: list[tuple[str, Argument]]) -> None:
    tags = "".join(tag for tag, _ in arguments)
    assert read_packet(build("/a", *arguments)) == [OscMessage("/a", tags, tuple(value for _, value in arguments))]


def test_bundles_within_bundles_are_read_in_order() -> None:
    inner, outer = OscBundleBuilder(IMMEDIATELY), OscBundleBuilder(IMMEDIATELY)
    for address in ("/b", "/c"):
        inner.add_content(OscMessageBuilder(address).build())
    outer.add_content(OscMessageBuilder("/a").build())
    outer.add_content(inner.build())
    outer.add_content(OscMessageBuilder("/d").build())
    assert [message.address for message in read_packet(outer.build().dgram)] == ["/a", "/b", "/c", "/d"]


@pytest.mark.parametrize(
    ("packet", "reason"),
    [
        (b"", "string without an end"),
        (b"abc\x00", "does not begin with /"),
        (b"/abcd", "string without an end"),
        (b"/a\x00x", "not filled up"),
        (pad(b"/\xff") + pad(b","), "not UTF-8"),
        (pad(b"/a") + pad(b"f") + struct.pack(">f", 1.0), "type tags do not begin"),
        (pad(b"/a") + pad(b",f"), "ends within an argument"),
        (pad(b"/a") + pad(b",q") + bytes(4), "type that OSC does not have"),
        (pad(b"/a") + pad(b",f") + bytes(8), "4 bytes behind"),
        (pad(b"/a") + pad(b",b") + struct.pack(">i", 9) + bytes(4), "blob of 9 bytes"),
        (pad(b"/a") + pad(b",b") + struct.pack(">i", -4), "blob of -4 bytes"),
        (b"#bundle\x00", "without its time tag"),
        (b"#bundle\x00" + bytes(8) + struct.pack(">i", 100), "element of 100 bytes"),
        (b"#bundle\x00" + bytes(8) + struct.pack(">i", 0), "element of 0 bytes"),
        (b"#bundle\x00" + bytes(10), "ends within a size"),
    ],
)
def test_what_is_no_osc_is_refused_with_a_reason(packet: bytes, reason: str) -> None:
    with pytest.raises(Malformed, match=reason):
        read_packet(packet)


def test_bundles_without_end_are_refused() -> None:
    packet = build("/a")
    for _ in range(20):
        packet = b"#bundle\x00" + struct.pack(">Qi", 1, len(packet)) + packet
    with pytest.raises(Malformed, match="deep"):
        read_packet(packet)


@given(st.binary(max_size=200), st.sampled_from([b"", b"/VMC\x00\x00\x00\x00,sf\x00", b"#bundle\x00\x00\x00\x00\x00"]))
def test_any_bytes_are_read_or_refused(noise: bytes, begins: bytes) -> None:
    try:
        messages = read_packet(begins + noise)
    except Malformed:
        return
    assert all(len(message.tags) == len(message.arguments) for message in messages)
