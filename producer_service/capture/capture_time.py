"""When a recording was made, as a person writes it."""

from datetime import UTC, datetime
from typing import Final

from keypoints.errors import Terminal

_US_PER_MS: Final = 1000
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class InvalidCaptureTime(Terminal):
    """A capture time that cannot be read. Fields: text."""


def parse_capture_time(text: str) -> int:
    """µs since 1970 of an ISO 8601 time (`2025-03-01T09:30:00Z`; without zone: UTC), or of ms since 1970 in digits.

    Raises InvalidCaptureTime.
    """
    stripped = text.strip()
    if stripped.isdecimal() and len(stripped) > len("20250301"):
        return int(stripped) * _US_PER_MS
    try:
        moment = datetime.fromisoformat(stripped)
    except ValueError as error:
        raise InvalidCaptureTime(
            f"{text!r} is no time", hint="write it as 2025-03-01T09:30:00Z, or as ms since 1970", text=text
        ) from error
    since_epoch = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - _EPOCH
    return (since_epoch.days * 86_400 + since_epoch.seconds) * 1_000_000 + since_epoch.microseconds
