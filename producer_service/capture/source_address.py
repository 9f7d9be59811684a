"""Addresses of video streams: read strictly, shown without their secrets.

Only the parts this module found are used to connect, so that no second reader can find another host in an address.
"""

import ipaddress
import re
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import unquote, urlsplit

from keypoints.errors import Terminal

IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

DEFAULT_PORTS: Final = {"rtsp": 554, "rtsps": 322, "http": 80, "https": 443}
"""The schemes a stream may have, each with its port."""

_MAX_CHARACTERS: Final = 2048
_HOST_MAX_CHARACTERS: Final = 253
_LABEL: Final = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
# What C's inet_aton takes for a number: 127, 0177, 0x7f. A name that ends in one is read as an address by some.
_NUMERIC_LABEL: Final = re.compile(r"\d+|0x[0-9a-f]*")
_PRINTABLE_ASCII: Final = re.compile(r"[!-~]+")
_SCHEME: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*(?=://)")
_MASK: Final = "***"
# Names whose values tell which picture is meant; every other value of a query may be a secret.
_HARMLESS_KEYS: Final = frozenset(
    {"camera", "channel", "codec", "compression", "format", "fps", "height", "profile", "resolution", "stream"}
    | {"subtype", "transportmode", "unicast", "width"}
)
_SECRET_IN_PATH: Final = re.compile(
    r"((?:user|usr|login|pass|pwd|psw|token|auth|key|secret|sig|session)[a-z]*=)[^&;/?]*?(?=_[a-z]+=|[&;/?]|$)",
    re.IGNORECASE,
)


class InvalidAddress(Terminal):
    """An address that is none, or that could be read in two ways. Fields: address (without its secrets)."""


@dataclass(frozen=True, slots=True)
class StreamAddress:
    """An address in its parts. `host` is in lower case, without brackets; `target` is the path and the query as given.

    Neither `str` nor `repr` shows what may be a secret.
    """

    scheme: str
    host: str
    port: int
    shown: str
    target: str = field(repr=False)
    user: str | None = field(default=None, repr=False)
    password: str | None = field(default=None, repr=False)

    def __str__(self) -> str:
        return self.shown

    @property
    def secure(self) -> bool:
        """Whether the connection is encrypted."""
        return self.scheme in ("rtsps", "https")

    @property
    def authority(self) -> str:
        """Host and port as they stand in a request: without the user, the port only where it is not the scheme's."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def path_shown(self) -> str:
        """The path without its secrets, for names."""
        return _mask_path(self.target.partition("?")[0])


def is_address(text: str) -> bool:
    """Whether a person meant an address (`scheme://…`), of whatever scheme, not a file."""
    return _SCHEME.match(text) is not None


def parse_address(text: str) -> StreamAddress:
    """An address of one of the schemes of `DEFAULT_PORTS` in its parts. Raises InvalidAddress."""
    if not _PRINTABLE_ASCII.fullmatch(text) or "\\" in text or len(text) > _MAX_CHARACTERS:
        hint = "write anything but ASCII percent-encoded, and names of other scripts in their xn-- form"
        raise _invalid(text, f"has spaces, backslashes, other scripts, or more than {_MAX_CHARACTERS} characters", hint)
    scheme, _, rest = text.partition("://")
    if scheme.lower() not in DEFAULT_PORTS:
        raise _invalid(text, f"is none of {', '.join(f'{known}://' for known in DEFAULT_PORTS)}")
    authority = re.split(r"[/?#]", rest, maxsplit=1)[0]
    if "#" in text or rest.count("@") > ("@" in authority):
        raise _invalid(text, "can be read in two ways", "write @ as %40, # as %23, / as %2F and ? as %3F")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as error:
        raise _invalid(text, "has no host and port that can be read") from error
    if port == 0 or authority.endswith(":"):
        raise _invalid(text, "has no port from 1 to 65535 after its colon")
    user, password = _unquote(text, parts.username), _unquote(text, parts.password)
    host = _check_host(text, parts.hostname or "", bracketed=parts.netloc.rpartition("@")[2].startswith("["))
    query = f"?{parts.query}" if parts.query else ""
    return StreamAddress(
        scheme=parts.scheme,
        host=host,
        port=port or DEFAULT_PORTS[parts.scheme],
        shown=_show(parts.scheme, authority, parts.path, parts.query),
        target=parts.path + query,
        user=user,
        password=password,
    )


def mask_address(text: str) -> str:
    """An address as it may be shown, well formed or not: when in doubt, too little of it."""
    try:
        return parse_address(text).shown
    except InvalidAddress as error:
        return str(error.fields["address"])


def parse_ip(host: str) -> IpAddress | None:
    """The address a host is written as, or None for a name."""
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _check_host(text: str, host: str, *, bracketed: bool) -> str:
    if bracketed:
        if "%" in host or parse_ip(host) is None:
            raise _invalid(text, "has no IPv6 address between its brackets")
        return str(ipaddress.ip_address(host))
    name = host.removesuffix(".")
    labels = name.split(".")
    if len(name) > _HOST_MAX_CHARACTERS or not all(_LABEL.fullmatch(label) for label in labels):
        raise _invalid(text, "has no host that is a name or an address")
    if _NUMERIC_LABEL.fullmatch(labels[-1]) and not isinstance(parse_ip(name), ipaddress.IPv4Address):
        raise _invalid(text, "has a number for a host", "write an IPv4 address as four decimal numbers")
    return name


def _unquote(text: str, part: str | None) -> str | None:
    if part is None:
        return None
    plain = unquote(part)
    # A line break would end the header it is sent in.
    if not plain.isprintable():
        raise _invalid(text, "has control characters in its user or password")
    return plain


def _invalid(text: str, what: str, hint: str | None = None) -> InvalidAddress:
    shown = _mask_malformed(text)
    return InvalidAddress(f"{shown} {what}", hint=hint, address=shown)


def _show(scheme: str, authority: str, path: str, query: str) -> str:
    user, at, host = authority.rpartition("@")
    shown = f"{scheme}://{_MASK if user else ''}{at}{host}{_mask_path(path)}"
    return f"{shown}?{'&'.join(_mask_pair(pair) for pair in query.split('&'))}" if query else shown


def _mask_malformed(text: str) -> str:
    """What stands before the last @ may be a password in full, and so may every value."""
    scheme, separator, rest = text[:_MAX_CHARACTERS].partition("://")
    if not separator:
        scheme, rest = "", scheme
    before, at, after = rest.rpartition("@")
    path, mark, query = after.partition("?")
    shown = f"{scheme}{separator}{_MASK if before else ''}{at}{_mask_path(path)}"
    shown += f"{mark}{'&'.join(_mask_pair(pair) for pair in query.split('&'))}" if mark else ""
    return shown.encode("unicode_escape").decode()


def _mask_path(path: str) -> str:
    """Some cameras want their password in the path: `/user=admin_password=x_channel=1_stream=0.sdp`."""
    return _SECRET_IN_PATH.sub(rf"\1{_MASK}", path)


def _mask_pair(pair: str) -> str:
    key, equals, value = pair.partition("=")
    if not value:
        return pair if equals or len(pair) <= 2 else _MASK
    return pair if key.lower() in _HARMLESS_KEYS else f"{key}={_MASK}"
