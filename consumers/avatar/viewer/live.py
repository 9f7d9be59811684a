"""The sink's audience: a channel of the hub."""

from collections.abc import Sequence

from consumers.avatar.states import AvatarStates
from consumers.avatar.viewer.hub import Channel
from consumers.avatar.viewer.snapshot import Watched


class LiveAudience:
    """The `Audience` of one task's sink, on its thread."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel

    def publish(self, performers: Sequence[Watched], states: AvatarStates, now_us: int) -> None:
        """Take the states of some performers, a row each."""
        self._channel.publish(performers, states, now_us)

    def dismiss(self, streams: Sequence[str], now_us: int) -> None:
        """These have left."""
        self._channel.dismiss(streams, now_us)

    def close(self) -> None:
        """Nobody performs any more."""
        self._channel.close()
