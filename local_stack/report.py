"""How a stack is: each part's process as its supervisor sees it, and whether it answers a client right now."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

from kafka_io.admin import open_admin
from kafka_io.settings import read_kafka_settings
from keypoints.errors import HolisticError
from local_stack.external import check_database
from local_stack.layout import LOOPBACK, Endpoints, Layout
from local_stack.plan import KAFKA, POSTGRES, REGISTRY, StackPlan, read_plan
from local_stack.probes import part_answers
from local_stack.status import PartStatus, StackStatus, read_status

if TYPE_CHECKING:
    from collections.abc import Callable

PartHealth = Literal["ready", "starting", "restarting", "stopping", "down"]


@dataclass(frozen=True)
class PartReport:
    """One part; what is not known of it (another machine's process) is None."""

    name: str
    health: PartHealth
    address: str
    detail: str | None = None
    pid: int | None = None
    up_s: float | None = None
    restarts: int | None = None
    log: str | None = None


@dataclass(frozen=True)
class StackReport:
    """All parts. `local` tells our own stack from servers named by the environment; `data_dir` is None for those."""

    local: bool
    data_dir: str | None
    parts: list[PartReport]

    @property
    def ready(self) -> bool:
        """Whether there is a stack and every part of it answers."""
        return bool(self.parts) and all(part.health == "ready" for part in self.parts)


def report_stack(data_dir: Path, clock: Callable[[], float] = time.time) -> StackReport:
    """The local stack of a data directory; no parts when none was ever started there."""
    layout = Layout(data_dir.expanduser().absolute())
    plan = read_plan(layout)
    parts: list[PartReport] = []
    if plan is not None:
        status = read_status(layout)
        parts = [_report_part(name, plan, layout, status, clock()) for name in plan.part_names()]
    return StackReport(True, str(layout.data_dir), parts)


def report_servers(endpoints: Endpoints) -> StackReport:
    """Servers named by the environment, asked whether they answer."""
    asked = {
        POSTGRES: (hide_password(endpoints.database_url), lambda: check_database(endpoints.database_url)),
        KAFKA: (endpoints.kafka_bootstrap_servers, _check_kafka),
    }
    return StackReport(False, None, [_report_server(name, *how) for name, how in asked.items()])


def hide_password(database_url: str) -> str:
    """The URL as it may be shown."""
    parts = urlsplit(database_url)
    if parts.password is None:
        return database_url
    user_and_host = parts.netloc.replace(f":{parts.password}@", ":…@")
    return parts._replace(netloc=user_and_host).geturl()


def _report_server(name: str, address: str, check: Callable[[], None]) -> PartReport:
    try:
        check()
    except HolisticError as error:
        return PartReport(name, "down", address, error.message)
    return PartReport(name, "ready", address)


def _check_kafka() -> None:
    with open_admin(read_kafka_settings(), "listing topics") as admin:
        admin.list_topics()


def _report_part(name: str, plan: StackPlan, layout: Layout, status: StackStatus | None, now_s: float) -> PartReport:
    part = status.part(name) if status else None
    port = {KAFKA: plan.ports.kafka, POSTGRES: plan.ports.postgres, REGISTRY: plan.ports.registry}[name]
    health: PartHealth
    if part is None or part.state == "stopped":
        health = "down"
    elif part.state == "running":
        health = "ready" if part_answers(name, plan, layout) else "starting"
    else:
        health = part.state
    return PartReport(
        name=name,
        health=health,
        address=f"{LOOPBACK}:{port}",
        detail=_tell_history(part, now_s),
        pid=part.pid if part else None,
        up_s=now_s - part.since_s if part and part.pid else None,
        restarts=part.restarts if part else None,
        log=str(layout.log_of(name)),
    )


def _tell_history(part: PartStatus | None, now_s: float) -> str | None:
    if part is None or part.last_exit is None:
        return None
    told = f"crashed {part.restarts}×, last: {part.last_exit}"
    if part.next_start_at_s is not None:
        told += f"; starts again in {max(0.0, part.next_start_at_s - now_s):.0f} s"
    return told
