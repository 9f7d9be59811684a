"""Ports: free when picked, and a taken one is said."""

from __future__ import annotations

import random
import socket

import pytest

from local_stack.errors import PortTaken
from local_stack.layout import LOOPBACK
from local_stack.ports import check_port, is_free, is_listening, pick_port


def test_a_picked_port_is_free_and_none_of_the_taken() -> None:
    first = pick_port(random.Random(5))
    second = pick_port(random.Random(5), taken=[first])
    assert first != second
    assert is_free(first)
    assert not is_listening(first)


def test_a_port_where_another_program_listens_is_refused_with_its_number() -> None:
    with socket.create_server((LOOPBACK, 0)) as server:
        port = server.getsockname()[1]
        assert is_listening(port)
        with pytest.raises(PortTaken, match=f"port {port}, asked for kafka") as caught:
            check_port("kafka", port)
        assert caught.value.fields == {"part": "kafka", "port": port}
    assert check_port("kafka", port) == port
