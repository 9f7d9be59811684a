"""What was recorded is shown again: at any moment, as fast as is wanted, to each watcher their own."""

import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from itertools import combinations
from statistics import median

import numpy as np
import pytest

from consumers.avatar.humanoid.rotations import angle_between
from consumers.avatar.humanoid.skeleton import Bone
from consumers.avatar.stage.stage import Stage, StageOptions
from consumers.avatar.viewer.orders import Replay
from consumers.avatar.viewer.replay.from_kafka import replay_from_kafka
from consumers.avatar.viewer.replay.tools import Reading, ReplayTools
from kafka_io.admin import create_topics, delete_topic
from kafka_io.errors import KafkaUnavailable
from kafka_io.partitioning import partition_of
from kafka_io.settings import KafkaSettings
from keypoints.frame import HolisticFrame
from keypoints.topics import TopicSpec
from performers import Side
from tests.consumers.avatar.viewer.made_states import MadeParts, publish
from tests.consumers.avatar.viewer.recorded import BEGAN_MS, Recorded, frames_of, perform, publish_frames
from tests.consumers.avatar.viewer.serving import Served, Watching, read_clock_us, serving
from tests.consumers.avatar.viewer.wire_reading import ReadState

pytestmark = pytest.mark.servers

ARMS = (Bone.LEFT_UPPER_ARM, Bone.RIGHT_UPPER_ARM, Bone.LEFT_LOWER_ARM, Bone.RIGHT_LOWER_ARM)
PARTITIONS = 3
LENGTH_S = 8.0


@pytest.fixture(scope="module")
def make_recording(kafka_settings: KafkaSettings) -> Iterator[Callable[..., str]]:
    """`make_recording(frames, partition=None)` gives the name of a topic that holds them."""
    made: list[str] = []

    def make(frames: list[HolisticFrame], partition: int | None = None) -> str:
        topic = TopicSpec(f"replayed-{uuid.uuid4().hex[:12]}", PARTITIONS, {"retention.ms": "-1"})
        create_topics(kafka_settings, [topic])
        made.append(topic.name)
        publish_frames(kafka_settings, topic.name, frames, partition)
        return topic.name

    yield make
    for name in made:
        delete_topic(kafka_settings, name)


@pytest.fixture(scope="module")
def recorded(make_recording: Callable[..., str]) -> Recorded:
    """Ada waves with her left hand, and Bob with his right, at the same time."""
    frames = {"ada": perform("ada", LENGTH_S, Side.LEFT), "bob": perform("bob", LENGTH_S, Side.RIGHT)}
    mixed = sorted((one for batch in frames.values() for one in frames_of(batch)), key=lambda one: one.captured_at_us)
    return Recorded(make_recording(mixed), frames)


def tools_of(kafka: KafkaSettings, topic: str) -> ReplayTools:
    return replay_from_kafka(kafka, topic, lambda: Stage(StageOptions(stale_after_s=None)), MadeParts(), read_clock_us)


@pytest.fixture(scope="module")
def served(kafka_settings: KafkaSettings, recorded: Recorded) -> Iterator[Served]:
    """A viewer that replays it."""
    with serving(tools_of(kafka_settings, recorded.topic)) as viewer:
        yield viewer


def read_pose(state: ReadState) -> np.ndarray:
    pose = np.full((len(Bone), 4), np.nan)
    pose[list(state.bones)] = list(state.bones.values())
    return pose


def arms_apart_deg(state: ReadState, pose: np.ndarray) -> float:
    """By how much the arms' bones are away from a pose, at most."""
    return float(np.degrees(angle_between(read_pose(state)[list(ARMS)], pose[list(ARMS)])).max())


def hold_at(watching: Watching, second: float) -> dict[str, ReadState]:
    """Go to a second of the recording while the replay is paused: what is shown there."""
    at_ms = BEGAN_MS + second * 1000
    watching.say(type="seek", at_ms=at_ms)
    watching.next_said("position", lambda said: said["state"] == "paused" and abs(said["at_ms"] - at_ms) <= 1)
    while True:
        _, states = watching.next_states()
        if all(abs(state.captured_at_ms - at_ms) < 50 for state in states.values()):
            return states


