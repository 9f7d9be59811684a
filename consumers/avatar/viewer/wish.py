"""What a connection asks for in its query."""

from dataclasses import dataclass
from typing import Final

from starlette.datastructures import QueryParams

from connect_runtime.control.errors import BadRequest
from consumers.avatar.viewer.hub import FASTEST_PER_S

_FORMATS: Final = ("binary", "json")
_KNOWN: Final = frozenset({"format", "streams", "rate"})


@dataclass(frozen=True, slots=True)
class Wish:
    """`streams` None is everybody; `least_s` is the time from one message of states to the next, at least."""

    is_binary: bool = True
    streams: frozenset[str] | None = None
    least_s: float = 0.0


def read_wish(query: QueryParams) -> Wish:
    """The wish of a query. Raises BadRequest."""
    unknown = sorted(set(query) - _KNOWN)
    if unknown:
        raise BadRequest(f"there is no {unknown[0][:80]!r} to be asked for: format, streams and rate are")
    form = query.get("format", "binary")
    if form not in _FORMATS:
        raise BadRequest(f"format: {form[:80]!r} is neither binary nor json")
    streams = frozenset(name for name in query.get("streams", "").split(",") if name)
    return Wish(form == "binary", streams or None, _read_least_s(query.get("rate")))


def _read_least_s(rate: str | None) -> float:
    if rate is None:
        return 0.0
    try:
        per_s = float(rate)
    except ValueError:
        per_s = 0.0
    if not 0.1 <= per_s <= FASTEST_PER_S:
        raise BadRequest(f"rate: {rate[:80]!r} is no number of states a second from 0.1 to {FASTEST_PER_S:g}")
    # There are no more than that; whoever wants all of them is not to miss one that comes a little early.
    return 0.0 if per_s == FASTEST_PER_S else 1.0 / per_s
