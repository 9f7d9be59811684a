"""The avatar service: frames of the tracking topic → the newest → bones and blendshapes → VMC packets to receivers."""

import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import replace
from typing import Final

from connect_runtime.offsets.bounded import BoundedReplay, name_replay
from connect_runtime.service import ConnectorSpec, ServiceOptions, run_connectors
from consumers.avatar.latency_log import LatencyLog
from consumers.avatar.outputs.udp import UdpSender
from consumers.avatar.replay import PacedSink
from consumers.avatar.settings import CONNECTOR_NAME, AvatarSettings
from consumers.avatar.sink import AvatarSink, SentFrame
from kafka_io.settings import KafkaSettings
from observability.metrics import Metrics

# A replay's put takes as long as its frames did, and a replay that is stopped ends with the put it is in.
_FRAMES_AT_ONCE: Final = 30
MAX_POLL_KEY: Final = "consumer.override.max.poll.records"


def run_avatar(settings: AvatarSettings, kafka: KafkaSettings, overrides: Mapping[str, str] | None = None) -> int:
    """Run until SIGTERM or SIGINT, and return the exit code.

    `overrides` are flat connector settings; `name` is the consumer group. Raises BadTarget, InvalidConfig and Terminal
    before anything starts.
    """
    metrics = Metrics()
    UdpSender(settings.targets()).close()
    with ExitStack() as open_files:
        log = None
        if settings.avatar_latency_log is not None:
            log = LatencyLog(settings.avatar_latency_log)
            open_files.callback(log.close)

        spec = make_connector(settings, metrics, overrides, log)
        options = ServiceOptions(http_port=settings.http_port, http_host=settings.http_host, metrics=metrics)
        return run_connectors([spec], kafka, options)


def make_connector(
    settings: AvatarSettings,
    metrics: Metrics,
    overrides: Mapping[str, str] | None = None,
    on_sent: Callable[[SentFrame], None] | None = None,
) -> ConnectorSpec:
    """The connector that drives the targets; `on_sent` is told of every frame sent. Raises BadTarget."""
    targets = settings.targets()

    def make_sink() -> AvatarSink:
        return AvatarSink(settings.options(), UdpSender(targets), metrics, read_clock_us, on_sent)

    config = settings.connector_config(overrides or {})
    name = str(config.pop("name", CONNECTOR_NAME))
    return ConnectorSpec(name, config, make_sink, plugin_class="holistic.avatar.AvatarSinkConnector")


def make_bounded_replay(settings: AvatarSettings) -> BoundedReplay:
    """How a recorded performance is shown again to the targets, at its own speed. Raises BadTarget.

    A live avatar that sends to the same receivers goes on doing so: give the replay others, or pause the live one.
    """
    targets, options = settings.targets(), replace(settings.options(), stale_after_s=None)

    def make_sink() -> PacedSink:
        shown_by = AvatarSink(options, UdpSender(targets), Metrics(), read_clock_us)
        return PacedSink(shown_by, options.stream)

    config = settings.connector_config({MAX_POLL_KEY: str(_FRAMES_AT_ONCE)})
    return BoundedReplay(ConnectorSpec(name_replay(CONNECTOR_NAME), config, make_sink))


def read_clock_us() -> int:
    """Microseconds since 1970."""
    return time.time_ns() // 1000
