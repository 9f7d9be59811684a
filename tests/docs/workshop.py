"""Where the documentation's commands are run: a stack and services of their own, and a sample of every file."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Self

from demo.services import find_free_port
from tests.conftest import REPOSITORY
from tests.consumers.archive.s3_server import S3Server
from tests.docs.sample_files import make_samples
from tests.docs.stand_ins import find_input, is_service, is_well_ended, put_places, put_stand_ins
from tests.docs.warm import SHIM

SERVICES: Final = {"archive": 8083, "analytics": 8084, "avatar": 8085, "serve": 5000, "watch": 8086}
"""Those that run all the while, and the ports that pages know them by."""
READY_S: Final = 120.0
COMMAND_S: Final = 240.0


class CommandFailed(AssertionError):
    """A command of the documentation did not end well."""


@dataclass
class Workshop:
    """Everything a page's commands find around them."""

    root: Path
    places: dict[str, object] = field(default_factory=dict)
    _stack: ExitStack = field(default_factory=ExitStack)
    _running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    served: set[str] = field(default_factory=set)
    """Commands that ran until they were ready once: they would do the same again."""

    def __enter__(self) -> Self:
        with self._stack as opened:
            self._open()
            self._stack = opened.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def _open(self) -> None:
        for name in ("bin", "log", "home"):
            (self.root / name).mkdir(parents=True)
        make_samples(self.root / "samples")
        self._start_warm()
        for port in (*SERVICES.values(), 39539, 49983):
            self.places[f"port{port}"] = find_free_port()
        self.places["python"] = sys.executable

    def _start_warm(self) -> None:
        """The interpreter that forks, and a `holistic` on the path that asks it to."""
        listening = self.root / "warm"
        code = f"from tests.docs.warm import serve; serve({str(listening)!r})"
        environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), "OMP_NUM_THREADS": "1"}
        log = self._stack.enter_context((self.root / "log" / "warm").open("wb"))
        process = subprocess.Popen(
            [sys.executable, "-c", code], env=environment, stdout=subprocess.PIPE, stderr=log, cwd=REPOSITORY
        )
        self._stack.callback(_stop, process)
        assert process.stdout is not None
        with process.stdout as said:
            assert said.readline() == b"ready\n", (self.root / "log" / "warm").read_text()
        command = self.root / "bin" / "holistic"
        command.write_text(f"#!{sys.executable} -IS\n{SHIM}", encoding="utf-8")
        command.chmod(0o755)

    @property
    def environment(self) -> dict[str, str]:
        """What commands find in theirs: nothing of ours that would change what they do."""
        kept = {name: value for name, value in os.environ.items() if not _is_ours(name)}
        return kept | {
            "PATH": f"{self.root / 'bin'}:{Path(sys.executable).parent}:{os.environ['PATH']}",
            "HOME": str(self.root / "home"),
            "XDG_CACHE_HOME": os.environ.get("XDG_CACHE_HOME", str(Path("~/.cache").expanduser())),
            "XDG_STATE_HOME": str(self.root / "home" / "state"),
            "HOLISTIC_HOME": str(self.root / "stack"),
            "HOLISTIC_WARM": str(self.root / "warm"),
            "HOLISTIC_WORKERS": "1",
            "HOLISTIC_IMAGES_WORKERS": "1",
            "HOLISTIC_AVATAR_MODELS": str(self.root / "samples"),
            "HOLISTIC_VMC_TARGETS": f"127.0.0.1:{self.places.get('port39539', 39539)}",
            "HOLISTIC_REST_URL": "",
            "PYTHONPATH": str(REPOSITORY),
            "AWS_ENDPOINT_URL": str(self.places.get("AWS_ENDPOINT_URL", "")),
            "COLUMNS": "120",
            "TZ": "UTC",
            "TERM": "dumb",
        }

    def at_end(self, do: Callable[..., object], *arguments: object) -> None:
        """Do it when the workshop is closed, last registered first."""
        self._stack.callback(do, *arguments)

    def open_folder(self, name: str) -> "Folder":
        """A directory with the samples in it, for one block of commands."""
        path = self.root / "blocks" / re.sub(r"\W+", "-", name)
        shutil.copytree(self.root / "samples", path)
        return Folder(self, path, dict(self.environment))

    def serve_buckets(self) -> None:
        """An object store, for pages that name a bucket."""
        server = S3Server()
        server.start()
        self._stack.callback(server.stop)
        self.places |= {"bucket": server.make_bucket(), "AWS_ENDPOINT_URL": server.url}

    def start(self, name: str, command: str, port: int | None = None) -> None:
        """A service, or whatever is to go on all the while, until the workshop is closed."""
        self.served.add(command)
        self._running[name] = self.spawn(command, self.environment | _ports(port), self.root / "samples", name)
        self._stack.callback(_stop, self._running[name])

    def start_service(self, name: str) -> None:
        """One of SERVICES, on its port of this run."""
        self.start(name, f"holistic {name}", self._port_of(name))

    def wait_ready(self, name: str) -> None:
        """Until a service says that it is."""
        _wait_ready(self._running[name], self._port_of(name), lambda: self.read_log(name))

    def provide(self, command: str) -> None:
        """What only few commands need: the service that loads MediaPipe."""
        needed = "{port5000}" in command or re.match(r"holistic serve\b", command)
        if needed and "serve" not in self._running:
            self.start_service("serve")
            self.wait_ready("serve")

    def _port_of(self, name: str) -> int:
        return int(str(self.places[f"port{SERVICES[name]}"]))

    def spawn(self, command: str, environment: Mapping[str, str], folder: Path, log: str) -> subprocess.Popen[bytes]:
        """Begin a command line; its output goes to a log."""
        with (self.root / "log" / log).open("ab") as file:
            return subprocess.Popen(
                ["bash", "-c", f"exec {command}" if command.startswith("holistic ") else command],
                env=environment,
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def read_log(self, name: str) -> str:
        """What it has said."""
        return (self.root / "log" / name).read_text(encoding="utf-8", errors="replace")[-3000:]


@dataclass
class Folder:
    """Where one block's commands run one after another; what they export stays for those after them."""

    workshop: Workshop
    path: Path
    environment: dict[str, str]

    def run(self, command: str) -> str:
        """Run a command of a page, with its stand-ins: what it printed. Raises CommandFailed."""
        command = put_stand_ins(command)
        self.workshop.provide(command)
        command = put_places(command, self.workshop.places)
        if is_service(command):
            return self._run_service(re.sub(r"\s*&?\s*(#.*)?$", "", command))
        self._lay_out(command)
        exports = self.path.parent / f"{self.path.name}.env"
        # What follows a comment would be one too, so the line ends first.
        script = f"{command}\ncode=$?; env -0 > {exports}; exit $code"
        try:
            ran = subprocess.run(
                ["bash", "-c", script],
                env=self.environment | self._find_environment(command),
                cwd=self.path,
                input=find_input(command),
                capture_output=True,
                text=True,
                errors="replace",
                timeout=COMMAND_S,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise CommandFailed(f"{command}\n  was not done after {COMMAND_S:.0f} s: {error.stdout!r}") from None
        if not is_well_ended(command, ran.returncode):
            raise CommandFailed(f"{command}\n  ended {ran.returncode}:\n{ran.stdout[-1500:]}{ran.stderr[-1500:]}")
        pairs = (entry.partition("=") for entry in exports.read_text(encoding="utf-8").split("\0") if entry)
        self.environment |= {name: value for name, _, value in pairs if name not in _ONLY_ONCE}
        return ran.stdout

    def put_back(self, commands: Iterable[str]) -> None:
        """What these commands left otherwise than other pages expect: connectors that rest, gestures taught."""
        for command in commands:
            found = re.search(r"(\S+/connectors/[\w-]+)/(?:pause|stop)\b", command)
            if found:
                self.run(f"curl -X PUT {found[1]}/resume")
        taught = dict.fromkeys(re.findall(r"holistic gestures teach (\w+)", "\n".join(commands)))
        for name in taught:
            self.run(f"holistic gestures remove {name} || true")

    def _find_environment(self, command: str) -> dict[str, str]:
        """What only some are told: a replay where its service is, programs of others where the servers are."""
        places = self.workshop.places
        found = re.search(r"holistic replay (archive|analytics|avatar)", command)
        if found:
            return {"HOLISTIC_REST_URL": f"http://127.0.0.1:{places[f'port{SERVICES[found[1]]}']}"}
        names = ("KAFKA_BOOTSTRAP_SERVERS", "DATABASE_URL")
        return {} if "holistic " in command else {name: str(places[name]) for name in names if name in places}

    def _lay_out(self, command: str) -> None:
        """Samples again, in place of what the command before wrote over them; a copy of deploy/ for its scripts."""
        if re.search(r"(^|\s)deploy/", command) and not (self.path / "deploy").exists():
            shutil.copytree(REPOSITORY / "deploy", self.path / "deploy")
        for sample in self.workshop.root.glob("samples/*.holistic"):
            shutil.copyfile(sample, self.path / sample.name)

    def _run_service(self, command: str) -> str:
        if command in self.workshop.served:
            return ""
        port, log = find_free_port(), f"{self.path.name}-{time.monotonic_ns()}"
        environment = self.environment | self._find_environment(command) | _ports(port)
        process = self.workshop.spawn(command, environment, self.path, log)
        try:
            if re.search(r"--every", command):
                _wait_said(process, lambda: self.workshop.read_log(log))
            else:
                _wait_ready(process, port, lambda: self.workshop.read_log(log))
        finally:
            code = _stop(process)
        if code not in (0, 130):
            raise CommandFailed(f"{command}\n  ended {code} when it was stopped:\n{self.workshop.read_log(log)}")
        self.workshop.served.add(command)
        return self.workshop.read_log(log)


_ONLY_ONCE: Final = {"HOLISTIC_REST_URL", "KAFKA_BOOTSTRAP_SERVERS", "DATABASE_URL", "_", "SHLVL", "PWD", "OLDPWD"}


def _is_ours(name: str) -> bool:
    return name.startswith(("HOLISTIC_", "KAFKA_", "DATABASE_", "SCHEMA_REGISTRY", "AWS_", "PG", "XDG_"))


def _ports(port: int | None) -> dict[str, str]:
    names = ("HOLISTIC_HTTP_PORT", "HOLISTIC_IMAGES_HTTP_PORT")
    return {} if port is None else {name: str(port) for name in names} | {"HOLISTIC_GRPC_PORT": "0"}


def _wait_ready(process: subprocess.Popen[bytes], port: int, read_log: Callable[[], str]) -> None:
    deadline_s = time.monotonic() + READY_S
    while True:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=2) as answer:
                if answer.status == 200:
                    return
        except (urllib.error.URLError, OSError):
            pass
        if process.poll() is not None or time.monotonic() > deadline_s:
            raise CommandFailed(f"{process.args!r}\n  was not ready (ended: {process.poll()}):\n{read_log()}")
        time.sleep(0.05)


def _wait_said(process: subprocess.Popen[bytes], read_log: Callable[[], str]) -> None:
    deadline_s = time.monotonic() + READY_S
    while not read_log().strip():
        if process.poll() is not None or time.monotonic() > deadline_s:
            raise CommandFailed(f"{process.args!r}\n  said nothing (ended: {process.poll()})")
        time.sleep(0.05)


def _stop(process: subprocess.Popen[bytes]) -> int:
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGTERM) if os.getpgid(process.pid) == process.pid else process.terminate()
        try:
            return process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
    return process.wait()
