"""What one data directory runs: written before the supervisor starts, read by it and by everyone who asks."""

from __future__ import annotations

import json
import tempfile
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from local_stack.layout import LOOPBACK, Endpoints, Layout

KAFKA, POSTGRES, REGISTRY = "kafka", "postgres", "registry"
TITLES = {KAFKA: "Kafka", POSTGRES: "Postgres", REGISTRY: "the schema registry"}
DATABASE, DATABASE_USER = "holistic", "holistic"


@dataclass(frozen=True)
class Ports:
    """Loopback ports, the same from one start to the next."""

    kafka: int
    kafka_controller: int
    postgres: int
    registry: int


@dataclass(frozen=True)
class PartCommand:
    """How the supervisor runs one part.

    `secret_environment` names a file for each variable, so that no secret stands in the plan.
    `uid` and `gid` are None where the part runs as whoever started the stack.
    """

    name: str
    arguments: list[str]
    working_dir: str
    stop_signal: str
    environment: dict[str, str] = field(default_factory=dict)
    secret_environment: dict[str, str] = field(default_factory=dict)
    uid: int | None = None
    gid: int | None = None


@dataclass(frozen=True)
class StackPlan:
    """The ports and the parts, in the order they are started (and stopped, the other way round)."""

    ports: Ports
    parts: list[PartCommand]

    @classmethod
    def empty(cls) -> StackPlan:
        return cls(Ports(0, 0, 0, 0), [])

    def part_names(self) -> list[str]:
        return [part.name for part in self.parts]

    def endpoints(self, layout: Layout) -> Endpoints:
        """Addresses for clients, with the password in the database's. Raises DataDirUnusable without a password."""
        registry = f"http://{LOOPBACK}:{self.ports.registry}/apis/ccompat/v7" if REGISTRY in self.part_names() else None
        return Endpoints(
            kafka_bootstrap_servers=f"{LOOPBACK}:{self.ports.kafka}",
            database_url=self.database_url(layout, DATABASE),
            schema_registry_url=registry,
            data_dir=layout.data_dir,
        )

    def database_url(self, layout: Layout, database: str) -> str:
        """The URL of one of the server's databases. The generated password needs no quoting in a URL."""
        try:
            password = layout.password_file.read_text(encoding="ascii").strip()
        except OSError as error:
            from local_stack.errors import DataDirUnusable

            raise DataDirUnusable(
                f"cannot read the Postgres password in {layout.password_file}: {error.strerror}",
                hint="run as the user who started the stack",
                path=str(layout.password_file),
            ) from error
        return f"postgresql://{DATABASE_USER}:{password}@{LOOPBACK}:{self.ports.postgres}/{database}"


def read_plan(layout: Layout) -> StackPlan | None:
    """The data directory's plan, or None when no stack was ever started in it."""
    raw = read_json(layout.plan_file)
    if raw is None:
        return None
    return StackPlan(Ports(**raw["ports"]), [PartCommand(**part) for part in raw["parts"]])


def write_plan(layout: Layout, plan: StackPlan) -> None:
    write_json(layout.plan_file, asdict(plan))


def read_json(path: Path) -> dict[str, Any] | None:
    """The object in a file, or None when there is no such file."""
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    return content


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Replace the file as a whole: a reader sees the old object or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False, encoding="utf-8") as scratch:
        json.dump(content, scratch, indent=2)
    Path(scratch.name).replace(path)
