"""How a message is signed, so that its receiver knows whom it is from.

As Standard Webhooks 1.0.0 has it (github.com/standard-webhooks/standard-webhooks, spec/standard-webhooks.md, "Signature
scheme" and "Webhook headers"): HMAC-SHA256 over id, time of the attempt and body, joined by full stops; the secret is
base64 behind `whsec_`. Its libraries verify what is signed here.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from consumers.analytics.reactions.rule import Rule
from keypoints.errors import Terminal

FEWEST_KEY_BYTES: Final = 24
_PREFIX: Final = "whsec_"
_ADVICE: Final = 'make one with: echo "whsec_$(openssl rand -base64 32)"'


class SecretUnusable(Terminal):
    """A secret that is not set, or none. Fields: variable."""


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A secret's bytes, which are in no text made of it."""

    key: bytes = field(repr=False)

    def sign(self, message_id: str, timestamp_s: int, body: bytes) -> str:
        """The signature, as it stands in `webhook-signature`."""
        signed = b".".join((message_id.encode(), str(timestamp_s).encode(), body))
        return f"v1,{base64.b64encode(hmac.digest(self.key, signed, hashlib.sha256)).decode()}"


@dataclass(frozen=True, slots=True)
class Route:
    """Whom a rule tells, and with which signatures."""

    rule: Rule
    keys: tuple[SigningKey, ...]

    def headers(self, message_id: str, timestamp_s: int, body: bytes) -> dict[str, str]:
        """Those that say which message it is, of when, and whose; `timestamp_s` is that of the attempt."""
        return {
            "webhook-id": message_id,
            "webhook-timestamp": str(timestamp_s),
            "webhook-signature": " ".join(key.sign(message_id, timestamp_s, body) for key in self.keys),
        }


def find_routes(rules: Sequence[Rule], environment: Mapping[str, str]) -> dict[str, Route]:
    """Each rule's route, by its name. Raises SecretUnusable, naming the variable and never what is in it."""
    return {rule.name: Route(rule, _read_keys(rule, environment)) for rule in rules}


def _read_keys(rule: Rule, environment: Mapping[str, str]) -> tuple[SigningKey, ...]:
    """The secrets in the rule's variable: several, parted by spaces, while one takes the place of another."""
    variable = rule.secret_variable
    secrets = environment.get(variable, "").split()
    if not secrets:
        raise SecretUnusable(
            f"{variable} is not set, and the messages of rule {rule.name} are signed with it",
            hint=_ADVICE,
            variable=variable,
        )
    return tuple(_read_key(secret, variable) for secret in secrets)


def _read_key(secret: str, variable: str) -> SigningKey:
    try:
        encoded = secret.removeprefix(_PREFIX)
        key = secret.encode() if encoded == secret else base64.b64decode(encoded, validate=True)
    except binascii.Error:
        raise SecretUnusable(
            f"what follows {_PREFIX} in {variable} is not base64", hint=_ADVICE, variable=variable
        ) from None
    if len(key) < FEWEST_KEY_BYTES:
        raise SecretUnusable(
            f"the secret in {variable} is shorter than {FEWEST_KEY_BYTES} bytes", hint=_ADVICE, variable=variable
        )
    return SigningKey(key)
