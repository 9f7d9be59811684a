"""What a replay shows when it goes from one moment to another."""

from collections.abc import Sequence

from consumers.avatar.states import AvatarStates
from consumers.avatar.viewer.hub import Hub
from consumers.avatar.viewer.replay.performance import Performance
from keypoints.frame import FrameBatch
from tests.consumers.avatar.viewer.made_states import NOW_US, MadeParts, MadePerformer, still_states


class MadeStage:
    """A stage on which these are, and stay."""

    def __init__(self, *streams: str) -> None:
        self.performers = [MadePerformer(stream) for stream in streams]

    def perform(self, batch: FrameBatch, now_us: int, /) -> None:
        """There are no frames."""

    def states(self, performers: Sequence[MadePerformer], now_us: int, /) -> AvatarStates:
        return still_states([0.5] * len(performers))

    def dismiss_silent(self, now_us: int, /) -> None:
        """Nobody is ever silent."""


def test_at_a_moment_where_others_are_those_of_the_moment_before_are_seen_no_more() -> None:
    channel = Hub(MadeParts()).open_channel()
    for streams in (("ada", "bob"), ("bob",), ()):
        Performance(MadeStage(*streams), channel, None, None, 0.0).show(0.0, NOW_US)
        assert set(channel.held) == set(streams)
