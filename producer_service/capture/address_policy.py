"""Which addresses the producer may connect to, when somebody else than its operator names them.

A stream's address given through the API is a way to make this machine talk to what only it can reach: other services
on its loopback, a router's page, a cloud's metadata. So an address is resolved once, every address it resolves to is
checked, and the connection is made to exactly those (`pinned_connection`): a name that resolves to something else a
moment later (DNS rebinding) changes nothing. Redirects are refused where the connection is read, and FFmpeg never
connects anywhere but to this process (`loopback_door`).

What remains: a public address may itself forward to a private one (a proxy, a tunnel), which nobody can see from here.
"""

import ipaddress
import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from keypoints.errors import Terminal, Transient
from producer_service.capture.source_address import IpAddress, StreamAddress, parse_address, parse_ip

IpNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network

Resolve = Callable[[str], list[str]]
"""Every address of a host name, as text. Raises OSError."""

_SPECIAL_IPV4: Final = tuple(
    ipaddress.IPv4Network(network)
    for network in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
    )
)
"""IANA's special purpose addresses: this network, private, carriers', loopback, link-local (metadata), multicast …"""

_PUBLIC_IPV6: Final = ipaddress.IPv6Network("2000::/3")
_SPECIAL_IPV6: Final = tuple(
    ipaddress.IPv6Network(network) for network in ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")
)
"""Within the public range: tunnels that carry an IPv4 address (Teredo, 6to4), examples, and other protocols."""
_NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")

# Never a camera, whatever a name that may be private resolves to: the metadata services of clouds among them.
_NEVER_BY_NAME: Final = tuple(
    ipaddress.ip_network(network)
    for network in (
        "0.0.0.0/8",
        "100.100.100.200/32",
        "169.254.0.0/16",
        "192.0.0.192/32",
        "224.0.0.0/4",
        "240.0.0.0/4",
        "::/128",
        "fd00:ec2::/32",
        "fe80::/10",
        "ff00::/8",
    )
)


class AddressRefused(Terminal):
    """An address nobody may connect to. Fields: address (without its secrets). What it resolves to is not told."""


class HostUnknown(Transient):
    """A name that does not resolve now. Fields: address, host."""


@dataclass(frozen=True, slots=True)
class AddressPolicy:
    """What is allowed beyond the public internet, and whether addresses may be given at all.

    `allowed_networks` opens private addresses (cameras are usually there), `allowed_hosts` opens those a name in lower
    case resolves to, but never link-local or multicast ones.
    """

    urls_allowed: bool = False
    allowed_networks: tuple[IpNetwork, ...] = ()
    allowed_hosts: frozenset[str] = field(default_factory=frozenset)


OPERATORS_OWN: Final = AddressPolicy(True, (ipaddress.IPv4Network("0.0.0.0/0"), ipaddress.IPv6Network("::/0")))
"""For who names sources at the command line: anywhere this machine can reach, they can reach as well."""


@dataclass(frozen=True, slots=True)
class CheckedAddress:
    """An address and where it may be connected to: these, and no others."""

    address: StreamAddress
    addresses: tuple[IpAddress, ...]


def resolve_host(host: str) -> list[str]:
    """The system's own resolver. Raises OSError."""
    found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return [str(sockaddr[0]) for *_, sockaddr in found]


def check_address(url: str, policy: AddressPolicy, resolve: Resolve = resolve_host) -> CheckedAddress:
    """The address in parts with every IP address of its host, all of which the policy allows.

    Raises InvalidAddress for what is no address of a stream, AddressRefused when the policy refuses addresses or one
    of the host's, HostUnknown when the name does not resolve.
    """
    address = parse_address(url)
    if not policy.urls_allowed:
        message = "addresses are not taken as sources here"
        raise AddressRefused(
            message, hint="upload the video, or have the producer's operator allow addresses", address=address.shown
        )
    resolved = _resolve(address, resolve)
    named = address.host in policy.allowed_hosts
    for ip in resolved:
        if not _may_connect(ip, policy, named=named):
            raise AddressRefused(
                f"{address.shown} is not at a public address",
                hint="the producer's operator can allow its network or its host",
                address=address.shown,
            )
    return CheckedAddress(address, resolved)


def is_public(ip: IpAddress) -> bool:
    """Whether an address is one of the public internet, IPv4 inside IPv6 looked at for what it is."""
    if isinstance(ip, ipaddress.IPv4Address):
        return not any(ip in network for network in _SPECIAL_IPV4)
    inside = _ipv4_inside(ip)
    if inside is not None:
        return is_public(inside)
    return ip in _PUBLIC_IPV6 and not any(ip in network for network in _SPECIAL_IPV6)


def _may_connect(ip: IpAddress, policy: AddressPolicy, *, named: bool) -> bool:
    inside = _ipv4_inside(ip) if isinstance(ip, ipaddress.IPv6Address) else None
    judged: IpAddress = ip if inside is None else inside
    if is_public(judged) or any(judged in network for network in policy.allowed_networks):
        return True
    return named and not any(judged in network for network in _NEVER_BY_NAME)


def _ipv4_inside(ip: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """The IPv4 address an IPv6 address stands for (mapped, or behind NAT64)."""
    if ip.ipv4_mapped is not None:
        return ip.ipv4_mapped
    return ipaddress.IPv4Address(int(ip) & 0xFFFF_FFFF) if ip in _NAT64 else None


def _resolve(address: StreamAddress, resolve: Resolve) -> tuple[IpAddress, ...]:
    written = parse_ip(address.host)
    if written is not None:
        return (written,)
    try:
        found = resolve(address.host)
    except (OSError, UnicodeError) as error:
        raise _unknown(address) from error
    # An answer with a zone (fe80::1%eth0) is link-local, and judged as such.
    addresses = tuple(dict.fromkeys(ipaddress.ip_address(text.partition("%")[0]) for text in found))
    if not addresses:
        raise _unknown(address)
    return addresses


def _unknown(address: StreamAddress) -> HostUnknown:
    message = f"no address is known for the host {address.host}"
    return HostUnknown(message, hint="check the name", address=address.shown, host=address.host)
