"""From files to a real topic: the ledger adds up, whatever the files hold and whatever Kafka says."""

import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from kafka_io.admin import delete_topic
from kafka_io.errors import KafkaRefused
from kafka_io.settings import KafkaSettings
from keypoints import HolisticFrame
from producer_service.capture.captured import RgbImage, Source
from producer_service.capture.open_source import SourceOptions, open_source
from producer_service.landmarks.landmarker import Landmarks
from producer_service.ledger import Ledger, SourceOutcome
from producer_service.pipeline import produce, wall_clock_us
from producer_service.settings import ProducerSettings
from producer_service.watchers import Delivered, Watcher
from tests.producer_service.conftest import Position
from tests.producer_service.finders import RightHandFinder
from tests.producer_service.made_media import draw_quarters, encode_picture, write_video

pytestmark = pytest.mark.servers

ReadTopic = Callable[[str], dict[Position, HolisticFrame]]


def open_right_hand_finder(_still: bool) -> RightHandFinder:
    return RightHandFinder()


def open_here(path: Path, stream_id: str | None = None) -> Source:
    return open_source(path, SourceOptions(stream_id=stream_id), wall_clock_us)


def run(sources: list[Source], topic: str, kafka: KafkaSettings, **options: object) -> Ledger:
    settings = ProducerSettings(topic=topic, delivery_timeout_s=20)
    return produce(sources, settings, kafka, open_landmarker=open_right_hand_finder, **options)  # type: ignore[arg-type]


class Collecting(Watcher):
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.delivered: list[Delivered] = []

    def frame_delivered(self, delivered: Delivered, /) -> None:
        self.delivered.append(delivered)


def test_a_folder_with_bad_pictures_gives_every_good_one_and_a_ledger_that_adds_up(
    picture_folder: Path, make_topic: Callable[..., str], kafka_settings: KafkaSettings, read_topic: ReadTopic
) -> None:
    topic = make_topic(partitions=3)
    ledger = run([open_here(picture_folder)], topic, kafka_settings)
    counts = ledger.counts()
    assert counts.adds_up
    assert (counts.received, counts.acknowledged, counts.frames_with_person) == (6, 4, 3)
    assert counts.rejected == {"damaged_image": 1, "not_an_image": 1}
    assert [refused.name for refused in ledger.sources[0].refusals] == [
        str(picture_folder / "1.png"),
        str(picture_folder / "4.png"),
    ]
    assert ledger.sources[0].outcome is SourceOutcome.PARTLY_REJECTED
    assert not ledger.clean
    frames = list(read_topic(topic).values())
    assert [frame.sequence for frame in frames] == [0, 1, 2, 3]
    assert [frame.has_person for frame in frames] == [True, True, False, True]
    assert {frame.stream_id for frame in frames} == {"shots"}
    assert {frame.epoch for frame in frames} == {ledger.sources[0].epoch}


def test_a_watcher_is_told_of_each_frame_where_it_is_and_when_it_was_where(
    tmp_path: Path, make_topic: Callable[..., str], kafka_settings: KafkaSettings, read_topic: ReadTopic
) -> None:
    topic = make_topic(partitions=6)
    watcher = Collecting()
    began_us = wall_clock_us()
    videos = [open_here(write_video(tmp_path / f"{name}.mp4", frames=12)) for name in ("ada", "bob", "cy")]
    ledger = run(videos, topic, kafka_settings, watchers=[watcher])
    ended_us = wall_clock_us()
    assert ledger.clean
    assert ledger.counts().acknowledged == 36
    on_topic = read_topic(topic)
    assert len(watcher.delivered) == len(on_topic) == 36
    for told in watcher.delivered:
        frame = on_topic[told.partition, told.offset]
        assert (told.stream_id, told.epoch, told.sequence) == (frame.stream_id, frame.epoch, frame.sequence)
        assert told.processed_at_us == frame.processed_at_us
        assert began_us <= told.handed_over_us <= told.processed_at_us <= told.acknowledged_us <= ended_us
    for stream_id in ("ada", "bob", "cy"):
        mine = [(position, frame.sequence) for position, frame in on_topic.items() if frame.stream_id == stream_id]
        assert [sequence for _, sequence in sorted(mine)] == list(range(12))
        assert len({partition for (partition, _), _ in mine}) == 1


def test_nobody_in_a_picture_is_an_outcome_and_the_frame_is_on_the_topic(
    tmp_path: Path, make_topic: Callable[..., str], kafka_settings: KafkaSettings, read_topic: ReadTopic
) -> None:
    topic = make_topic()
    (tmp_path / "empty_room.png").write_bytes(encode_picture(np.zeros((48, 64, 3), np.uint8)))
    ledger = run([open_here(tmp_path / "empty_room.png")], topic, kafka_settings)
    assert ledger.sources[0].outcome is SourceOutcome.NO_PERSON
    assert ledger.clean
    [frame] = read_topic(topic).values()
    assert not frame.has_person


