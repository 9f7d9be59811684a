"""The avatar service: frames of the tracking topic → the newest → bones and blendshapes → VMC packets to receivers."""

import time
from collections.abc import Mapping
from contextlib import ExitStack

from connect_runtime.service import ConnectorSpec, ServiceOptions, run_connectors
from consumers.avatar.latency_log import LatencyLog
from consumers.avatar.sender import UdpSender
from consumers.avatar.settings import CONNECTOR_NAME, AvatarSettings
from consumers.avatar.sink import AvatarSink
from kafka_io.settings import KafkaSettings
from observability.metrics import Metrics


def run_avatar(settings: AvatarSettings, kafka: KafkaSettings, overrides: Mapping[str, str] | None = None) -> int:
    """Run until SIGTERM or SIGINT, and return the exit code.

    `overrides` are flat connector settings; `name` is the consumer group. Raises BadTarget, InvalidConfig and Terminal
    before anything starts.
    """
    metrics, targets = Metrics(), settings.targets()
    UdpSender(targets).close()
    with ExitStack() as open_files:
        log = None
        if settings.avatar_latency_log is not None:
            log = LatencyLog(settings.avatar_latency_log)
            open_files.callback(log.close)

        def make_sink() -> AvatarSink:
            return AvatarSink(settings.options(), UdpSender(targets), metrics, read_clock_us, on_sent=log)

        config = settings.connector_config(overrides or {})
        spec = ConnectorSpec(config.pop("name", CONNECTOR_NAME), config, make_sink)
        options = ServiceOptions(http_port=settings.http_port, http_host=settings.http_host, metrics=metrics)
        return run_connectors([spec], kafka, options)


def read_clock_us() -> int:
    """Microseconds since 1970."""
    return time.time_ns() // 1000
