"""One attempt to deliver a message over HTTP."""

import asyncio
from dataclasses import dataclass
from typing import Final

import httpx

from consumers.analytics.reactions.signing import Route
from observability.version import SUITE_VERSION

GONE: Final = httpx.codes.GONE
_HEADERS: Final = {"content-type": "application/json", "user-agent": f"holistic-stream/{SUITE_VERSION}"}
_LONGEST_REASON: Final = 300


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of an attempt."""

    status: int | None
    """The HTTP status; None: there was no answer."""
    reason: str
    """In words that name no address."""
    retry_after_s: float = 0.0
    """What the receiver asks for."""

    @property
    def is_taken(self) -> bool:
        return self.status is not None and 200 <= self.status < 300

    @property
    def is_final(self) -> bool:
        """Whether the receiver wants no more of it."""
        return self.status == GONE


def make_client(answer_s: float) -> httpx.AsyncClient:
    """A client that follows no redirects and keeps no connections: messages are few and far between."""
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=0)
    return httpx.AsyncClient(follow_redirects=False, limits=limits, timeout=answer_s, headers=_HEADERS)


async def send(
    client: httpx.AsyncClient, route: Route, message_id: str, body: bytes, *, now_s: float, answer_s: float
) -> Answer:
    """Send a message and wait for the answer's status, `answer_s` seconds in all. Raises nothing."""
    headers = route.headers(message_id, int(now_s), body)
    try:
        async with (
            asyncio.timeout(answer_s),
            # What is in the answer is of no interest, and may be of any size.
            client.stream("POST", route.rule.webhook, content=body, headers=headers) as response,
        ):
            return Answer(
                response.status_code,
                f"answered {response.status_code}",
                _read_seconds(response.headers.get("retry-after", "")),
            )
    except (TimeoutError, httpx.TimeoutException):
        return Answer(None, f"no answer within {answer_s:g} s")
    except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
        said = str(error) or type(error).__name__
        return Answer(None, f"no answer: {said[:_LONGEST_REASON]}")


def _read_seconds(text: str) -> float:
    return float(text) if text.isascii() and text.isdigit() else 0.0
