"""Starts, finds and stops the stack of one data directory."""

from __future__ import annotations

import os
import random
import secrets
import shutil
import signal
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from kafka_io.admin import create_topics
from kafka_io.settings import KafkaSettings
from keypoints.topics import SUITE_TOPICS
from local_stack.artifacts import fetch_artifacts, unpack_archive
from local_stack.background import signal_supervisor, start_supervisor, stop_supervisor
from local_stack.errors import DataDirUnusable, PartFailed, StackIsUp, StopFailed
from local_stack.kafka_broker import find_java, prepare_kafka
from local_stack.layout import Endpoints, Layout, default_cache_dir
from local_stack.plan import KAFKA, REGISTRY, TITLES, Ports, StackPlan, read_plan, write_plan
from local_stack.ports import check_port, is_free, pick_port
from local_stack.postgres_server import create_database, prepare_postgres
from local_stack.processes import hold_lock, is_locked
from local_stack.progress import Progress, SilentProgress
from local_stack.readiness import wait_until_ready
from local_stack.schema_registry import prepare_registry

LEAST_FREE_BYTES = 512 * 1024 * 1024


@dataclass(frozen=True)
class WantedPorts:
    """Ports a person insists on; None leaves the choice to the stack."""

    kafka: int | None = None
    postgres: int | None = None
    registry: int | None = None


def start_stack(
    data_dir: Path,
    schema_registry: bool = False,
    progress: Progress | None = None,
    ports: WantedPorts | None = None,
    cache_dir: Path | None = None,
) -> Endpoints:
    """Bring the stack of a data directory up, or find it up, and return when every part answers.

    The suite's topics and database exist afterwards. A stack that is up gets the registry added when it is asked for,
    and a part that crashed is waited for. Raises DownloadFailed without a network, PortTaken, StackIsUp (on other
    ports), DataDirUnusable, JavaUnusable, PostgresUnusable, or PartFailed with the end of the log of a part that does
    not come up.
    """
    layout = Layout(data_dir.expanduser().absolute())
    report = progress or SilentProgress()
    check_data_dir(layout.data_dir)
    with hold_lock(layout.start_lock):
        plan = read_plan(layout)
        running = is_locked(layout.supervisor_lock)
        if plan is None or not running:
            plan = _make_plan(layout, plan, schema_registry, ports or WantedPorts(), cache_dir, report)
            write_plan(layout, plan)
            start_supervisor(layout)
        else:
            _refuse_other_ports(plan.ports, ports or WantedPorts())
            if schema_registry and REGISTRY not in plan.part_names():
                plan = _add_registry(layout, plan, cache_dir, report)
                write_plan(layout, plan)
                signal_supervisor(layout, signal.SIGHUP)
        try:
            wait_until_ready(layout, plan, report)
        except PartFailed:
            if not running:
                stop_supervisor(layout)
            raise
        create_database(plan, layout)
        endpoints = plan.endpoints(layout)
        create_topics(_kafka_settings(endpoints), SUITE_TOPICS)
    return endpoints


def find_stack(data_dir: Path) -> Endpoints | None:
    """The addresses of the stack that is up in a data directory, or None."""
    layout = Layout(data_dir.expanduser().absolute())
    plan = read_plan(layout)
    if plan is None or not is_locked(layout.supervisor_lock):
        return None
    return plan.endpoints(layout)


def stop_stack(data_dir: Path) -> bool:
    """Stop every part in order and wait for it; False when nothing was up. Raises StopFailed when the time is up."""
    layout = Layout(data_dir.expanduser().absolute())
    if not is_locked(layout.supervisor_lock):
        return False
    with hold_lock(layout.start_lock):
        return stop_supervisor(layout)