def test_inputs_that_hold_nothing_are_rejected_by_reason_and_the_others_go_on(
    tmp_path: Path, make_topic: Callable[..., str], kafka_settings: KafkaSettings
) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "junk.mp4").write_bytes(np.random.default_rng(1).bytes(5_000))
    good = write_video(tmp_path / "good.mp4", frames=3)
    paths = [tmp_path / "gone.png", tmp_path / "empty", tmp_path / "junk.mp4", good]
    ledger = run([open_here(path) for path in paths], make_topic(), kafka_settings)
    counts = ledger.counts()
    assert counts.adds_up
    assert counts.rejected == {"missing_file": 1, "empty_folder": 1, "unreadable_video": 1}
    assert counts.acknowledged == 3
    assert [source.outcome for source in ledger.sources[:3]] == [SourceOutcome.REJECTED] * 3


def test_a_landmarker_that_breaks_costs_its_picture_and_begins_a_new_epoch(
    tmp_path: Path, make_topic: Callable[..., str], kafka_settings: KafkaSettings, read_topic: ReadTopic
) -> None:
    topic = make_topic()
    person, breaking = draw_quarters(), np.full((48, 64, 3), 255, np.uint8)
    for index, image in enumerate([person, person, breaking, person]):
        (tmp_path / f"{index}.png").write_bytes(encode_picture(image))
    ledger = run([open_here(tmp_path, "dancer")], topic, kafka_settings)
    assert ledger.counts().adds_up
    assert ledger.counts().rejected == {"inference_failed": 1}
    frames = list(read_topic(topic).values())
    assert [frame.sequence for frame in frames] == [0, 1, 0]
    assert frames[0].epoch == frames[1].epoch < frames[2].epoch


def test_a_given_epoch_is_kept(
    tmp_path: Path, make_topic: Callable[..., str], kafka_settings: KafkaSettings, read_topic: ReadTopic
) -> None:
    topic = make_topic()
    run([open_here(write_video(tmp_path / "a.mp4", frames=2))], topic, kafka_settings, first_epoch=42)
    assert {frame.epoch for frame in read_topic(topic).values()} == {42}


def test_after_a_stop_what_was_captured_is_published_and_nothing_more(
    tmp_path: Path, make_topic: Callable[..., str], kafka_settings: KafkaSettings, read_topic: ReadTopic
) -> None:
    topic = make_topic()
    stop = threading.Event()

    class StoppingAfterFive(Watcher):
        frames = 0

        def frame_processed(self, _source: Source, _frame: HolisticFrame, /) -> None:
            self.frames += 1
            if self.frames == 5:
                stop.set()

    sources = [open_here(write_video(tmp_path / f"{name}.mp4", frames=60)) for name in ("first", "second")]
    ledger = run(sources, topic, kafka_settings, stop=stop, watchers=[StoppingAfterFive()])
    counts = ledger.counts()
    assert counts.adds_up
    assert 5 <= counts.acknowledged < 12
    assert len(read_topic(topic)) == counts.acknowledged
    assert [source.outcome for source in ledger.sources] == [SourceOutcome.STOPPED]


def test_a_frame_kafka_refuses_ends_the_run_and_every_frame_is_booked_by_reason(
    tmp_path: Path, make_topic: Callable[..., str], kafka_settings: KafkaSettings, read_topic: ReadTopic
) -> None:
    # The broker refuses frames with a hand, of more than 350 bytes, and takes those with nobody.
    topic = make_topic(max_message_bytes="350")
    for index in range(6):
        image = draw_quarters() if index == 5 else np.zeros((48, 64, 3), np.uint8)
        (tmp_path / f"{index}.png").write_bytes(encode_picture(image))
    nobody = [open_here(tmp_path / f"{index}.png") for index in range(5)]
    assert run(nobody, topic, kafka_settings).clean
    ledger = run([open_here(tmp_path / "5.png")], topic, kafka_settings)
    counts = ledger.counts()
    assert counts.adds_up
    assert counts.dropped == {"record_too_large": 1}
    assert ledger.error is not None
    assert ledger.error.hint is not None
    assert len(read_topic(topic)) == 5


def test_kafka_lost_in_the_middle_ends_the_run_within_its_bound_and_every_frame_is_booked(
    tmp_path: Path, make_topic: Callable[..., str], kafka_settings: KafkaSettings
) -> None:
    topic = make_topic()

    class LosingItsTopic(RightHandFinder):
        seen = 0

        def find(self, image: RgbImage) -> Landmarks:
            self.seen += 1
            if self.seen == 10:
                delete_topic(kafka_settings, topic)
            time.sleep(0.02)
            return super().find(image)

    sources = [open_here(write_video(tmp_path / f"{name}.mp4", frames=400)) for name in ("first", "second")]
    began_s = time.monotonic()
    ledger = produce(
        sources,
        ProducerSettings(topic=topic, delivery_timeout_s=2),
        kafka_settings,
        open_landmarker=lambda _still: LosingItsTopic(),
    )
    assert time.monotonic() - began_s < 30
    counts = ledger.counts()
    assert counts.adds_up
    assert sum(counts.dropped.values()) > 0
    assert counts.frames_read < 800
    assert ledger.error is not None
    assert [source.outcome for source in ledger.sources] == [SourceOutcome.NOT_DELIVERED]


def test_a_topic_that_does_not_exist_is_said_at_once(tmp_path: Path, kafka_settings: KafkaSettings) -> None:
    with pytest.raises(KafkaRefused, match="no-such-topic"):
        run([open_here(tmp_path)], "no-such-topic", kafka_settings)
