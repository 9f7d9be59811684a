"""Which addresses the API connects to: none by default, and never one that leads back inside."""

import ipaddress
from collections.abc import Callable

import pytest

from producer_service.capture.address_policy import (
    OPERATORS_OWN,
    AddressPolicy,
    AddressRefused,
    HostUnknown,
    check_address,
)
from producer_service.capture.source_address import InvalidAddress, is_address, mask_address, parse_address

PUBLIC = AddressPolicy(urls_allowed=True)
CAMERA_LAN = AddressPolicy(
    urls_allowed=True,
    allowed_networks=(ipaddress.ip_network("192.168.7.0/24"), ipaddress.ip_network("fd12:3456::/32")),
    allowed_hosts=frozenset({"door.lan"}),
)


def names(**known: str | list[str]) -> Callable[[str], list[str]]:
    """A resolver that knows these names, dots written as underscores."""

    def resolve(host: str) -> list[str]:
        found = known.get(host.replace(".", "_"))
        if found is None:
            raise OSError(-2, "Name or service not known")
        return [found] if isinstance(found, str) else found

    return resolve


NOBODY = names()


def test_by_default_no_address_is_taken() -> None:
    with pytest.raises(AddressRefused):
        check_address("rtsp://93.184.215.14/door", AddressPolicy(), NOBODY)


def test_a_public_camera_is_connected_to_where_its_name_was_when_it_was_checked() -> None:
    checked = check_address(
        "rtsp://ada:s%40cret@cam.example.org:8554/door?channel=1",
        PUBLIC,
        names(cam_example_org=["93.184.215.14", "2606:2800:21f::1", "93.184.215.14"]),
    )
    assert [str(ip) for ip in checked.addresses] == ["93.184.215.14", "2606:2800:21f::1"]
    assert (checked.address.host, checked.address.port) == ("cam.example.org", 8554)
    assert (checked.address.user, checked.address.password) == ("ada", "s@cret")
    assert checked.address.target == "/door?channel=1"


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.8.8.8",
        "0.0.0.0",
        "10.1.2.3",
        "172.16.0.1",
        "172.31.255.254",
        "192.168.7.9",
        "169.254.169.254",
        "100.64.0.1",
        "100.100.100.200",
        "192.0.0.192",
        "198.18.0.1",
        "224.0.0.251",
        "239.255.255.250",
        "255.255.255.255",
        "[::1]",
        "[::]",
        "[fe80::1]",
        "[fc00::1]",
        "[fd00:ec2::254]",
        "[fd12:3456::9]",
        "[ff02::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:a9fe:a9fe]",
        "[::ffff:192.168.7.9]",
        "[::127.0.0.1]",
        "[::ffff:0:127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "[64:ff9b::169.254.169.254]",
        "[64:ff9b:1::1]",
        "[2002:7f00:1::]",
        "[2002:c0a8:707::1]",
        "[2001:0:7f00:1::]",
        "[2001:db8::1]",
        "[fec0::1]",
    ],
)
@pytest.mark.parametrize("scheme", ["rtsp", "https"])
def test_an_address_inside_is_refused(scheme: str, host: str) -> None:
    with pytest.raises(AddressRefused) as refused:
        check_address(f"{scheme}://ada:s3cret@{host}:8080/x?token=s3cret", PUBLIC, NOBODY)
    assert "s3cret" not in repr(refused.value) + str(refused.value.fields)


