"""What is said to a camera, byte by byte: passwords as the standards want them, messages however they are cut."""

import numpy as np
import pytest

from producer_service.capture.authorization import Challenge, choose_challenge
from producer_service.capture.rtsp_messages import BrokenRtsp, Message, Packet, RtspParser


@pytest.mark.parametrize(
    ("challenge", "nonce", "expected"),
    [
        # The examples of RFC 2069 (corrected), RFC 2617 and RFC 7616.
        (
            'Digest realm="testrealm@host.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093"',
            "",
            "670fd8c2df070c60b045671b8b24ff02",
        ),
        (
            'Digest realm="testrealm@host.com", qop="auth,auth-int", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093"',
            "0a4f113b",
            "6629fae49393a05397450978507c4ef1",
        ),
    ],
)
def test_digests_are_those_of_the_standards(challenge: str, nonce: str, expected: str) -> None:
    answer = Challenge(challenge).answer("Mufasa", "Circle Of Life", "GET", "/dir/index.html", lambda: nonce)
    assert f'response="{expected}"' in answer
    assert "Circle" not in answer


@pytest.mark.parametrize(
    ("algorithm", "expected"),
    [
        ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ],
)
def test_digests_of_both_algorithms(algorithm: str, expected: str) -> None:
    challenge = Challenge(
        f'Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm={algorithm},'
        ' nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"'
    )
    own = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"
    answer = challenge.answer("Mufasa", "Circle of Life", "GET", "/dir/index.html", lambda: own)
    assert f'response="{expected}"' in answer
    assert f"algorithm={algorithm}" in answer
    assert "nc=00000001" in answer
    assert "nc=00000002" in challenge.answer("Mufasa", "Circle of Life", "GET", "/dir/index.html")


def test_of_several_ways_the_strongest_that_can_be_answered_is_taken() -> None:
    basic, md5, sha = 'Basic realm="c"', 'Digest realm="c", nonce="1"', 'Digest realm="c", nonce="1", algorithm=SHA-256'
    unknown = ['Bearer realm="c"', 'Digest realm="c", nonce="1", algorithm=MD5-sess', 'Digest realm="c"']
    unknown += ['Digest realm="c", nonce="1", qop="auth-int"']
    chosen = [choose_challenge(headers) for headers in ([basic, md5, sha], [md5, basic], [*unknown, basic], unknown)]
    assert [None if one is None else one.strength for one in chosen] == [3, 2, 1, None]


def test_a_user_cannot_end_the_header_they_are_named_in() -> None:
    answer = Challenge('Digest realm="a\\"b", nonce="1"').answer('x"\r\nEvil: 1', "p", "GET", "/")
    assert "\r" not in answer
    assert 'username="x\\"Evil: 1"' in answer
    assert 'realm="a\\"b"' in answer


CONVERSATION = (
    b"RTSP/1.0 200 OK\r\nCSeq: 1\r\nContent-Length: 4\r\n\r\nv=0\n"
    b"$\x00\x00\x03abc"
    b"\r\n"
    b"OPTIONS rtsp://h/ RTSP/1.0\r\nCSeq: 9\r\n\r\n"
    b"$\x01\x00\x00"
)


def test_a_conversation_is_cut_into_the_same_parts_however_it_arrives() -> None:
    dice = np.random.default_rng(5)
    for _ in range(200):
        cuts = np.sort(dice.integers(0, len(CONVERSATION), 12))
        parser = RtspParser()
        items = [
            item
            for part in np.split(np.frombuffer(CONVERSATION, np.uint8), cuts)
            for item in parser.feed(part.tobytes())
        ]
        assert items == [
            Message("RTSP/1.0 200 OK", [("CSeq", "1"), ("Content-Length", "4")], b"v=0\n"),
            Packet(b"$\x00\x00\x03abc"),
            Message("OPTIONS rtsp://h/ RTSP/1.0", [("CSeq", "9")]),
            Packet(b"$\x01\x00\x00"),
        ]
        first, _, request, _ = items
        assert isinstance(first, Message)
        assert isinstance(request, Message)
        assert (first.status, request.status) == (200, None)
        assert first.pack() == CONVERSATION[: CONVERSATION.index(b"$")]


@pytest.mark.parametrize(
    "sent",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
        b"\x00" * 40_000,
        b"RTSP/1.0 200 OK\r\n" + b"X: y\r\n" * 10_000,
        b"RTSP/1.0 200 OK\r\nContent-Length: 99999999999\r\n\r\n",
        b"RTSP/1.0 200 OK\r\nContent-Length: -1\r\n\r\n",
    ],
)
def test_what_is_no_rtsp_or_too_long_ends_the_conversation(sent: bytes) -> None:
    with pytest.raises(BrokenRtsp):
        list(RtspParser().feed(sent))
