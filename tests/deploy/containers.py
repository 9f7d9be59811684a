"""Runs images without a container engine: buildah holds their files, Linux namespaces hold the process."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

START = Path(__file__).with_name("start_container.sh")


@dataclass(frozen=True)
class Mount:
    """A directory of this machine as a container sees it."""

    outside: Path
    inside: str
    writable: bool = False


@dataclass(frozen=True)
class Image:
    """An image's files, and its config in Docker's names."""

    name: str
    root: Path
    config: Mapping[str, Any]

    @property
    def command(self) -> list[str]:
        """What starts when nothing else is asked for."""
        return [*self.config["Entrypoint"], *(self.config["Cmd"] or [])]

    def environment(self, more: Mapping[str, str]) -> list[str]:
        """NAME=value, the image's own first."""
        return [*self.config["Env"], *(f"{name}={value}" for name, value in more.items())]


@contextmanager
def open_image(name: str) -> Iterator[Image]:
    """The image's files for the length of the block; what is written to them is thrown away."""
    container = say("buildah", "from", name)
    try:
        root = Path(say("buildah", "mount", container))
        config = json.loads(say("buildah", "inspect", container))["Docker"]["config"]
        yield Image(name, root, config)
    finally:
        subprocess.run(["buildah", "umount", container], check=False, capture_output=True)
        subprocess.run(["buildah", "rm", container], check=False, capture_output=True)


@dataclass
class Container:
    """A running container; leaving the block kills what is left of it."""

    image: Image
    directory: Path
    command: Sequence[str] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    mounts: Sequence[Mount] = ()

    def __enter__(self) -> Self:
        listed = self.directory / "mounts"
        lines = [f"{'rw' if mount.writable else 'ro'} {mount.outside} {mount.inside}\n" for mount in self.mounts]
        listed.write_text("".join(lines), encoding="utf-8")
        self.output = self.directory / "output"
        config = self.image.config
        with self.output.open("wb") as output:
            self._process = subprocess.Popen(
                [
                    *("unshare", "--mount", "--pid", "--fork", "--kill-child", "--ipc", "sh", str(START)),
                    *(str(self.image.root), config["User"], config["WorkingDir"], str(listed)),
                    *("/usr/bin/env", "-i", *self.image.environment(self.environment)),
                    *(self.command or self.image.command),
                ],
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process.poll() is None:
            # unshare's own way of taking its child along is forgotten by the kernel when the child changes its user.
            for child in self._children():
                os.kill(child, signal.SIGKILL)
            self._process.kill()
            self._process.wait()

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    @property
    def started(self) -> bool:
        """Whether there is a process in the container."""
        return bool(self._children())

    @property
    def pid(self) -> int:
        """The service's process as this machine counts it; 1 in the container."""
        [child] = self._children()
        return child

    def _children(self) -> list[int]:
        listed = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children")
        return [int(child) for child in listed.read_text(encoding="ascii").split()]

    def terminate(self) -> None:
        """What a container engine does first when it is asked to stop."""
        os.kill(self.pid, getattr(signal, self.image.config["StopSignal"]))

    def wait(self, timeout_s: float) -> int:
        """The exit code. Raises subprocess.TimeoutExpired with the container still running."""
        return self._process.wait(timeout_s)

    def printed(self) -> str:
        return self.output.read_text(encoding="utf-8", errors="replace")

    def check_health(self) -> subprocess.CompletedProcess[str]:
        """The image's health check, run inside this container as its user."""
        user, _, group = str(self.image.config["User"]).partition(":")
        return subprocess.run(
            [
                *("nsenter", f"--target={self.pid}", "--mount", "--pid", "--root", f"--setuid={user}"),
                *(f"--setgid={group}", "/usr/bin/env", "-i", *self.image.environment(self.environment)),
                *self.image.config["Healthcheck"]["Test"][1:],
            ],
            text=True,
            capture_output=True,
            check=False,
            timeout=30,
        )


def run_in(image: Image, directory: Path, *command: str) -> str:
    """What a command printed that ran to a good end in a container of the image."""
    directory.mkdir(parents=True, exist_ok=True)
    with Container(image, directory, command) as container:
        code = container.wait(240)
        assert code == 0, f"exit {code}: {container.printed()}"
        return container.printed()


def can_contain() -> bool:
    """Whether this machine lets us make namespaces and mounts (root, and util-linux's unshare)."""
    if os.geteuid() != 0 or shutil.which("unshare") is None:
        return False
    tried = subprocess.run(
        ["unshare", "--mount", "--pid", "--fork", "mount", "--make-rprivate", "/"], check=False, capture_output=True
    )
    return tried.returncode == 0


def say(*command: str) -> str:
    """What a command printed, trimmed."""
    return subprocess.run(command, check=True, text=True, capture_output=True).stdout.strip()
