"""Tokens for SASL OAUTHBEARER: OAuth 2.0 client credentials (RFC 6749, section 4.4) from a token endpoint."""

import base64
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from functools import lru_cache

import orjson
from kafka.net.sasl.oauth import AbstractTokenProvider

from kafka_io.errors import KafkaRefused, KafkaUnavailable
from keypoints.errors import HolisticError

# The client asks for tokens on the thread its heartbeats are sent from.
_TIMEOUT_S = 5.0
# A token is renewed before it ends, so that none ends on its way to the broker.
_MARGIN_S = 30.0
_LIFETIME_S = 300.0


class ClientCredentials(AbstractTokenProvider):  # type: ignore[misc]
    """Asks for a token when the last one is about to end. Safe to share between threads and clients."""

    def __init__(
        self, url: str, client_id: str, secret: str, scope: str | None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__()
        self._url = url
        self._client_id = client_id
        self._secret = secret
        self._scope = scope
        self._clock = clock
        self._lock = threading.Lock()
        self._token = ""
        self._renew_at = 0.0

    def token(self) -> str:
        """A token that is good for a while. Raises KafkaUnavailable or KafkaRefused, neither showing the secret."""
        with self._lock:
            if not self._token or self._clock() >= self._renew_at:
                self._token, lifetime_s = self._ask()
                self._renew_at = self._clock() + max(0.0, lifetime_s - _MARGIN_S)
            return self._token

    def _ask(self) -> tuple[str, float]:
        form = {"grant_type": "client_credentials"} | ({"scope": self._scope} if self._scope else {})
        login = ":".join(urllib.parse.quote(part, safe="") for part in (self._client_id, self._secret))
        request = urllib.request.Request(  # noqa: S310 - the scheme is checked by the settings
            self._url,
            urllib.parse.urlencode(form).encode(),
            {"Authorization": f"Basic {base64.b64encode(login.encode()).decode()}", "Accept": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as answer:  # noqa: S310
                content = orjson.loads(answer.read())
            return str(content["access_token"]), float(content.get("expires_in", _LIFETIME_S))
        except urllib.error.HTTPError as error:
            with error:
                raise self._explain_status(error.code) from None
        except (OSError, ValueError, KeyError, TypeError) as error:
            reason = getattr(error, "reason", None) or type(error).__name__
            raise KafkaUnavailable(
                f"no token from {self._url}: {reason}", hint="is KAFKA_SASL_OAUTH_TOKEN_URL right?", url=self._url
            ) from None

    def _explain_status(self, status: int) -> HolisticError:
        message = f"{self._url} gave {self._client_id} no token: HTTP {status}"
        if status in {400, 401, 403}:
            hint = "are KAFKA_SASL_OAUTH_CLIENT_ID and KAFKA_SASL_OAUTH_CLIENT_SECRET right?"
            return KafkaRefused(message, hint=hint, url=self._url)
        return KafkaUnavailable(message, url=self._url)


@lru_cache(maxsize=16)
def share_credentials(url: str, client_id: str, secret: str, scope: str | None) -> ClientCredentials:
    """The provider for these credentials: all clients of a process use the same tokens."""
    return ClientCredentials(url, client_id, secret, scope)
