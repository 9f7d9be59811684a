"""What the tests of going on share: producers as processes, and runs of this process that are ended in the middle."""

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from kafka_io.admin import topic_end_offsets
from kafka_io.settings import KafkaSettings
from keypoints import HolisticFrame
from producer_service.capture.captured import RgbImage, Source
from producer_service.capture.open_source import SourceOptions, open_source
from producer_service.landmarks.landmarker import LandmarkerFailed, Landmarks
from producer_service.ledger import Ledger
from producer_service.pipeline import produce, wall_clock_us
from producer_service.progress.file_progress import FileProgress
from producer_service.settings import ProducerSettings
from producer_service.watchers import Watcher
from tests.producer_service.conftest import Position
from tests.producer_service.finders import RightHandFinder
from tests.producer_service.waiting import wait_until

REPOSITORY = Path(__file__).resolve().parents[3]

ReadTopic = Callable[[str], dict[Position, HolisticFrame]]
Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def state_dir(tmp_path: Path) -> Path:
    return tmp_path / "state"


@pytest.fixture
def start(kafka_settings: KafkaSettings, state_dir: Path) -> Iterator[Start]:
    """`start(module, topic, *arguments, **environment)`: a producer as a process.

    Those that still run are killed in the end.
    """
    started: list[subprocess.Popen[str]] = []

    def start_program(module: str, topic: str, *arguments: object, **environment: object) -> "subprocess.Popen[str]":
        program = subprocess.Popen(
            [sys.executable, "-m", module, *map(str, arguments)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=REPOSITORY,
            env={
                "PATH": os.environ["PATH"],
                "KAFKA_BOOTSTRAP_SERVERS": kafka_settings.bootstrap_servers,
                "HOLISTIC_TOPIC": topic,
                "HOLISTIC_STATE_DIR": str(state_dir),
                "SLOW_PICTURE_S": "0.03",
                **{name: str(value) for name, value in environment.items()},
            },
        )
        started.append(program)
        return program

    yield start_program
    for program in started:
        program.kill()
        program.communicate()


def wait_for_frames(kafka: KafkaSettings, topic: str, frames: int, program: "subprocess.Popen[str]") -> None:
    """Until so many are on the topic; the program must not end before."""

    def are_there() -> bool:
        assert program.poll() is None
        return sum(topic_end_offsets(kafka, topic).values()) >= frames

    wait_until(are_there, within_s=60)


class EndingAfter(Watcher):
    """Asks for a stop once so many frames were handed over."""

    def __init__(self, frames: int | None) -> None:
        self.stop = threading.Event()
        self.resumed: list[tuple[int, int]] = []
        self._left = frames

    def source_resumed(self, _source: Source, epoch: int, already_published: int, /) -> None:
        self.resumed.append((epoch, already_published))

    def frame_processed(self, _source: Source, _frame: HolisticFrame, /) -> None:
        if self._left is not None:
            self._left -= 1
            if self._left == 0:
                self.stop.set()


class CountingFinder(RightHandFinder):
    """Says how many pictures all of its kind have looked at; breaks at what a video codec makes of white, too."""

    looked_at = 0

    def find(self, image: RgbImage) -> Landmarks:
        CountingFinder.looked_at += 1
        if image.min() >= 250:
            raise LandmarkerFailed("white pictures break it")
        return super().find(image)


@dataclass(slots=True)
class Run:
    """What became of a run, and what it was told."""

    ledger: Ledger
    watcher: EndingAfter
    looked_at: int


@dataclass(slots=True)
class Runner:
    """Runs over files in this process; each has its own progress, as each process has."""

    kafka: KafkaSettings
    topic: str
    state_dir: Path

    def run(self, paths: Sequence[Path], ended_after: int | None = None, *, afresh: bool = False) -> Run:
        """Publish the files; a run that is `ended_after` so many frames leaves its journals, as one that was killed."""
        settings = ProducerSettings(topic=self.topic, delivery_timeout_s=20, state_dir=self.state_dir)
        watcher = EndingAfter(ended_after)
        CountingFinder.looked_at = 0
        with FileProgress(self.kafka, settings, wall_clock_us, afresh=afresh) as progress:
            ledger = produce(
                [open_source(path, SourceOptions(), wall_clock_us) for path in paths],
                settings,
                self.kafka,
                watchers=[watcher],
                stop=watcher.stop,
                open_landmarker=lambda _still: CountingFinder(),
                progress=progress,
            )
            if ended_after is None:
                progress.forget()
        assert ledger.counts().adds_up
        return Run(ledger, watcher, CountingFinder.looked_at)

    def journals(self) -> list[Path]:
        return sorted(self.state_dir.glob("produce/*"))


@pytest.fixture
def runner(kafka_settings: KafkaSettings, make_topic: Callable[..., str], state_dir: Path) -> Runner:
    return Runner(kafka_settings, make_topic(partitions=3), state_dir)


def by_identity(frames: dict[Position, HolisticFrame]) -> dict[tuple[str, int, int], HolisticFrame]:
    """Frames by stream, epoch and sequence; none of them may be there twice."""
    found = {(frame.stream_id, frame.epoch, frame.sequence): frame for frame in frames.values()}
    assert len(found) == len(frames)
    return dict(sorted(found.items()))
