"""A live source that came back goes on as the same stream, under a new epoch and with a new landmarker."""

from collections.abc import Callable, Generator

import pytest

from kafka_io.settings import KafkaSettings
from keypoints import HolisticFrame
from producer_service.capture.captured import Captured, DropPolicy, Interrupted, Source, SourceItem
from producer_service.pipeline import produce, wall_clock_us
from producer_service.settings import ProducerSettings
from producer_service.watchers import Watcher
from tests.producer_service.conftest import Position
from tests.producer_service.finders import RightHandFinder
from tests.producer_service.made_media import draw_quarters

pytestmark = pytest.mark.servers


class ComesBack:
    """Two pictures, an interruption, three more."""

    name = "rtsp://camera/door"
    stream_id = "door"
    still = False
    expected_frames = None
    drop_policy = DropPolicy.DROP_OLDEST

    def read(self) -> Generator[SourceItem, None, None]:
        for index in range(5):
            if index == 2:
                yield Interrupted("connected again")
            yield Captured(draw_quarters(), wall_clock_us(), index)


class Hearing(Watcher):
    def __init__(self) -> None:
        self.heard: list[str] = []

    def source_interrupted(self, source: Source, interrupted: Interrupted, /) -> None:
        self.heard.append(f"{source.name}: {interrupted.message}")


def test_after_an_interruption_the_epoch_is_new_and_nothing_is_tracked_on(
    make_topic: Callable[..., str],
    kafka_settings: KafkaSettings,
    read_topic: Callable[[str], dict[Position, HolisticFrame]],
) -> None:
    topic, watcher = make_topic(), Hearing()
    opened: list[RightHandFinder] = []

    def open_landmarker(_still: bool) -> RightHandFinder:
        opened.append(RightHandFinder())
        return opened[-1]

    ledger = produce(
        [ComesBack()],
        ProducerSettings(topic=topic, capture_ahead_frames=8),
        kafka_settings,
        watchers=[watcher],
        open_landmarker=open_landmarker,
    )
    assert ledger.clean
    assert ledger.counts().acknowledged == 5
    frames = list(read_topic(topic).values())
    before, after = frames[:2], frames[2:]
    assert [frame.sequence for frame in frames] == [0, 1, 0, 1, 2]
    assert {frame.stream_id for frame in frames} == {"door"}
    assert {frame.epoch for frame in before}.isdisjoint({frame.epoch for frame in after})
    assert after[0].epoch > before[0].epoch
    assert [landmarker.closed for landmarker in opened] == [True, True]
    assert watcher.heard == ["rtsp://camera/door: connected again"]