@pytest.mark.parametrize(
    "address",
    [
        "http://2130706433/",
        "http://0x7f000001/",
        "http://0x7f.0.0.1/",
        "http://017700000001/",
        "http://0177.0.0.1/",
        "http://127.1/",
        "http://127.0.1/",
        "http://127.0.0.01/",
        "http://192.168.7.0x9/",
        "http://1.2.3.4.5/",
        "http://256.256.256.256/",
        "http://①②⑦.⓪.⓪.①/",
        "http://127。0。0。1/",
        "http://127．0．0．1/",
        "http://ｌｏｃａｌｈｏｓｔ/",
        "http://loc\u200balhost/",
        "http://local%68ost/",
        "http://example.org@127.0.0.1@example.org/",
        "http://example.org\\@127.0.0.1/",
        "http://example.org#@127.0.0.1/",
        "http://example.org?@127.0.0.1/",
        "http://example.org/@127.0.0.1/",
        "http://example.org:80:80/",
        "http://example.org:/",
        "http://example.org:0/",
        "http://example.org:65536/",
        "http://example.org:8o/",
        "http://example.org:+80/",
        "http://[::1/",
        "http://::1/",
        "http://[127.0.0.1]/",
        "http://[fe80::1%25eth0]/",
        "http://[v1.x]/",
        "http://",
        "http:///etc/passwd",
        "http://./",
        "http://exa mple.org/",
        "http://example.org/\r\nHost: localhost",
        "http://example.org/\t",
        " http://example.org/",
        "http://ada%0d%0aX:y@example.org/",
        "http://ada:%0d%0ay@example.org/",
        "http://ada:%00@example.org/",
        "http://-example.org/",
        "http://" + "a" * 64 + ".org/",
        "http://" + "a." * 130 + "org/",
        "http://example.org/" + "a" * 3000,
        "file:///etc/passwd",
        "file://localhost/etc/passwd",
        "concat:http://127.0.0.1/a|http://127.0.0.1/b",
        "concat://127.0.0.1/a",
        "subfile,,start,0,end,9,,:/etc/passwd",
        "data:text/plain,x",
        "ftp://example.org/a.mp4",
        "gopher://127.0.0.1:6379/_FLUSHALL",
        "tcp://127.0.0.1:22",
        "udp://@239.0.0.1:1234",
        "rtmp://example.org/live",
        "hls+http://example.org/a.m3u8",
        "async:http://example.org/",
        "crypto+file:///etc/passwd",
        "jar:http://example.org!/",
        "rtsp:/127.0.0.1/x",
        "//127.0.0.1/x",
        "127.0.0.1/x",
        "/etc/passwd",
        "",
    ],
)
def test_what_is_no_address_or_could_be_read_in_two_ways_is_refused_even_for_the_operator(address: str) -> None:
    with pytest.raises(InvalidAddress):
        check_address(address, OPERATORS_OWN, names(example_org="93.184.215.14"))


@pytest.mark.parametrize("user", ["127.0.0.1", "127.0.0.1%2f", "localhost%3f:80", "%5b::1%5d"])
def test_a_user_who_looks_like_a_host_is_none(user: str) -> None:
    checked = check_address(f"http://{user}@example.org/", PUBLIC, names(example_org="93.184.215.14"))
    assert (checked.address.host, [str(ip) for ip in checked.addresses]) == ("example.org", ["93.184.215.14"])


@pytest.mark.parametrize(
    "resolved",
    [
        ["127.0.0.1"],
        ["93.184.215.14", "10.0.0.5"],
        ["2606:2800:21f::1", "::1"],
        ["fe80::1%eth0"],
        ["169.254.169.254"],
        ["::ffff:10.0.0.5"],
    ],
)
def test_a_name_that_leads_inside_with_any_of_its_addresses_is_refused(resolved: list[str]) -> None:
    for host in ("cam.example.org", "cam.example.org.", "CAM.example.org"):
        with pytest.raises(AddressRefused) as refused:
            check_address(f"http://{host}/video", PUBLIC, names(cam_example_org=resolved))
        # Whoever asked does not learn what the producer's resolver knows.
        assert not any(address.partition("%")[0] in str(refused.value) for address in resolved)


@pytest.mark.parametrize("host", ["localhost", "localhost.", "LOCALHOST", "metadata.google.internal"])
def test_names_of_this_machine_and_of_a_clouds_metadata_are_judged_by_where_they_lead(host: str) -> None:
    resolve = names(localhost=["::1", "127.0.0.1"], metadata_google_internal="169.254.169.254")
    with pytest.raises(AddressRefused):
        check_address(f"http://{host}/computeMetadata/v1/", PUBLIC, resolve)


