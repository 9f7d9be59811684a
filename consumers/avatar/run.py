"""The avatar service: frames of the topic → the newest of everybody → bones and shapes → whoever shows them."""

import logging
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from connect_runtime.compacted_log import CompactedLog
from connect_runtime.durable_log import open_durable_log
from connect_runtime.offsets.bounded import BoundedReplay, name_replay
from connect_runtime.retry import Surroundings
from connect_runtime.service import ConnectorSpec, ServiceOptions, run_connectors
from connect_runtime.sink import Sink
from consumers.avatar.cast.book import RoleBook
from consumers.avatar.cast.calibrating import Calibrating
from consumers.avatar.cast.models import find_model_of_target
from consumers.avatar.cast.showing import Showing
from consumers.avatar.gltf.rest_skeleton import read_rest_offsets
from consumers.avatar.latency_log import LatencyLog
from consumers.avatar.outputs.target import make_output, make_outputs, parse_target, parse_targets
from consumers.avatar.replay import PacedSink
from consumers.avatar.settings import CONNECTOR_NAME, AvatarSettings
from consumers.avatar.sink import Audience, AvatarSink, Observers, SentFrame
from consumers.avatar.stage.memory import PoseMemory
from consumers.avatar.stage.stage import Stage
from consumers.avatar.viewing import open_viewer
from kafka_io.settings import KafkaSettings
from keypoints.topics import AVATAR_ROLES_SPEC
from observability.metrics import Metrics

log = logging.getLogger(__name__)


def run_avatar(settings: AvatarSettings, kafka: KafkaSettings, overrides: Mapping[str, str] | None = None) -> int:
    """Run until SIGTERM or SIGINT, and return the exit code.

    `overrides` are flat connector settings; `name` is the consumer group. Raises BadTarget, InvalidConfig and Terminal
    before anything starts.
    """
    metrics = Metrics()
    with ExitStack() as held:
        latency_log = None
        if settings.avatar_latency_log is not None:
            latency_log = LatencyLog(settings.avatar_latency_log)
            held.callback(latency_log.close)
        book = RoleBook(CompactedLog(kafka, Surroundings(), (AVATAR_ROLES_SPEC,), "avatar roles"))
        held.callback(book.close)
        hub, routes = held.enter_context(open_viewer(settings, kafka, book, metrics, read_clock_us))
        theatre = Theatre(settings, metrics, book, hub.open_channel)
        theatre.check_receivers()
        spec = theatre.make_connector(overrides or {}, latency_log)
        options = ServiceOptions(
            http_port=settings.http_port,
            http_host=settings.http_host,
            metrics=metrics,
            on_durable=open_durable_log(settings.durable_log),
            routes=routes,
        )
        return run_connectors([spec], kafka, options)


class Theatre:
    """What all tasks of a process share: roles, receivers, the audience. Raises BadTarget."""

    def __init__(
        self,
        settings: AvatarSettings,
        metrics: Metrics,
        book: RoleBook,
        make_audience: Callable[[], Audience] | None = None,
    ) -> None:
        self._settings = settings
        self._metrics = metrics
        self._book = book
        self._make_audience = make_audience
        defaults = settings.default_targets()
        self._own_models = settings.own_models()
        self._showing = Showing(book, defaults, lambda text: make_output(parse_target(text), self._read_rest))

    def check_receivers(self) -> None:
        """Raise BadTarget, or what a model's file raises, where a receiver that is set cannot be used."""
        for output in make_outputs(parse_targets(self._settings.vmc_targets), self._read_rest):
            output.close()

    def _read_rest(self, path: Path) -> NDArray[np.float64]:
        return read_rest_offsets(find_model_of_target(self._settings.avatar_models, self._own_models, path))

    def make_connector(
        self, overrides: Mapping[str, str] = {}, on_sent: Callable[[SentFrame], None] | None = None
    ) -> ConnectorSpec:
        """The connector that moves the avatars; `on_sent` is told of every frame sent. Raises InvalidConfig."""
        config = self._settings.connector_config(overrides)
        name, memory = str(config.pop("name", CONNECTOR_NAME)), self._settings.memory_path(config)
        return ConnectorSpec(
            name, config, lambda: self.make_sink(on_sent, memory), plugin_class="holistic.avatar.AvatarSinkConnector"
        )

    def make_sink(self, on_sent: Callable[[SentFrame], None] | None = None, memory: Path | None = None) -> Sink:
        """One task's sink."""
        options = self._settings.stage_options()
        stage = Stage(options, None if memory is None else _open_memory(memory, options.most))
        observers = Observers(
            on_sent,
            None if self._make_audience is None else self._make_audience(),
            Calibrating(stage, self._showing, self._book),
        )
        sink = AvatarSink(
            stage, self._showing, self._metrics, read_clock_us, observers, rate_hz=self._settings.avatar_rate_hz
        )
        speed = self._settings.avatar_speed
        return sink if speed is None else PacedSink(sink, speed)


def _open_memory(path: Path, most: int) -> PoseMemory | None:
    """The file of poses; where there can be none avatars are moved all the same."""
    try:
        return PoseMemory(path, most)
    except OSError as error:
        log.warning(
            "what is shown last cannot be kept: %s",
            error.strerror or error,
            extra={"path": str(path), "hint": "set HOLISTIC_AVATAR_MEMORY to a file of this process alone"},
        )
        return None


def make_connector(settings: AvatarSettings, metrics: Metrics) -> ConnectorSpec:
    """The connector as it is by its settings, without roles. Raises BadTarget and InvalidConfig."""
    return Theatre(settings, metrics, RoleBook(None)).make_connector()


def make_bounded_replay(settings: AvatarSettings) -> BoundedReplay:
    """How recorded performances are shown again to the receivers, at their own speed or faster. Raises BadTarget.

    A live avatar that sends to the same receivers goes on doing so: give the replay others, or pause the live one.
    """
    paced = settings.model_copy(update={"avatar_speed": settings.avatar_speed or 1.0})
    theatre = Theatre(paced, Metrics(), RoleBook(None))
    return BoundedReplay(ConnectorSpec(name_replay(CONNECTOR_NAME), paced.connector_config({}), theatre.make_sink))


def read_clock_us() -> int:
    """Microseconds since 1970."""
    return time.time_ns() // 1000
