"""The consumer services as processes of their own, started, waited for and stopped."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from keypoints.errors import Terminal

_POLL_S: Final = 0.1
_LAST_LINES: Final = 15


class ServiceFailed(Terminal):
    """A service ended, or did not become ready in time. Fields: service, log."""


@dataclass(slots=True)
class Service:
    """One service: its module, and what its environment has beside ours."""

    module: str
    environment: Mapping[str, str] = field(default_factory=dict)
    label: str = ""
    """Tells replicas apart."""
    port_variable: str = "HOLISTIC_HTTP_PORT"
    """Names the port it answers on."""

    @property
    def name(self) -> str:
        """Its label, or the last part of the module's name."""
        return self.label or self.module.rpartition(".")[2]


class ServiceProcesses:
    """Runs services for as long as it is entered; their output goes to one log file each.

    Raises ServiceFailed, with the end of the log, when one ends early or is not ready in time.
    """

    def __init__(self, services: list[Service], log_dir: Path, startup_timeout_s: float = 60.0) -> None:
        self._services = {service.name: service for service in services}
        self._log_dir = log_dir
        self._startup_timeout_s = startup_timeout_s
        self._running: dict[str, tuple[subprocess.Popen[bytes], int]] = {}

    def __enter__(self) -> Self:
        self._log_dir.mkdir(parents=True, exist_ok=True)
        try:
            for service in self._services.values():
                self._start(service, find_free_port())
            for name in self._services:
                self.wait_ready(name)
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def address(self, name: str) -> str:
        """Where a service answers /livez, /readyz and /metrics."""
        return f"http://127.0.0.1:{self._running[name][1]}"

    def pid(self, name: str) -> int:
        """A service's process."""
        return self._running[name][0].pid

    @property
    def names(self) -> list[str]:
        """Of all that run, or ended and were not started again."""
        return list(self._running)

    def signal(self, name: str, number: int) -> None:
        """Send a service a signal."""
        self._running[name][0].send_signal(number)

    def wait_ended(self, name: str, timeout_s: float = 60.0) -> int:
        """The exit code of a service that was told to end. Raises subprocess.TimeoutExpired."""
        return self._running[name][0].wait(timeout_s)

    def restart(self, name: str) -> None:
        """Start a service that has ended again, at its address, without waiting until it is ready."""
        self._start(self._services[name], self._running[name][1])

    def is_running(self, name: str) -> bool:
        """Whether a service has not ended."""
        return self._running[name][0].poll() is None

    def is_ready(self, name: str) -> bool:
        """Whether a service says that it is ready now."""
        return _is_ready(self._running[name][1])

    def wait_ready(self, name: str, timeout_s: float | None = None) -> None:
        """Until a service says that it is. Raises ServiceFailed, also after `timeout_s`, by default the start-up's."""
        _, port = self._running[name]
        limit_s = self._startup_timeout_s if timeout_s is None else timeout_s
        deadline_s = time.monotonic() + limit_s
        while not _is_ready(port):
            self.check()
            if time.monotonic() > deadline_s:
                raise self._failure(name, f"the {name} service was not ready within {limit_s:.0f} s")
            time.sleep(_POLL_S)

    def check(self) -> None:
        """Raise ServiceFailed when a service has ended."""
        for name, (process, _) in self._running.items():
            if process.poll() is not None:
                raise self._failure(name, f"the {name} service ended with exit code {process.returncode}")

    def stop(self, timeout_s: float = 30.0) -> dict[str, int]:
        """Ask each to drain and end, wait for it, and return the exit codes; a service that hangs is killed."""
        for process, _ in self._running.values():
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        deadline_s = time.monotonic() + timeout_s
        exit_codes: dict[str, int] = {}
        for name, (process, _) in self._running.items():
            try:
                exit_codes[name] = process.wait(max(0.1, deadline_s - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                exit_codes[name] = process.wait()
        self._running.clear()
        return exit_codes

    def _start(self, service: Service, port: int) -> None:
        environment = {**os.environ, **service.environment, service.port_variable: str(port), "PYTHONUNBUFFERED": "1"}
        with self._log_path(service.name).open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", service.module],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._running[service.name] = (process, port)

    def _failure(self, name: str, message: str) -> ServiceFailed:
        log = self._log_path(name)
        last = log.read_text(errors="replace").splitlines()[-_LAST_LINES:] if log.exists() else []
        return ServiceFailed(
            "\n".join([message, *(f"    {line}" for line in last)]), hint=f"its whole log is {log}", service=name
        )

    def _log_path(self, name: str) -> Path:
        return self._log_dir / f"{name}.log"


def find_free_port() -> int:
    """A port of loopback that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _is_ready(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=1) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False
