"""Replays that are begun one after the other leave nothing behind that runs on."""

import threading
from contextlib import AbstractContextManager

import pytest

from consumers.avatar.stage.stage import Stage, StageOptions
from consumers.avatar.viewer.orders import Replay
from consumers.avatar.viewer.replay.sessions import Replays, TooManyReplays
from consumers.avatar.viewer.replay.tools import Reading, ReplayTools
from keypoints.errors import Transient
from tests.connect_runtime.harness import wait_until
from tests.consumers.avatar.viewer.made_states import MadeParts

MOST = 2
ASKED = Replay(type="replay")


class SlowKafka:
    """Answers nobody until it is told to, and then that there is nothing."""

    def __init__(self) -> None:
        self.answers = threading.Event()

    def open_reading(self, _: Replay) -> AbstractContextManager[Reading]:
        assert self.answers.wait(15.0)
        raise Transient("there is nothing")

    def make_replays(self) -> Replays:
        tools = ReplayTools(
            self.open_reading, lambda: Stage(StageOptions()), schemas=None, parts=MadeParts(), now_us=lambda: 0
        )
        return Replays(tools, MOST)


def test_so_many_are_watched_and_one_may_take_the_place_of_the_one_before() -> None:
    kafka = SlowKafka()
    replays = kafka.make_replays()
    first, _ = replays.begin(ASKED), replays.begin(ASKED)
    with pytest.raises(TooManyReplays):
        replays.begin(ASKED)
    replays.begin(ASKED, before=first)
    kafka.answers.set()
    replays.close()


def test_who_begins_anew_all_the_time_has_to_wait_for_those_before_to_end() -> None:
    kafka = SlowKafka()
    replays = kafka.make_replays()
    begun = [replays.begin(ASKED)]
    for _ in range(2 * MOST - 1):
        begun[-1].close()
        begun.append(replays.begin(ASKED, before=begun[-1]))
    with pytest.raises(TooManyReplays):
        replays.begin(ASKED, before=begun[-1])
    begun[-1].close()
    kafka.answers.set()
    wait_until("those before have ended", lambda: all(one.has_ended for one in begun))
    last = replays.begin(ASKED)
    replays.close()
    assert last.has_ended, "also those are waited for that are still watched"
