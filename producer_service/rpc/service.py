"""The four calls of HolisticLandmarks."""

import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from contextlib import contextmanager
from typing import Final, TypeVar

from keypoints.errors import HolisticError, Transient
from producer_service.access.caller import Caller
from producer_service.access.key_file import Right
from producer_service.access.keys import ApiKeys
from producer_service.capture.still_image import InvalidImage
from producer_service.live.outcome import Dropped, PictureOutcome
from producer_service.live.studio import Studio, StudioClosed
from producer_service.rpc.answers import NumberedOutcome
from producer_service.rpc.failures import (
    CallContext,
    InvalidRequest,
    NoSuchStream,
    OpenedElsewhere,
    StreamEnded,
    TooLate,
    TooManyCalls,
    failures_told,
)
from producer_service.rpc.messages import Nothing, OpenStream, StillRequest, StreamOpening, TrackMessage
from producer_service.rpc.options import RpcOptions
from producer_service.rpc.requests import read_next
from producer_service.rpc.room import PictureRoom
from producer_service.rpc.track import Track, refuse

T = TypeVar("T")

_LONGEST_WAIT_S: Final = 3600.0


class NotTaken(Transient):
    """A picture found no place on the topic; its fields say why. Fields: reason."""


def show_key(context: CallContext, access: ApiKeys) -> Caller:
    """Who calls, by the metadata `authorization: Bearer KEY`. Raises Unauthorized or KeysUnavailable."""
    return access.authenticate(read_token(context.invocation_metadata()))


