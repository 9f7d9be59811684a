"""Real producers of landmarks: killed amid a film, and with Kafka out of reach while pictures are uploaded."""

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import httpx

from demo.services import Service, ServiceProcesses
from keypoints.codec import decode
from keypoints.topics import record_key
from proving.chaos.arena import Arena
from proving.chaos.fault import Fault, FaultMissed
from proving.chaos.followed_topic import FollowedTopic
from proving.chaos.pictures import draw_jpegs, write_film
from proving.chaos.servers import KAFKA
from proving.suite import StillBehind

_FILM_FRAMES: Final = 40
_ENDS_S: Final = 120.0


class FilmKilled(Fault):
    """kill -9, twice, of a producer that reads a video; the same command goes on with it."""

    name = "kill-film-producer"
    must = "nothing acknowledged lost, goes on under the same epoch"
    stream: Final = "chaos-film"

    def __init__(self) -> None:
        self._followed: FollowedTopic | None = None
        self._process: subprocess.Popen[str] | None = None

    def prepare(self, arena: Arena) -> None:
        """A film, and a producer that has begun with it."""
        self._film = write_film(arena.home / "film.mp4", _FILM_FRAMES)
        key = record_key(self.stream)
        self._followed = FollowedTopic(arena.suite.kafka, arena.suite.topic, lambda record: record.key == key)
        self._start(arena)
        self._wait_for_more(arena.rng.randint(2, 8))

    def begin(self, arena: Arena) -> None:
        """Kill it, let it go on for some frames, and kill it again."""
        self._kill()
        self._start(arena)
        self._wait_for_more(arena.rng.randint(2, 8))
        self._kill()
        self.note = f"killed twice in {_FILM_FRAMES} frames"

    def end(self, arena: Arena) -> None:
        """The same command again."""
        self._start(arena)

    def recover(self, arena: Arena) -> None:  # noqa: ARG002
        """Another frame is there."""
        self._wait_for_more(1)

    def check(self, arena: Arena) -> list[str]:  # noqa: ARG002
        """All frames are there once, under one epoch."""
        process, followed = self._running, self._follower
        said, complaint = process.communicate(timeout=_ENDS_S)
        problems = [] if process.returncode == 0 else [f"exit code {process.returncode}: {complaint[-500:]}"]
        try:
            ledger = json.loads(said)
        except ValueError:
            problems.append(f"it gave no account of its frames: {said[-200:]!r}")
        else:
            if ledger["received"] != ledger["acknowledged"]:
                problems.append(f"received {ledger['received']}, acknowledged {ledger['acknowledged']}")
        followed.read_to_end()
        frames = [decode(record.value, key=record.key) for record in followed.records]
        if len({frame.epoch for frame in frames}) != 1:
            problems.append(f"{len({frame.epoch for frame in frames})} epochs")
        if [frame.sequence for frame in frames] != list(range(_FILM_FRAMES)):
            problems.append(f"sequences are {[frame.sequence for frame in frames]}")
        return problems

    def tidy(self, arena: Arena) -> None:  # noqa: ARG002
        """End it."""
        if self._process is not None and self._process.poll() is None:
            self._kill()
        if self._followed is not None:
            self._followed.close()

    def _start(self, arena: Arena) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "producer_service", str(self._film), "--json", "--stream", self.stream],
            env={**os.environ, **arena.suite.environment, "HOLISTIC_STATE_DIR": str(arena.home / "state")},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    @property
    def _running(self) -> "subprocess.Popen[str]":
        if self._process is None:
            raise FaultMissed("the producer was not started", fault=self.name)
        return self._process

    @property
    def _follower(self) -> FollowedTopic:
        if self._followed is None:
            raise FaultMissed("nobody follows the topic", fault=self.name)
        return self._followed

    def _kill(self) -> None:
        self._running.kill()
        self._running.communicate()

    def _wait_for_more(self, count: int) -> None:
        followed = self._follower
        wanted = min(_FILM_FRAMES, len(followed.records) + count)
        followed.wait_for(lambda: len(followed.records) >= wanted, f"{wanted} frames of the film")


class UploadsAway(Fault):
    """The broker is killed while pictures are uploaded."""

    name = "uploads-broker-away"
    must = "uploads answer 503, also when full, and are taken again"
    hold_s = 3.0
    at_once: Final = 8

    def __init__(self) -> None:
        self._gateway: ServiceProcesses | None = None
        self._answers: list[tuple[int, str]] = []

    def prepare(self, arena: Arena) -> None:
        """A gateway with little room, that takes a picture."""
        environment = {
            **arena.suite.environment,
            "HOLISTIC_GRPC_PORT": "0",
            "HOLISTIC_WORKERS": "1",
            "HOLISTIC_REQUESTS_PER_S": "1000",
            "HOLISTIC_DELIVERY_TIMEOUT_S": "4",
            "HOLISTIC_MAX_IN_FLIGHT_BYTES": "12000",
        }
        self._gateway = ServiceProcesses(
            [Service("producer_service.gateway", environment, label="gateway")], arena.suite.logs_dir, 90.0
        )
        self._gateway.__enter__()
        self._picture = draw_jpegs(1)[0]
        if self._upload()[0] != httpx.codes.OK:
            raise FaultMissed("the gateway took no picture", hint="its log says why", fault=self.name)

    def begin(self, arena: Arena) -> None:
        """Kafka goes, and pictures come."""
        arena.servers.take_down(KAFKA)
        with ThreadPoolExecutor(self.at_once) as threads:
            self._answers = list(threads.map(lambda _: self._upload(), range(self.at_once)))

    def end(self, arena: Arena) -> None:
        """Kafka answers again."""
        arena.servers.bring_back(KAFKA)

    def recover(self, arena: Arena) -> None:  # noqa: ARG002
        """A picture is taken."""
        deadline_s = time.monotonic() + 60.0
        while self._upload()[0] != httpx.codes.OK:
            if time.monotonic() > deadline_s:
                raise StillBehind("no upload was taken within 60 s", group="gateway", lag=0)

    def check(self, arena: Arena) -> list[str]:  # noqa: ARG002
        """All were told that Kafka is away, and some that there is no room."""
        said = Counter(f"{status} {code}" for status, code in self._answers)
        self.note = ", ".join(f"{count}× {answer}" for answer, count in sorted(said.items()))
        away = {"503 kafka_unavailable", "503 publisher_full"}
        problems = [] if said.keys() <= away else [f"answers were {dict(said)}"]
        if not said["503 publisher_full"]:
            problems.append("no upload was told that there is no room")
        self._serving.signal("gateway", signal.SIGTERM)
        exit_code = self._serving.wait_ended("gateway", 60.0)
        return problems if exit_code == 0 else [*problems, f"the gateway ended with exit code {exit_code}"]

    def tidy(self, arena: Arena) -> None:  # noqa: ARG002
        """End it."""
        if self._gateway is not None:
            self._gateway.stop(timeout_s=10.0)

    @property
    def _serving(self) -> ServiceProcesses:
        if self._gateway is None:
            raise FaultMissed("the gateway was not started", fault=self.name)
        return self._gateway

    def _upload(self) -> tuple[int, str]:
        address = f"{self._serving.address('gateway')}/v1/images"
        try:
            answer = httpx.post(address, content=self._picture, headers={"content-type": "image/jpeg"}, timeout=30)
        except httpx.HTTPError as error:
            return 0, type(error).__name__
        code = "" if answer.status_code == httpx.codes.OK else str(answer.json()["error"]["code"])
        return answer.status_code, code
