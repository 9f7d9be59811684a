"""A name anybody could have pointed at this machine is not taken for its own."""

import pytest

from observability.own_names import check_host, check_origin, is_known_host, is_own_origin


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


@pytest.mark.parametrize("origin", ["https://a.example", "http://localhost:5173/", "http://[::1]:8080"])
def test_what_browsers_send_as_origin_may_be_listed(origin: str) -> None:
    assert check_origin(origin) == origin


@pytest.mark.parametrize(
    "origin",
    ["a.example", "*", "https://*.example", "https://a.example/page", "null", "https://", "https://a b", "http://["],
)
def test_what_no_browser_sends_as_origin_is_refused_with_its_form(origin: str) -> None:
    with pytest.raises(ValueError, match="is no origin: it has the form https://host"):
        check_origin(origin)


@pytest.mark.parametrize("host", ["https://a.example", "a.example:8086", "*", "a b"])
def test_what_is_no_name_is_no_name_of_a_service(host: str) -> None:
    with pytest.raises(ValueError, match="is no name of a host"):
        check_host(host)