class LandmarkService:
    """Each method is called on a thread of its own. A key is looked at before a picture is taken in."""

    def __init__(self, studio: Studio, access: ApiKeys, options: RpcOptions) -> None:
        self._studio = studio
        self._access = access
        self._options = options
        self._room = PictureRoom(options.max_waiting_bytes)
        self._lock = threading.Lock()
        self._calls = 0
        self._stopping = False
        self._tracks: dict[str, Track] = {}

    def track_stream(
        self, messages: "Iterator[TrackMessage | InvalidRequest]", context: CallContext
    ) -> Iterator[NumberedOutcome]:
        """Track one stream for as long as the call lasts."""
        with failures_told(context):
            caller = self._admit(context)
            with self._one_more_call():
                opening = read_next(messages, self._options.first_message_s)
                if not isinstance(opening, StreamOpening):
                    raise InvalidRequest("the first message of the call opens the stream")
                yield from self._track(opening, caller, messages, context)

    def find_in_picture(
        self, messages: "Iterator[StillRequest | InvalidRequest]", context: CallContext
    ) -> NumberedOutcome:
        """Find the landmarks of one picture."""
        with failures_told(context):
            caller = self._admit(context)
            request = read_next(messages, self._options.first_message_s)
            caller.check_owns(request.stream_id)
            outcome = self._await(self._submit(request), context)
            if isinstance(outcome, Dropped):
                raise NotTaken(outcome.message, hint="send it again in a moment", reason=outcome.reason)
            return NumberedOutcome(request.picture.number, outcome)

    def list_streams(self, messages: "Iterator[Nothing | InvalidRequest]", context: CallContext) -> list[OpenStream]:
        """The streams that are open and may be the caller's."""
        with failures_told(context):
            caller = show_key(context, self._access)
            read_next(messages, self._options.first_message_s)
            lines = [line for line in self._studio.lines() if _is_owned(caller, line.stream_id)]
            lines.sort(key=lambda line: line.stream_id)
            return [OpenStream(line.stream_id, line.policy, line.counts.report()) for line in lines]

    def close_stream(self, messages: "Iterator[str | InvalidRequest]", context: CallContext) -> Nothing:
        """End a TrackStream of the caller's."""
        with failures_told(context):
            caller = self._admit(context)
            stream_id = read_next(messages, self._options.first_message_s)
            caller.check_owns(stream_id)
            with self._lock:
                track = self._tracks.get(stream_id)
            if track is not None:
                track.end(StreamEnded("the stream was closed by CloseStream", stream_id=stream_id))
            elif any(line.stream_id == stream_id for line in self._studio.lines()):
                raise OpenedElsewhere(
                    f"the stream {stream_id!r} was not opened by gRPC", hint="close it where it was opened"
                )
            else:
                raise NoSuchStream(f"no stream {stream_id!r} is open", stream_id=stream_id)
            return Nothing()

    def stop(self) -> None:
        """Take no more streams, and have those that are open answer what they took, and end as UNAVAILABLE."""
        with self._lock:
            self._stopping = True
            tracks = list(self._tracks.values())
        for track in tracks:
            # Not waited for: the server's own grace is what bounds it.
            threading.Thread(target=track.end, args=(_say_stopping(),), name="rpc stop", daemon=True).start()

    def _track(
        self,
        opening: StreamOpening,
        caller: Caller,
        messages: "Iterator[TrackMessage | InvalidRequest]",
        context: CallContext,
    ) -> Iterator[NumberedOutcome]:
        claim = caller.claim(opening.stream_id)
        try:
            line = self._studio.open_stream(opening.stream_id, opening.policy, mirrored=opening.mirrored)
            track = Track(line, self._studio, self._room, self._options.unread_answers)
            with self._listed(track):
                context.send_initial_metadata(())
                if not context.add_callback(track.answers.abandon):
                    track.answers.abandon()
                reader = threading.Thread(
                    target=track.read, args=(messages,), name=f"rpc {line.stream_id}", daemon=True
                )
                reader.start()
                yield from track.answers
        finally:
            claim.release()

    @contextmanager
    def _listed(self, track: Track) -> Iterator[None]:
        with self._lock:
            self._tracks[track.line.stream_id] = track
            stopping = self._stopping
        try:
            if stopping:
                track.end(_say_stopping())
            yield
        finally:
            track.abandon()
            with self._lock:
                # Its name may be another's by now.
                if self._tracks.get(track.line.stream_id) is track:
                    del self._tracks[track.line.stream_id]

    @contextmanager
    def _one_more_call(self) -> Iterator[None]:
        with self._lock:
            if self._calls >= self._options.max_streams:
                raise TooManyCalls(
                    f"{self._options.max_streams} streams are open, and no more may be",
                    hint="try another replica, or later",
                    streams=self._options.max_streams,
                )
            self._calls += 1
        try:
            yield
        finally:
            with self._lock:
                self._calls -= 1

    def _admit(self, context: CallContext) -> Caller:
        caller = show_key(context, self._access)
        caller.check_may(Right.PUBLISH)
        return caller

    def _submit(self, request: StillRequest) -> "Future[PictureOutcome]":
        picture = request.picture.picture
        if isinstance(picture, InvalidImage):
            return refuse(picture, self._studio)
        return self._studio.submit_still(picture, request.stream_id, mirrored=request.mirrored)

    @staticmethod
    def _await(outcome: "Future[PictureOutcome]", context: CallContext) -> PictureOutcome:
        left_s = context.time_remaining()
        try:
            return outcome.result(_LONGEST_WAIT_S if left_s is None else min(left_s, _LONGEST_WAIT_S))
        except FutureTimeout:
            raise TooLate("the picture has no outcome yet; it may still get one") from None


def read_token(metadata: Iterable[tuple[str, str | bytes]]) -> str | None:
    """The key of `authorization: Bearer KEY`, None without one."""
    for name, value in metadata:
        if name == "authorization" and isinstance(value, str):
            scheme, _, token = value.partition(" ")
            return token.strip() if scheme.lower() == "bearer" else None
    return None


def _is_owned(caller: Caller, stream_id: str) -> bool:
    try:
        caller.check_owns(stream_id)
    except HolisticError:
        return False
    return True


def _say_stopping() -> StudioClosed:
    return StudioClosed("the service is stopping", hint="send it to another replica")