def delete_data(data_dir: Path) -> None:
    """Delete what the stack keeps in a data directory, and nothing else. The stack must be down.

    Raises StopFailed while it is up.
    """
    layout = Layout(data_dir.expanduser().absolute())
    if is_locked(layout.supervisor_lock):
        raise StopFailed(f"the stack in {layout.data_dir} is up, its data is not deleted", path=str(layout.data_dir))
    for directory in (layout.kafka_dir, layout.postgres_dir, layout.logs_dir, layout.status_file.parent):
        shutil.rmtree(directory, ignore_errors=True)
    for file in (layout.plan_file, layout.password_file):
        file.unlink(missing_ok=True)
    if layout.data_dir.is_dir() and not any(layout.data_dir.iterdir()):
        layout.data_dir.rmdir()


def check_data_dir(data_dir: Path) -> None:
    """Make the directory, and raise DataDirUnusable when it cannot be written or the disk is almost full."""
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        probe = data_dir / f".write-test-{os.getpid()}"
        probe.write_bytes(b"")
        probe.unlink()
        free_bytes = shutil.disk_usage(data_dir).free
    except OSError as error:
        raise DataDirUnusable(
            f"cannot write to the data directory {data_dir}: {error.strerror or error}",
            hint="set HOLISTIC_HOME to a directory you can write",
            path=str(data_dir),
        ) from error
    if free_bytes < LEAST_FREE_BYTES:
        raise DataDirUnusable(
            f"only {free_bytes // 1024**2} MiB are free where {data_dir} is, the stack needs"
            f" {LEAST_FREE_BYTES // 1024**2} MiB to begin with",
            hint="free some room, or set HOLISTIC_HOME to a directory on another disk",
            path=str(data_dir),
        )


def _make_plan(
    layout: Layout,
    former: StackPlan | None,
    schema_registry: bool,
    wanted: WantedPorts,
    cache_dir: Path | None,
    progress: Progress,
) -> StackPlan:
    rng = random.SystemRandom()
    ports = _choose_ports(former.ports if former else None, wanted, rng, progress)
    java = find_java()
    jars = fetch_artifacts(KAFKA, cache_dir or default_cache_dir(), progress)
    if not layout.kafka_dir.exists():
        progress.say("formatting Kafka's storage")
    kafka = prepare_kafka(layout, ports, java, jars, rng)
    postgres = prepare_postgres(layout, ports, lambda: secrets.token_urlsafe(24), progress)
    plan = StackPlan(ports, [postgres, kafka])
    if schema_registry or (former is not None and REGISTRY in former.part_names()):
        plan = _add_registry(layout, plan, cache_dir, progress)
    return plan


def _add_registry(layout: Layout, plan: StackPlan, cache_dir: Path | None, progress: Progress) -> StackPlan:
    [archive] = fetch_artifacts(REGISTRY, cache_dir or default_cache_dir(), progress)
    part = prepare_registry(layout, plan.ports, find_java(), unpack_archive(archive))
    return replace(plan, parts=[*plan.parts, part])


def _choose_ports(former: Ports | None, wanted: WantedPorts, rng: random.Random, progress: Progress) -> Ports:
    chosen: dict[str, int] = {}
    for name in ("kafka", "kafka_controller", "postgres", "registry"):
        insisted: int | None = getattr(wanted, name, None)
        remembered: int | None = getattr(former, name, None)
        if (insisted is not None and insisted == remembered) or (insisted is None and remembered is not None):
            port = remembered if is_free(remembered) else None
            if port is None:
                port = pick_port(rng, chosen.values())
                progress.say(f"port {remembered} of {name} is taken by another program now, moving to {port}")
        elif insisted is not None:
            port = check_port(name, insisted)
        else:
            port = pick_port(rng, chosen.values())
        chosen[name] = port
    return Ports(**chosen)


def _refuse_other_ports(running: Ports, wanted: WantedPorts) -> None:
    for name, port in asdict(wanted).items():
        if port is not None and port != getattr(running, name):
            raise StackIsUp(
                f"{TITLES[name]} is up on port {getattr(running, name)} and cannot move to {port}",
                hint="`holistic down` first; its data stay",
                part=name,
                port=port,
            )


def _kafka_settings(endpoints: Endpoints) -> KafkaSettings:
    # The environment may describe another cluster; ours is plain and on loopback.
    return KafkaSettings(bootstrap_servers=endpoints.kafka_bootstrap_servers, security_protocol="PLAINTEXT")
