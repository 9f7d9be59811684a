"""What a forgetting leaves in hand: what was found where, what was removed, how that was verified, and what remains.

The receipt does not name the stream; it has the same digest the ledger has, so that who knows the name can check it. A
SHA-256 over its content is in it and in the ledger: a receipt that was changed has neither.
"""

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

import orjson

from connect_runtime.forgetting.streams import ForgottenStreams, digest_name
from keypoints.errors import Terminal

FORMAT: Final = 1
_DIGEST: Final = "sha256"


class ReceiptFalse(Terminal):
    """A receipt that is none of this ledger's, or was changed since."""


def seal(content: Mapping[str, Any]) -> dict[str, Any]:
    """The content with its digest."""
    return {**content, _DIGEST: _digest(content)}


def check_receipt(receipt: Mapping[str, Any], stream_id: str, forgotten: ForgottenStreams) -> None:
    """Raise ReceiptFalse when this is not a receipt, as it was given, for forgetting this stream."""
    content = {name: value for name, value in receipt.items() if name != _DIGEST}
    if receipt.get(_DIGEST) != _digest(content):
        raise ReceiptFalse("the receipt was changed since it was given: its content has another SHA-256")
    stream: Mapping[str, Any] = content.get("stream") or {}
    if stream.get("digest") != digest_name(str(stream.get("salt", "")), stream_id):
        raise ReceiptFalse("the receipt is for another stream")
    entry = forgotten.find(stream_id)
    if entry is None or receipt[_DIGEST] not in entry.receipts:
        raise ReceiptFalse("the ledger knows of no such receipt", hint="was it given by another cluster?")


def show_time(at_us: int | None) -> str | None:
    """A time in UTC, to the microsecond; None for none, and the number where no calendar has it."""
    if at_us is None:
        return None
    try:
        return datetime.fromtimestamp(at_us / 1e6, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    except (OverflowError, ValueError, OSError):
        return f"{at_us} microseconds since 1970"


def _digest(content: Mapping[str, Any]) -> str:
    return hashlib.sha256(orjson.dumps(content, option=orjson.OPT_SORT_KEYS)).hexdigest()