def begin_paused(watching: Watching, **asked: object) -> dict[str, object]:
    watching.say(type="replay", **asked)
    watching.say(type="pause")
    return watching.next_said("position", lambda said: said["state"] == "paused")


def test_any_moment_shows_the_poses_the_performers_had(served: Served, recorded: Recorded) -> None:
    with served.watch() as watching:
        position = begin_paused(watching)
        assert (position["from_ms"], position["mode"]) == (BEGAN_MS, "replay")
        assert position["to_ms"] == pytest.approx(BEGAN_MS + LENGTH_S * 1000, abs=40)
        seconds = [1.7, 6.4, 3.1, 4.9]
        for second in seconds:
            states = hold_at(watching, second)
            assert states.keys() == {"ada", "bob"}
            for stream, state in states.items():
                apart_deg = arms_apart_deg(state, recorded.solve_at(stream, BEGAN_MS + second * 1000))
                assert apart_deg < 12, (second, stream)
        raised = recorded.solve_at("ada", BEGAN_MS + 1700)
        assert arms_apart_deg(hold_at(watching, 3.1)["ada"], raised) > 40, "poses of other moments are others"


def test_a_pause_holds_and_play_goes_on_from_there(served: Served) -> None:
    with served.watch() as watching:
        begin_paused(watching, streams=["ada"])
        states = hold_at(watching, 1.5)
        for _ in range(3):
            _, later = watching.next_states()
            assert later == states | {"ada": later["ada"]}
            assert later["ada"].bones == states["ada"].bones
        watching.say(type="play")
        playing = watching.next_said("position", lambda said: said["state"] == "playing")
        captured_ms = [watching.next_states()[1]["ada"].captured_at_ms for _ in range(30)]
        assert captured_ms == sorted(captured_ms)
        assert BEGAN_MS + 1400 < captured_ms[0] < playing["at_ms"] + 500
        assert captured_ms[-1] > captured_ms[0] + 200


@pytest.mark.parametrize("speed", [1.0, 4.0])
def test_recorded_time_goes_as_fast_as_is_wanted(served: Served, speed: float) -> None:
    with served.watch() as watching:
        watching.say(type="replay", streams=["bob"], speed=speed, from_ms=BEGAN_MS + 500)
        watching.next_said("position", lambda said: said["state"] == "playing")
        told: list[tuple[float, float]] = []
        while not told or told[-1][0] < told[0][0] + 1_200:
            at_ms, states = watching.next_states()
            told.append((at_ms, states["bob"].captured_at_ms))
        # By all pairs a second apart: one that was told late makes only its own wrong.
        speeds = [
            (later - one) / (later_ms - one_ms)
            for (one_ms, one), (later_ms, later) in combinations(told, 2)
            if later_ms - one_ms > 800
        ]
        assert median(speeds) == pytest.approx(speed, rel=0.1)


def test_a_replay_ends_and_can_be_played_again(served: Served) -> None:
    with served.watch() as watching:
        watching.say(type="replay", to_ms=BEGAN_MS + 5_000, from_ms=BEGAN_MS + 1_000, speed=8.0)
        ended = watching.next_said("position", lambda said: said["state"] == "ended")
        assert ended["at_ms"] == ended["to_ms"] == BEGAN_MS + 5_000
        watching.say(type="speed", speed=1.0)
        watching.say(type="play")
        again = watching.next_said("position", lambda said: said["state"] == "playing")
        assert again["at_ms"] < BEGAN_MS + 4_900
        watching.say(type="speed", speed=8.0)
        watching.next_said("position", lambda said: said["state"] == "ended")


def test_a_crowd_over_partitions_of_unlike_load_is_shown_to_the_end(
    kafka_settings: KafkaSettings, make_recording: Callable[..., str]
) -> None:
    one = frames_of(perform("x", 12.0, Side.LEFT))
    topic = make_recording([replace(frame, stream_id=f"stream-{number}") for frame in one for number in range(10)])
    with serving(tools_of(kafka_settings, topic)) as served, served.watch() as watching:
        watching.say(type="replay", speed=8.0)
        ended = watching.next_said("position", lambda said: said["state"] == "ended")
        assert ended["at_ms"] == ended["to_ms"] == pytest.approx(BEGAN_MS + 12_000, abs=50)
        _, states = watching.next_states()
        assert len(states) == 10
        assert all(ended["to_ms"] - state.captured_at_ms < 50 for state in states.values())


