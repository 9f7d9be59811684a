"""kill -9 in the middle of a file, and the same command again: the topic is as if nothing had happened."""

import random
import signal
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import orjson
import pytest

from kafka_io.settings import KafkaSettings
from keypoints import HolisticFrame
from keypoints.landmarks import Part
from tests.producer_service.made_media import write_video
from tests.producer_service.progress.conftest import ReadTopic, Start, by_identity, wait_for_frames

pytestmark = pytest.mark.servers

SLOW = "tests.producer_service.progress.program"
FRAMES = 50


def assert_same_performance(frames: Sequence[HolisticFrame], undisturbed: Sequence[HolisticFrame]) -> None:
    """One epoch, every frame once, the same rhythm and, bit for bit, the same landmarks."""
    assert len({frame.epoch for frame in frames}) == 1
    assert [frame.sequence for frame in frames] == list(range(len(undisturbed)))
    rhythm, expected_rhythm = (np.diff([each.captured_at_us for each in some]) for some in (frames, undisturbed))
    np.testing.assert_array_equal(rhythm, expected_rhythm)
    for frame, same in zip(frames, undisturbed, strict=True):
        for part in Part:
            found, expected = getattr(frame, part.value), getattr(same, part.value)
            assert (found is None) == (expected is None)
            if found is not None:
                np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("seed", [1, 2])
def test_a_video_whose_producer_is_killed_again_and_again_is_on_the_topic_once_and_as_undisturbed(
    tmp_path: Path,
    start: Start,
    make_topic: Callable[..., str],
    kafka_settings: KafkaSettings,
    read_topic: ReadTopic,
    state_dir: Path,
    seed: int,
) -> None:
    topic = make_topic(partitions=3)
    video = write_video(tmp_path / "walk.mp4", frames=FRAMES)
    chance = random.Random(seed)
    for holds_at in (FRAMES // 2, FRAMES - 1):
        published = len(read_topic(topic))
        program = start(SLOW, topic, video, SLOW_HOLDS_AT=holds_at)
        wait_for_frames(kafka_settings, topic, published + chance.randint(1, 12), program)
        program.kill()
        _, said = program.communicate()
        assert program.returncode == -signal.SIGKILL
    assert "goes on where an earlier run ended" in said
    program = start(SLOW, topic, video)
    printed, _ = program.communicate(timeout=60)
    assert program.returncode == 0
    ledger = orjson.loads(printed)
    [source] = ledger["sources"]
    assert source["already_published"] > published
    assert source["already_published"] + source["frames"] == FRAMES
    assert ledger["received"] == ledger["acknowledged"] == source["frames"]
    assert not list(state_dir.glob("produce/*"))
    on_topic = by_identity(read_topic(topic))
    # With the journal gone the same command begins anew, undisturbed this time.
    assert start(SLOW, topic, video).wait(60) == 0
    undisturbed = [frame for name, frame in by_identity(read_topic(topic)).items() if name not in on_topic]
    assert_same_performance(list(on_topic.values()), undisturbed)


@pytest.mark.mediapipe
def test_mediapipe_tracks_on_as_if_it_had_never_been_killed(
    shared_data: Path,
    start: Start,
    make_topic: Callable[..., str],
    kafka_settings: KafkaSettings,
    read_topic: ReadTopic,
) -> None:
    topic = make_topic()
    command = ("producer_service", topic, shared_data / "videos" / "hoy_001.mp4", "--json")
    program = start(*command)
    wait_for_frames(kafka_settings, topic, 20, program)
    program.kill()
    program.communicate()
    program = start(*command)
    printed, _ = program.communicate(timeout=60)
    assert program.returncode == 0
    assert orjson.loads(printed)["sources"][0]["already_published"] >= 20
    on_topic = by_identity(read_topic(topic))
    program = start(*command)
    program.communicate(timeout=60)
    undisturbed = [frame for name, frame in by_identity(read_topic(topic)).items() if name not in on_topic]
    assert_same_performance(list(on_topic.values()), undisturbed)


@pytest.mark.parametrize(("number", "goes_on"), [(signal.SIGTERM, True), (signal.SIGINT, False)])
def test_after_sigterm_a_file_is_gone_on_with_and_after_ctrl_c_it_is_not(
    tmp_path: Path,
    start: Start,
    make_topic: Callable[..., str],
    kafka_settings: KafkaSettings,
    state_dir: Path,
    number: signal.Signals,
    goes_on: bool,
) -> None:
    topic = make_topic()
    # Ten seconds of them are left after the first.
    program = start(SLOW, topic, write_video(tmp_path / "walk.mp4", frames=FRAMES), SLOW_PICTURE_S=0.2)
    wait_for_frames(kafka_settings, topic, 1, program)
    program.send_signal(number)
    _, said = program.communicate(timeout=60)
    assert ("the same command goes on" in said) == goes_on
    assert bool(list(state_dir.glob("produce/*"))) == goes_on
