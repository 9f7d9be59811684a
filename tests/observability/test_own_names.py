"""A name anybody could have pointed at this machine is not taken for its own."""

import pytest

from observability.own_names import is_known_host, is_own_origin


@pytest.mark.parametrize(
    "host", ["localhost", "LocalHost:8086", "127.0.0.1:80", "[::1]:8086", "10.0.0.7", "studio.test"]
)
def test_addresses_and_listed_names_are_known(host: str) -> None:
    assert is_known_host(host, {"studio.test"})


@pytest.mark.parametrize("host", ["", "evil.test", "localhost.evil.test", "127.0.0.1.evil.test", "[::1"])
def test_other_names_are_not(host: str) -> None:
    assert not is_known_host(host, {"studio.test"})


@pytest.mark.parametrize(
    ("origin", "host", "own"),
    [
        ("http://localhost:8086", "localhost:8086", True),
        ("https://Studio.test", "studio.TEST", True),
        ("http://localhost:8087", "localhost:8086", False),
        ("null", "localhost", False),
        ("null", "", False),
        ("http://[", "localhost", False),
    ],
)
def test_a_page_is_the_services_own_when_host_and_port_are_the_same(origin: str, host: str, own: bool) -> None:
    assert is_own_origin(origin, host) is own
