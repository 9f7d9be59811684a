"""Which names are a service's own, and which web pages: what stands between a browser's other pages and the service."""

import ipaddress
from collections.abc import Collection
from typing import Final
from urllib.parse import urlsplit

_LOOPBACK_NAMES: Final = frozenset({"localhost"})
_IN_NO_HOST: Final = frozenset(" *,;@\\")


def is_known_host(host: str, names: Collection[str]) -> bool:
    """Whether a `Host` header is an address, this machine's own name, or one of `names` (in small letters).

    Anybody can point a name of theirs at another's machine (DNS rebinding). An address is no name.
    """
    try:
        name = (urlsplit(f"//{host}").hostname or "").lower()
    except ValueError:
        return False
    if name in names or name in _LOOPBACK_NAMES:
        return True
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def is_own_origin(origin: str, host: str) -> bool:
    """Whether a page of this `Origin` came from the service its browser calls `host`."""
    try:
        return urlsplit(origin).netloc.lower() == host.lower() != ""
    except ValueError:
        return False


def check_origin(text: str) -> str:
    """An origin of a list of those allowed, as it is. Raises ValueError for what no browser would ever send as one."""
    form = f"{text!r} is no origin: it has the form https://host or http://host:port, with nothing after it"
    try:
        parts = urlsplit(text)
        beyond = parts.path.strip("/") or parts.query or parts.fragment or parts.username
        is_origin = parts.scheme in {"http", "https"} and bool(parts.hostname) and not beyond and parts.port != 0
    except ValueError:
        raise ValueError(form) from None
    if not is_origin or not set(parts.netloc).isdisjoint(_IN_NO_HOST):
        raise ValueError(form)
    return text


def check_host(text: str) -> str:
    """A name of a list of a service's own, as it is. Raises ValueError for an address of a page or a port."""
    if not text or not set(text).isdisjoint(_IN_NO_HOST | {"/", ":"}):
        raise ValueError(f"{text!r} is no name of a host: it is written as studio.example, without https:// and port")
    return text
