"""Recorded frames performed again: by performers of the replay's own, in recorded time."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from consumers.avatar.states import AvatarStates
from consumers.avatar.viewer.hub import Channel
from consumers.avatar.viewer.snapshot import TimedFrame, Watched
from keypoints.codec import RawRecord, decode_records
from keypoints.frame import FrameBatch
from keypoints.schemas import SchemaLookup

P = TypeVar("P", bound=Watched)


class ReplayStage(Protocol[P]):
    """The performers of one replay, and how they move: the same that live frames go through, with other times.

    Times are recorded ones, microseconds since 1970, and never go back.
    """

    @property
    def performers(self) -> Collection[P]: ...
    def perform(self, batch: FrameBatch, now_us: int, /) -> object: ...
    def states(self, performers: Sequence[P], now_us: int, /) -> AvatarStates: ...
    def dismiss_silent(self, now_us: int, /) -> object: ...


StageMaker = Callable[[], ReplayStage[Any]]
"""Makes a stage on which nobody is."""


class Performance:
    """What is performed from one moment of the recording on, and shown in a channel."""

    def __init__(
        self,
        stage: ReplayStage[Any],
        channel: Channel,
        schemas: SchemaLookup | None,
        streams: Collection[str] | None,
        begins_at_ms: float,
    ) -> None:
        self._stage = stage
        self._channel = channel
        self._schemas = schemas
        self._streams = streams
        self._shown: dict[str, _Performed] = {}
        self._at_ms = begins_at_ms
        self.performed_at_ms = begins_at_ms
        """When there was a frame last."""
        self.has_performed = False
        """Whether there was any frame of the streams asked for."""

    def perform(self, records: Sequence[RawRecord], at_ms: float) -> None:
        """Perform what these records hold at this recorded time; those that are no frames are passed over."""
        if not records:
            return
        batch = decode_records(records, self._schemas).batch
        if self._streams is not None:
            batch = batch.take([row for row, one in enumerate(batch.stream_id.tolist()) if one in self._streams])
        if len(batch):
            self.has_performed = True
            self._at_ms = self.performed_at_ms = max(self._at_ms, at_ms)
            self._stage.perform(batch, round(self._at_ms * 1000))

    def move_to(self, at_ms: float) -> AvatarStates:
        """Let everybody move on to this recorded time, which does not go back."""
        self._at_ms = max(self._at_ms, at_ms)
        at_us = round(self._at_ms * 1000)
        self._stage.dismiss_silent(at_us)
        return self._stage.states(list(self._stage.performers), at_us)

    def show(self, at_ms: float, now_us: int) -> None:
        """Show everybody as they are at this recorded time; `now_us` is the wall's clock."""
        states = self.move_to(at_ms)
        before = self._shown
        performed = [_note(one, before.get(one.stream_id), now_us) for one in self._stage.performers]
        self._shown = {one.stream_id: one for one in performed}
        self._channel.publish(performed, states, now_us)
        # Also those of the performance before this one: who is wanted at a moment where nobody is, sees nobody.
        gone = self._channel.held.keys() - self._shown.keys()
        if gone:
            self._channel.dismiss(list(gone), now_us)


@dataclass(frozen=True, slots=True)
class _Performed:
    """A performer of a replay, whose newest frame came when it was performed, on the wall's clock."""

    stream_id: str
    partition: int
    last: TimedFrame | None
    heard_at_us: int
    interval_us: float


def _note(one: Watched, before: _Performed | None, now_us: int) -> _Performed:
    heard_at_us = now_us if before is None or before.last is not one.last else before.heard_at_us
    return _Performed(one.stream_id, one.partition, one.last, heard_at_us, one.interval_us)
