"""Where the local stack keeps its things, and what it tells its users."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

APPLICATION = "holistic-stream"
LOOPBACK = "127.0.0.1"


@dataclass(frozen=True)
class Endpoints:
    """Where a client finds the servers of a running stack.

    `database_url` carries the password: show it only to the person who asked for it.
    """

    kafka_bootstrap_servers: str
    database_url: str
    schema_registry_url: str | None
    data_dir: Path

    def environment(self) -> dict[str, str]:
        """The variables every service reads, by name."""
        variables = {"KAFKA_BOOTSTRAP_SERVERS": self.kafka_bootstrap_servers, "DATABASE_URL": self.database_url}
        if self.schema_registry_url is not None:
            variables["SCHEMA_REGISTRY_URL"] = self.schema_registry_url
        return variables


@dataclass(frozen=True)
class Layout:
    """The files of one data directory."""

    data_dir: Path

    @property
    def plan_file(self) -> Path:
        """What to run: ports, programs, cluster id. Written once, changed only by `start_stack`."""
        return self.data_dir / "stack.json"

    @property
    def status_file(self) -> Path:
        """What the supervisor says of each part; meaningful only while its lock is held."""
        return self.data_dir / "run" / "status.json"

    @property
    def supervisor_lock(self) -> Path:
        """Locked by the supervisor as long as it lives: the one truth about whether the stack is up."""
        return self.data_dir / "run" / "supervisor.lock"

    @property
    def start_lock(self) -> Path:
        """Locked by whoever starts or stops the stack, so that two of them take turns."""
        return self.data_dir / "run" / "start.lock"

    @property
    def logs_dir(self) -> Path:
        return self.data_dir / "logs"

    @property
    def kafka_dir(self) -> Path:
        return self.data_dir / "kafka"

    @property
    def postgres_dir(self) -> Path:
        return self.data_dir / "postgres"

    @property
    def password_file(self) -> Path:
        """The generated Postgres password, readable by its owner only."""
        return self.data_dir / "postgres-password"

    @property
    def registry_dir(self) -> Path:
        return self.data_dir / "registry"

    def log_of(self, part: str) -> Path:
        return self.logs_dir / f"{part}.log"


def default_data_dir() -> Path:
    """HOLISTIC_HOME, else holistic-stream under the user's data directory (XDG_DATA_HOME, ~/.local/share)."""
    home = os.environ.get("HOLISTIC_HOME")
    if home:
        return Path(home).expanduser().absolute()
    data_home = os.environ.get("XDG_DATA_HOME")
    return (Path(data_home) if data_home else Path.home() / ".local" / "share") / APPLICATION


def default_cache_dir() -> Path:
    """Where downloads are kept for every data directory: HOLISTIC_CACHE, else under the user's cache directory."""
    cache = os.environ.get("HOLISTIC_CACHE")
    if cache:
        return Path(cache).expanduser().absolute()
    cache_home = os.environ.get("XDG_CACHE_HOME")
    return (Path(cache_home) if cache_home else Path.home() / ".cache") / APPLICATION
