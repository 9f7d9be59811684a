"""What passes between a process and its children."""

import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from producer_service.isolation.child_process import ChildProcess
from producer_service.isolation.messages import PeerGone, receive_message, send_message
from producer_service.isolation.picture_memory import AttachedMemory, PictureMemory


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


def test_a_message_of_megabytes_arrives_whole_and_its_picture_is_seen_without_a_copy(
    pair: tuple[socket.socket, socket.socket],
) -> None:
    ours, theirs = pair
    memory = PictureMemory()
    memory.reserve(2, 2)[:] = 7
    body = os.urandom(8 * 1024 * 1024)
    sending = threading.Thread(target=send_message, args=(ours, {"do": "find"}, body, [memory.fd]))
    sending.start()
    head, received, (fd,) = receive_message(theirs, files=True)
    sending.join()
    attached = AttachedMemory(fd)
    assert (head, received) == ({"do": "find"}, body)
    assert (attached.view(2, 2) == 7).all()
    attached.view(2000, 2000)[:] = 9
    assert (memory.reserve(2000, 2000) == 9).all()
    attached.close()
    memory.close()


def test_memory_cannot_be_taken_from_under_its_reader() -> None:
    memory = PictureMemory()
    with pytest.raises(PermissionError):
        os.ftruncate(memory.fd, 0)
    assert np.array_equal(memory.reserve(1, 1), [[[0, 0, 0]]])
    memory.close()


def test_a_side_that_hangs_up_is_heard(pair: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = pair
    send_message(ours, {"half": 1})
    ours.close()
    assert receive_message(theirs)[0] == {"half": 1}
    with pytest.raises(PeerGone):
        receive_message(theirs)
    with pytest.raises(PeerGone):
        send_message(theirs, {}, bytes(1 << 20))


@pytest.mark.parametrize("nonsense", [b"\xff" * 8, b"\x02\x00\x00\x00\x00\x00\x00\x00{x"])
def test_a_side_that_talks_nonsense_is_as_good_as_gone(
    pair: tuple[socket.socket, socket.socket], nonsense: bytes
) -> None:
    ours, theirs = pair
    ours.sendall(nonsense)
    with pytest.raises(PeerGone):
        receive_message(theirs)


def test_a_child_ends_when_its_parent_hangs_up() -> None:
    child = ChildProcess("producer_service.capture.decoder_process", ["{}"])
    assert receive_message(child.socket)[0] == {"ready": True}
    assert child.close() == 0


def test_files_nobody_asked_for_are_not_taken(pair: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = pair
    before = count_open("/dev/null")
    with Path(os.devnull).open("rb") as file:
        send_message(ours, {"here": "you are"}, b"", [file.fileno()])
    assert receive_message(theirs) == ({"here": "you are"}, b"", [])
    assert count_open("/dev/null") == before


def count_open(path: str) -> int:
    """Descriptors of this process that are open on it."""
    return sum(os.path.realpath(descriptor) == path for descriptor in Path("/proc/self/fd").iterdir())
