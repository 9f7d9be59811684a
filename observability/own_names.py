"""Which names are a service's own, and which web pages: what stands between a browser's other pages and the service."""

import ipaddress
from collections.abc import Collection
from typing import Final
from urllib.parse import urlsplit

_LOOPBACK_NAMES: Final = frozenset({"localhost"})


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
