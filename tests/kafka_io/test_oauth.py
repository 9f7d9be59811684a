"""Tokens: asked for once, and again before they end."""

from kafka_io.oauth import ClientCredentials
from tests.kafka_io.token_endpoint import CLIENT_ID, CLIENT_SECRET, giving_tokens


def test_a_token_is_used_until_shortly_before_its_end() -> None:
    now_s = [0.0]
    with giving_tokens(lifetime_s=100) as endpoint:
        provider = ClientCredentials(endpoint.url, CLIENT_ID, CLIENT_SECRET, "frames", lambda: now_s[0])
        first = provider.token()
        now_s[0] = 69.0
        assert provider.token() == first
        assert endpoint.given == 1
        now_s[0] = 71.0
        provider.token()
        assert (endpoint.given, endpoint.scopes) == (2, ["frames", "frames"])
