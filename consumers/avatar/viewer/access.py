"""Which pages may watch and change something: the service's own, and those of listed origins.

Who may is the matter of the gate in front, which asks for a key where one is set. A browser opens a WebSocket for a
page of any origin, and sends what a page of any origin posts, though the page may not read the answer. A name that its
owner points at this machine (DNS rebinding) makes a foreign page look like ours. So where no key is asked for, the name
must be known, if only this machine reaches the service, or if any are listed.
"""

from dataclasses import dataclass
from typing import Final

from starlette.datastructures import Headers
from starlette.types import Scope

from connect_runtime.control.errors import NotGranted
from observability.own_names import is_known_host, is_own_origin

_CHANGES_NOTHING: Final = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(frozen=True, slots=True)
class PageRules:
    """`origins` and `hosts` are listed in small letters; `asks_key` and `only_loopback` say how the port is reached."""

    origins: frozenset[str] = frozenset()
    hosts: frozenset[str] = frozenset()
    asks_key: bool = False
    only_loopback: bool = True

    def check(self, scope: Scope) -> None:
        """Raise NotGranted where a request or WebSocket comes from a page that may not."""
        headers = Headers(scope=scope)
        host, origin = headers.get("host", ""), headers.get("origin")
        is_known = self.asks_key or is_known_host(host, self.hosts)
        if not is_known and (self.only_loopback or self.hosts):
            raise NotGranted("this service is not known by that name", hint="HOLISTIC_AVATAR_HOSTS lists its names")
        if origin is None or (scope["type"] == "http" and scope["method"] in _CHANGES_NOTHING):
            return
        if not (is_known and is_own_origin(origin, host)) and origin.lower() not in self.origins:
            raise NotGranted(
                "pages of this origin may neither watch nor change anything",
                hint="HOLISTIC_AVATAR_ORIGINS lists those that may",
            )