def test_an_allowed_network_or_host_opens_its_addresses_and_no_others() -> None:
    resolve = names(
        door_lan="10.9.8.7", gate_lan="10.9.8.7", mixed_lan=["192.168.7.9", "10.9.8.7"], cam_lan="192.168.7.9"
    )
    for url in (
        "rtsp://192.168.7.9/x",
        "rtsp://[::ffff:192.168.7.9]/x",
        "rtsp://[fd12:3456::9]/x",
        "rtsp://cam.lan/x",
        "rtsp://door.lan/x",
        "rtsp://DOOR.lan./x",
        "rtsp://93.184.215.14/x",
    ):
        check_address(url, CAMERA_LAN, resolve)
    for url in ("rtsp://192.168.8.9/x", "rtsp://gate.lan/x", "rtsp://mixed.lan/x", "rtsp://10.9.8.7/x"):
        with pytest.raises(AddressRefused):
            check_address(url, CAMERA_LAN, resolve)


@pytest.mark.parametrize("inside", ["169.254.169.254", "fd00:ec2::254", "fe80::1", "224.0.0.1", "0.0.0.0", "::"])
def test_an_allowed_host_never_leads_to_metadata_or_to_everybody(inside: str) -> None:
    with pytest.raises(AddressRefused):
        check_address("rtsp://door.lan/x", CAMERA_LAN, names(door_lan=inside))


def test_a_name_that_is_not_known_may_be_later() -> None:
    for resolve in (NOBODY, names(cam_lan=[])):
        with pytest.raises(HostUnknown):
            check_address("rtsp://cam.lan/x", OPERATORS_OWN, resolve)


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("rtsp://ada:s3cret@cam.lan:8554/door", "rtsp://***@cam.lan:8554/door"),
        ("rtsp://s3cret@cam.lan/door", "rtsp://***@cam.lan/door"),
        ("http://cam.lan/v?token=s3cret&channel=2", "http://cam.lan/v?token=***&channel=2"),
        ("http://cam.lan/v?PASSWORD=s3cret&loginuse=s3cret&loginpas=s3cret", None),
        ("http://cam.lan/v?s3cret", "http://cam.lan/v?***"),
        ("http://cam.lan/v?x&channel=1", "http://cam.lan/v?x&channel=1"),
        ("rtsp://cam.lan/user=s3cret_password=s3cret_channel=1_stream=0.sdp?real_stream", None),
        ("rtsp://cam.lan/user=ada&password=s3cret&channel=1", None),
        ("rtsp://ada:s3/cret@cam.lan/door", "rtsp://***@cam.lan/door"),
        ("rtsp://ada:1?s3cret@cam.lan/door", "rtsp://***@cam.lan/door"),
        ("rtsp://ada:1#s3cret@cam.lan/door", "rtsp://***@cam.lan/door"),
        ("rtsp://ada:s3@cret@cam.lan/door", "rtsp://***@cam.lan/door"),
        ("ada:s3cret@cam.lan/door", "***@cam.lan/door"),
        ("rtsp://ada:s3cret@cam .lan/door?pw=s3cret", None),
    ],
)
def test_an_address_is_shown_without_what_may_be_a_secret(address: str, shown: str | None) -> None:
    masked = mask_address(address)
    assert "s3" not in masked
    assert "cret" not in masked
    assert "cam" in masked
    assert shown is None or masked == shown
    assert "s3" not in _tell_all(address)


def _tell_all(address: str) -> str:
    try:
        parsed = parse_address(address)
    except InvalidAddress as error:
        return repr(error) + str(error.fields)
    return repr(parsed) + str(parsed) + parsed.path_shown


def test_what_stands_on_a_terminal_is_no_order_to_it() -> None:
    assert "\x1b" not in mask_address("rtsp://\x1b[2Jcam.lan/door")


def test_addresses_are_told_from_files() -> None:
    assert is_address("rtsp://cam.lan/door")
    assert is_address("file:///etc/passwd")
    assert not is_address("talks/ada.mp4")
    assert not is_address("C:\\talks\\ada.mp4")
    assert not is_address("webcam:0")
