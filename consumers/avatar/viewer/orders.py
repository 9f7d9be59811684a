"""What a watcher may say: messages of JSON that turn its connection into a replay, steer that, and turn it back."""

from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from keypoints.errors import Terminal
from keypoints.topics import STREAM_ID_MAX_CHARACTERS, InvalidStreamId, check_stream_id

FASTEST: Final = 16.0
_SLOWEST: Final = 1 / 16
_LATEST_MS: Final = 1e14
_MOST_STREAMS: Final = 256

Moment = Annotated[float, Field(ge=0, le=_LATEST_MS, allow_inf_nan=False)]
Speed = Annotated[float, Field(ge=_SLOWEST, le=FASTEST, allow_inf_nan=False)]
Stream = Annotated[str, Field(min_length=1, max_length=STREAM_ID_MAX_CHARACTERS)]


class BadOrder(Terminal):
    """A message that says nothing we can do."""


class _Order(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Replay(_Order):
    """Show what was recorded between two moments, in ms since 1970; null is the earliest, and the newest there is."""

    type: Literal["replay"]
    from_ms: Moment | None = None
    to_ms: Moment | None = None
    streams: Annotated[list[Stream], Field(min_length=1, max_length=_MOST_STREAMS)] | None = None
    speed: Speed = 1.0


class Pause(_Order):
    """Hold."""

    type: Literal["pause"]


class Play(_Order):
    """Go on."""

    type: Literal["play"]


class Seek(_Order):
    """Go on from another moment."""

    type: Literal["seek"]
    at_ms: Moment


class ChangeSpeed(_Order):
    """Go on faster or slower."""

    type: Literal["speed"]
    speed: Speed


class GoLive(_Order):
    """Show what happens now again."""

    type: Literal["live"]


Steering = Pause | Play | Seek | ChangeSpeed
Order = Replay | Steering | GoLive

_ORDERS: Final[TypeAdapter[Order]] = TypeAdapter(Annotated[Order, Field(discriminator="type")])


def read_order(text: str) -> Order:
    """The order a message is. Raises BadOrder."""
    try:
        order = _ORDERS.validate_json(text)
    except ValidationError as error:
        problems = [
            f"{'.'.join(str(part) for part in problem['loc'][1:]) or 'the message'}: {problem['msg']}"
            for problem in error.errors(include_url=False)
        ]
        raise BadOrder("; ".join(problems), hint="docs/avatar-stream.md has all messages") from error
    if isinstance(order, Replay):
        _check_replay(order)
    return order


def _check_replay(order: Replay) -> None:
    if order.from_ms is not None and order.to_ms is not None and order.to_ms < order.from_ms:
        raise BadOrder("to_ms: it is before from_ms")
    for stream in order.streams or ():
        try:
            check_stream_id(stream)
        except InvalidStreamId as error:
            raise BadOrder(f"streams: {error.message}") from error