def test_two_watchers_replay_without_hearing_of_each_other_and_a_third_has_to_wait(served: Served) -> None:
    channel = served.hub.open_channel()
    publish(channel, {"live": 0.5})
    with served.watch() as first, served.watch() as second, served.watch() as third:
        begin_paused(first, streams=["ada"])
        begin_paused(second, streams=["bob"])
        assert hold_at(first, 1.5).keys() == {"ada"}
        assert hold_at(second, 3.5).keys() == {"bob"}
        for _ in range(3):
            assert abs(first.next_states()[1]["ada"].captured_at_ms - BEGAN_MS - 1500) < 50
        third.say(type="replay")
        assert "2 replays" in third.next_said("error")["message"]
        assert third.next_said("position")["mode"] == "live"
        first.say(type="live")
        assert first.next_said("position", lambda said: said["mode"] == "live")
        publish(channel, {"live": 0.5})
        while "live" not in first.next_states()[1]:
            continue
        third.say(type="replay")
        third.next_said("position", lambda said: said["state"] == "playing")
    channel.close()


def test_a_stream_that_is_not_where_its_key_belongs_is_found(
    kafka_settings: KafkaSettings, make_recording: Callable[..., str]
) -> None:
    frames = frames_of(perform("ada", 2.0, Side.LEFT))
    elsewhere = (partition_of("ada", PARTITIONS) + 1) % PARTITIONS
    topic = make_recording(frames, elsewhere)
    publish_frames(kafka_settings, topic, frames_of(perform("bob", 1.0, Side.LEFT)), partition_of("ada", PARTITIONS))
    with serving(tools_of(kafka_settings, topic)) as served, served.watch() as watching:
        watching.say(type="replay", streams=["ada"])
        while "ada" not in watching.next_states()[1]:
            continue


def test_a_stream_that_began_anew_later_is_shown_on_without_the_wait(
    kafka_settings: KafkaSettings, make_recording: Callable[..., str]
) -> None:
    first = perform("ada", 1.0, Side.LEFT)
    later = perform("ada", 3.0, Side.RIGHT, from_s=3_600.0, epoch=2)
    topic = make_recording([*frames_of(first), *frames_of(later)])
    with serving(tools_of(kafka_settings, topic)) as served, served.watch() as watching:
        watching.say(type="replay", speed=8.0)
        ended = watching.next_said("position", lambda said: said["state"] == "ended")
        assert ended["at_ms"] == pytest.approx(BEGAN_MS + 3_603_000, abs=100)
        watching.say(type="pause")
        direct = Recorded(topic, {"ada": later}).solve_at("ada", BEGAN_MS + 3_601_700)
        assert arms_apart_deg(hold_at(watching, 3_601.7)["ada"], direct) < 15


def test_while_kafka_is_away_a_watcher_is_told_and_then_goes_on(
    kafka_settings: KafkaSettings, recorded: Recorded
) -> None:
    tools = tools_of(kafka_settings, recorded.topic)
    is_away = threading.Event()
    is_away.set()

    def open_reading(asked: Replay) -> AbstractContextManager[Reading]:
        if is_away.is_set():
            raise KafkaUnavailable("no broker answered", hint="is it up?")
        return tools.open_reading(asked)

    unsteady = ReplayTools(open_reading, tools.make_stage, tools.schemas, tools.parts, tools.now_us)
    with serving(unsteady) as served, served.watch() as watching:
        watching.say(type="replay")
        assert watching.next_said("error")["message"] == "no broker answered; is it up?"
        assert watching.next_said("position")["state"] == "seeking"
        is_away.clear()
        watching.next_said("position", lambda said: said["state"] == "playing")
        assert watching.next_states()[1]


def test_a_topic_that_is_not_there_or_empty_is_named(
    kafka_settings: KafkaSettings, make_recording: Callable[..., str]
) -> None:
    for topic, said in (("no-such-topic", "there is no topic"), (make_recording([]), "no record")):
        with serving(tools_of(kafka_settings, topic)) as served, served.watch() as watching:
            watching.say(type="replay")
            assert said in watching.next_said("error")["message"]
