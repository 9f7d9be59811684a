"""Images that real producers make frames of: a member of their group killed, and workers that hang or die."""

import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

import psutil

from connect_runtime.dead_letters import read_dead_letter
from demo.services import Service, ServiceProcesses
from kafka_io.admin import create_topics, group_offsets, topic_end_offsets
from kafka_io.publisher import BoundedPublisher, Delivery
from kafka_io.whole_topic import read_whole_topic
from keypoints.topics import TopicSpec, record_key
from proving.chaos.arena import Arena, now_us
from proving.chaos.fault import Fault, FaultMissed
from proving.chaos.followed_topic import FollowedTopic, origin_of
from proving.chaos.pictures import draw_jpegs
from proving.suite import StillBehind

_ENDS_S: Final = 120.0
_IMAGE_BYTES: Final = 8 * 1024 * 1024 + 64 * 1024
_WORKER: Final = "worker_process"
_LOOK_S: Final = 1.2
_SETTLED_S: Final = 30.0
_BUSY_S: Final = 0.02
_ON_ITS_WAY_S: Final = 1.0


class ImageTopic:
    """A topic of images, a member of the group that works on them, and what came of each image."""

    def __init__(self, arena: Arena, name: str, workers: int) -> None:
        self.arena = arena
        self.name = f"{arena.suite.topic}-{name}"
        self.letters_topic = f"holistic-dlq-{self.name}"
        create_topics(arena.suite.kafka, [TopicSpec(self.name, 6, {"max.message.bytes": str(_IMAGE_BYTES)})])
        self.sent: dict[tuple[int, int], str] = {}
        images = self.name
        self.followed = FollowedTopic(
            arena.suite.kafka, arena.suite.topic, lambda record: origin_of(record, images) is not None
        )
        environment = {
            **arena.suite.environment,
            "HOLISTIC_IMAGES_TOPIC": self.name,
            "HOLISTIC_IMAGES_GROUP": self.name,
            "HOLISTIC_IMAGES_DEAD_LETTER_TOPIC": self.letters_topic,
            "HOLISTIC_IMAGES_WORKERS": str(workers),
            "HOLISTIC_IMAGES_COMMIT_EVERY_S": "2",
        }
        self.member = name
        service = Service(
            "producer_service.image_topic", environment, label=name, port_variable="HOLISTIC_IMAGES_HTTP_PORT"
        )
        self.processes = ServiceProcesses([service], arena.suite.logs_dir, 90.0)
        self.processes.__enter__()

    def send(self, streams: Sequence[str], picture: bytes) -> None:
        """A picture to each of these streams, taken now, and acknowledged."""

        def note(delivery: Delivery) -> None:
            if delivery.partition is not None and delivery.offset is not None:
                self.sent[delivery.partition, delivery.offset] = str(delivery.tag)

        with BoundedPublisher(self.arena.suite.kafka, on_delivery=note) as publisher:
            for stream in streams:
                publisher.publish(self.name, record_key(stream), picture, [], now_us() // 1000, stream)

    def count_frames(self, stream: str | None = None) -> int:
        """Of a stream, or of all, on the topic of frames so far."""
        key = None if stream is None else record_key(stream)
        return sum(key is None or record.key == key for record in self.followed.records)

    def wait_for_frames(self, count: int, stream: str | None = None) -> None:
        """Until so many are there. Raises StillBehind."""
        what = f"{count} frames of {stream or 'all streams'}"
        self.followed.wait_for(lambda: self.count_frames(stream) >= count, what)

    def find_problems(self) -> list[str]:
        """Each image must have a frame, or be a dead letter, and neither twice; all are committed."""
        kafka = self.arena.suite.kafka
        deadline_s = time.monotonic() + _ENDS_S
        while not self._is_committed():
            if time.monotonic() > deadline_s:
                raise StillBehind(f"{self.name} is not committed to its end", group=self.name, lag=0)
            time.sleep(0.2)
        self.followed.read_to_end()
        frames = [origin_of(record, self.name) for record in self.followed.records]
        letters = [read_dead_letter(record).source[1:] for record in read_whole_topic(kafka, self.letters_topic)]
        outcome = Counter([*frames, *letters])
        problems = []
        if missing := self.sent.keys() - outcome.keys():
            problems.append(f"{len(missing)} images came to nothing")
        if doubled := [place for place, count in outcome.items() if count > 1]:
            problems.append(f"{len(doubled)} images have two outcomes")
        self.letters = len(letters)
        return problems

    def _is_committed(self) -> bool:
        committed = group_offsets(self.arena.suite.kafka, self.name, self.name)
        ends = topic_end_offsets(self.arena.suite.kafka, self.name)
        return all(committed.get(partition, 0) >= end for partition, end in ends.items())

    def leave(self) -> list[str]:
        """SIGTERM; what was wrong about it."""
        self.processes.signal(self.member, signal.SIGTERM)
        exit_code = self.processes.wait_ended(self.member, 60.0)
        return [] if exit_code == 0 else [f"the member ended with exit code {exit_code}"]

    def close(self) -> None:
        """End the member."""
        self.processes.stop(timeout_s=10.0)
        self.followed.close()


class ImageMemberKilled(Fault):
    """kill -9 of the member of the group that turns images into frames, between publishing and committing."""

    name = "kill-image-producer"
    must = "outputs are not doubled"
    streams: Final = ("chaos-ada", "chaos-bob", "chaos-cleo")
    each: Final = 12

    def __init__(self) -> None:
        self._images: ImageTopic | None = None

    def prepare(self, arena: Arena) -> None:
        """A member that has begun."""
        self._images = ImageTopic(arena, "images-kill", workers=1)
        self._topic.send(self.streams * self.each, draw_jpegs(1)[0])
        self._topic.wait_for_frames(arena.rng.randint(3, 10))

    def begin(self, arena: Arena) -> None:  # noqa: ARG002
        """Kill it."""
        self._topic.processes.signal(self._topic.member, signal.SIGKILL)
        self._topic.processes.wait_ended(self._topic.member)
        self.note = f"{len(self._topic.sent)} images, killed after {self._topic.count_frames()} frames"

    def end(self, arena: Arena) -> None:  # noqa: ARG002
        """Another one."""
        self._topic.processes.restart(self._topic.member)

    def recover(self, arena: Arena) -> None:  # noqa: ARG002
        """Another frame is there."""
        self._topic.followed.read_to_end()
        self._topic.wait_for_frames(min(len(self._topic.sent), self._topic.count_frames() + 1))

    def check(self, arena: Arena) -> list[str]:  # noqa: ARG002
        """Each image has one frame."""
        return self._topic.find_problems() + self._topic.leave()

    def tidy(self, arena: Arena) -> None:  # noqa: ARG002
        """End it."""
        if self._images is not None:
            self._images.close()

    @property
    def _topic(self) -> ImageTopic:
        if self._images is None:
            raise FaultMissed("there is no topic of images", fault=self.name)
        return self._images


class WorkerTroubled(Fault):
    """A worker process with MediaPipe in it that hangs (SIGSTOP) or dies (kill -9), while others work on."""

    must = "its worker is respawned, the other streams are undisturbed"
    streams: Final = ("chaos-one", "chaos-two", "chaos-three", "chaos-four")
    spacing_s: Final = 0.5
    workers: Final = 2

    def __init__(self, name: str, number: signal.Signals, hurts_s: float, lasts_s: float) -> None:
        """`hurts_s`: how long nobody has replaced the worker for certain; `lasts_s`: when somebody has."""
        self.name = name
        self._hurts_s = hurts_s
        self._lasts_s = lasts_s
        self._number = number
        self._images: ImageTopic | None = None
        self._fed = threading.Event()
        self._feeder: threading.Thread | None = None

    def prepare(self, arena: Arena) -> None:
        """A member with two workers, and pictures for all streams, again and again."""
        self._images = images = ImageTopic(arena, self.name, workers=self.workers)
        picture = draw_jpegs(1)[0]

        def feed() -> None:
            while not self._fed.wait(self.spacing_s):
                images.send(self.streams, picture)

        self._feeder = threading.Thread(target=feed, name="feeder")
        self._feeder.start()
        for stream in self.streams:
            images.wait_for_frames(2, stream)

    def begin(self, arena: Arena) -> None:
        """Find a worker that has work, and hurt it."""
        images = self._topic
        busy = _find_busy_workers(images.processes.pid(images.member), self.workers)
        if not busy:
            raise FaultMissed("no worker process was at work", hint="was MediaPipe too slow?", fault=self.name)
        self._victim = arena.rng.choice(busy)
        os.kill(self._victim, self._number)
        # What it had finished is on its way still.
        self._watch(_ON_ITS_WAY_S)
        images.followed.read_to_end()
        at_begin = {stream: images.count_frames(stream) for stream in self.streams}
        self._watch(self._hurts_s - _ON_ITS_WAY_S)
        self._went_on = [each for each in self.streams if images.count_frames(each) > at_begin[each]]
        self._watch(self._lasts_s - self._hurts_s)

    def recover(self, arena: Arena) -> None:  # noqa: ARG002
        """Every stream has frames again."""
        self._topic.followed.read_to_end()
        now = {stream: self._topic.count_frames(stream) for stream in self.streams}
        for stream in self.streams:
            self._topic.wait_for_frames(now[stream] + 1, stream)

    def check(self, arena: Arena) -> list[str]:  # noqa: ARG002
        """The others went on meanwhile, the victim is gone, and each image has come to one thing."""
        self._stop_feeding()
        problems = [] if self._went_on else ["no stream went on meanwhile"]
        if self._number is signal.SIGSTOP and len(self._went_on) == len(self.streams):
            problems.append("the worker that hung had no stream")
        if psutil.pid_exists(self._victim) and psutil.Process(self._victim).status() != psutil.STATUS_ZOMBIE:
            problems.append("the worker is still there")
        problems += self._topic.find_problems()
        went_on = len(self._went_on)
        self.note = f"{went_on} of {len(self.streams)} streams went on meanwhile, {self._topic.letters} dead letters"
        return problems + self._topic.leave()

    def tidy(self, arena: Arena) -> None:  # noqa: ARG002
        """End all."""
        self._stop_feeding()
        if self._images is not None:
            self._images.close()

    def _watch(self, seconds: float) -> None:
        until_s = time.monotonic() + seconds
        while time.monotonic() < until_s:
            self._topic.followed.read_on()

    def _stop_feeding(self) -> None:
        self._fed.set()
        if self._feeder is not None:
            self._feeder.join()

    @property
    def _topic(self) -> ImageTopic:
        if self._images is None:
            raise FaultMissed("there is no topic of images", fault=self.name)
        return self._images


def _find_busy_workers(member: int, workers: int) -> list[int]:
    """Worker processes of a member that have streams: those that work while the one in reserve has nothing to do."""
    until_s = time.monotonic() + _SETTLED_S
    while time.monotonic() < until_s:
        children = psutil.Process(member).children(recursive=True)
        there = [child for child in children if _WORKER in " ".join(child.cmdline())]
        busy = _list_busy(there)
        if 0 < len(busy) <= workers < len(there):
            return busy
    return []


def _list_busy(processes: Sequence[psutil.Process]) -> list[int]:
    before = {process.pid: sum(process.cpu_times()[:2]) for process in processes}
    time.sleep(_LOOK_S)
    busy = []
    for process in processes:
        with suppress(psutil.Error):
            if sum(process.cpu_times()[:2]) - before[process.pid] > _BUSY_S:
                busy.append(process.pid)
    return busy
