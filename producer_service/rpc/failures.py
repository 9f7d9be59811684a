"""Errors as gRPC says them: a status, a sentence, and in the trailing metadata when it is worth another try."""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final, NoReturn, Protocol

import grpc
from google.protobuf import any_pb2, duration_pb2
from google.rpc import error_details_pb2, status_pb2

from keypoints.errors import HolisticError, Terminal, Transient
from keypoints.topics import InvalidStreamId
from producer_service.access.errors import Forbidden, TooManyStreams, Unauthorized
from producer_service.landmarks.landmarker import NoLandmarkerFree
from producer_service.live.stills import StillsBusy
from producer_service.live.studio import StreamTaken

log = logging.getLogger(__name__)

_RETRY_AFTER_MS: Final = 1000


class InvalidRequest(Terminal):
    """A message that cannot be read, or does not belong where it came."""


class NoSuchStream(Terminal):
    """No stream of that name is open. Fields: stream_id."""


class OpenedElsewhere(Terminal):
    """The stream is open, and this interface has not opened it. Fields: stream_id."""


class StreamEnded(Terminal):
    """Somebody asked for the stream's end. Fields: stream_id."""


class TooManyCalls(Transient):
    """As many streams are open over gRPC as may be. Fields: streams."""


class TooLate(Transient):
    """What was awaited did not come in time."""


class CallContext(Protocol):
    """What is used of gRPC's own context of one call."""

    def abort(self, code: object, details: str) -> NoReturn:
        """End the call."""

    def set_trailing_metadata(self, trailing_metadata: Sequence[tuple[str, str | bytes]]) -> None:
        """What is sent with the status."""

    def send_initial_metadata(self, initial_metadata: Sequence[tuple[str, str | bytes]]) -> None:
        """Say now that the call was taken."""

    def invocation_metadata(self) -> Sequence[tuple[str, str | bytes]]:
        """What the client sent before its first message; names in small letters."""

    def add_callback(self, callback: Callable[[], None]) -> bool:
        """Call this when the call ends; False: it has ended."""

    def time_remaining(self) -> float | None:
        """Seconds to the client's deadline, None without one."""


_STATUSES: Final[tuple[tuple[type[HolisticError], object], ...]] = (
    (Unauthorized, grpc.StatusCode.UNAUTHENTICATED),
    (Forbidden, grpc.StatusCode.PERMISSION_DENIED),
    (StreamTaken, grpc.StatusCode.ALREADY_EXISTS),
    (InvalidStreamId, grpc.StatusCode.INVALID_ARGUMENT),
    (InvalidRequest, grpc.StatusCode.INVALID_ARGUMENT),
    (NoSuchStream, grpc.StatusCode.NOT_FOUND),
    (OpenedElsewhere, grpc.StatusCode.FAILED_PRECONDITION),
    (StreamEnded, grpc.StatusCode.ABORTED),
    (TooLate, grpc.StatusCode.DEADLINE_EXCEEDED),
    (TooManyCalls, grpc.StatusCode.RESOURCE_EXHAUSTED),
    (TooManyStreams, grpc.StatusCode.RESOURCE_EXHAUSTED),
    (NoLandmarkerFree, grpc.StatusCode.RESOURCE_EXHAUSTED),
    (StillsBusy, grpc.StatusCode.RESOURCE_EXHAUSTED),
    (Transient, grpc.StatusCode.UNAVAILABLE),
    (Terminal, grpc.StatusCode.INTERNAL),
)


def status_of(error: HolisticError) -> object:
    """The grpc.StatusCode of an error."""
    return next(status for kind, status in _STATUSES if isinstance(error, kind))


def end_call(context: CallContext, error: HolisticError) -> NoReturn:
    """End the call with what the error says. Raises what gRPC expects to be raised."""
    status = status_of(error)
    details = f"{error.message}; {error.hint}" if error.hint else error.message
    if status in (grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.UNAVAILABLE):
        context.set_trailing_metadata(_say_when_to_retry(status, details))
    context.abort(status, details)


@contextmanager
def failures_told(context: CallContext) -> Iterator[None]:
    """Within the block, errors of this project end the call with their status. Others gRPC logs, and says UNKNOWN."""
    try:
        yield
    except HolisticError as error:
        end_call(context, error)


def _say_when_to_retry(status: object, details: str) -> list[tuple[str, str | bytes]]:
    """Twice: as gRPC's own retries read it, and as google.rpc.RetryInfo, which people's code reads."""
    wait = error_details_pb2.RetryInfo(retry_delay=duration_pb2.Duration(nanos=0, seconds=_RETRY_AFTER_MS // 1000))
    packed = any_pb2.Any()
    packed.Pack(wait)
    rich = status_pb2.Status(code=status.value[0], message=details, details=[packed])  # type: ignore[attr-defined]
    return [
        ("grpc-retry-pushback-ms", str(_RETRY_AFTER_MS)),
        ("grpc-status-details-bin", rich.SerializeToString()),
    ]
