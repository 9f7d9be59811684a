"""What a camera is answered when it asks who calls: Basic and Digest (RFC 7617, RFC 7616), for HTTP and RTSP alike."""

import hashlib
import re
import secrets
from base64 import b64encode
from collections.abc import Callable, Iterable, Mapping
from typing import Final

_PARAMETER: Final = re.compile(r'([A-Za-z0-9_-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))')
_HASHES: Final[Mapping[str, str]] = {"md5": "md5", "sha-256": "sha256"}


class Challenge:
    """One way a server takes a user's name and password."""

    def __init__(self, header: str) -> None:
        """Read one `WWW-Authenticate` header of one challenge."""
        scheme, _, rest = header.strip().partition(" ")
        self.scheme = scheme.lower()
        self.parameters = {
            name.lower(): re.sub(r"\\(.)", r"\1", quoted) if quoted else token
            for name, quoted, token in _PARAMETER.findall(rest)
        }
        self._requests = 0

    @property
    def strength(self) -> int:
        """Which of several challenges to answer: the greatest; 0 is one that cannot be answered."""
        if self.scheme == "basic":
            return 1
        if self.scheme != "digest" or "nonce" not in self.parameters or not self._takes_plain_quality:
            return 0
        return {"md5": 2, "sha-256": 3}.get(self._algorithm, 0)

    def answer(
        self,
        user: str,
        password: str,
        method: str,
        uri: str,
        make_nonce: Callable[[], str] = lambda: secrets.token_hex(8),
    ) -> str:
        """The value of the `Authorization` header for one request."""
        if self.scheme == "basic":
            return f"Basic {b64encode(f'{user}:{password}'.encode()).decode()}"
        self._requests += 1
        realm, nonce = self.parameters.get("realm", ""), self.parameters["nonce"]
        secret = self._hash(f"{user}:{realm}:{password}")
        asked = self._hash(f"{method}:{uri}")
        fields = {"username": user, "realm": realm, "nonce": nonce, "uri": uri}
        if "opaque" in self.parameters:
            fields["opaque"] = self.parameters["opaque"]
        plain = {}
        if "algorithm" in self.parameters:
            plain["algorithm"] = self.parameters["algorithm"]
        if "qop" in self.parameters:
            count, own_nonce = f"{self._requests:08x}", make_nonce()
            fields |= {"cnonce": own_nonce}
            plain |= {"qop": "auth", "nc": count}
            fields["response"] = self._hash(f"{secret}:{nonce}:{count}:{own_nonce}:auth:{asked}")
        else:
            fields["response"] = self._hash(f"{secret}:{nonce}:{asked}")
        quoted = [f'{name}="{_escape(value)}"' for name, value in fields.items()]
        return "Digest " + ", ".join(quoted + [f"{name}={value}" for name, value in plain.items()])

    @property
    def _algorithm(self) -> str:
        return self.parameters.get("algorithm", "md5").lower()

    @property
    def _takes_plain_quality(self) -> bool:
        return "auth" in self.parameters.get("qop", "auth").replace(" ", "").split(",")

    def _hash(self, text: str) -> str:
        return hashlib.new(_HASHES[self._algorithm], text.encode(), usedforsecurity=False).hexdigest()


def choose_challenge(headers: Iterable[str]) -> Challenge | None:
    """The strongest challenge that can be answered, out of the `WWW-Authenticate` headers; None where there is none."""
    challenges = [Challenge(header) for header in headers]
    best = max(challenges, key=lambda challenge: challenge.strength, default=None)
    return best if best is not None and best.strength else None


def _escape(text: str) -> str:
    printable = "".join(character for character in text if character.isprintable())
    return printable.replace("\\", "\\\\").replace('"', '\\"')
