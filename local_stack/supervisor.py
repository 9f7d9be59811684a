"""`python -m local_stack.supervisor DATA_DIR [--foreground]`: keeps the parts of a plan running until told to stop.

It holds the data directory's lock as long as it lives, goes to the background once it has it, starts a crashed part
again with a growing pause, and tells of it in the status file and its log. SIGTERM stops every part, last started
first; SIGHUP reads the plan again and starts parts that are new in it. Should it be killed, the kernel stops its parts.
"""

from __future__ import annotations

import ctypes
import logging
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from local_stack.layout import Layout
from local_stack.log_files import open_log, trim_log
from local_stack.plan import PartCommand, StackPlan, read_plan
from local_stack.processes import ProcessMark, try_lock
from local_stack.status import PartState, PartStatus, StackStatus, write_status

if TYPE_CHECKING:
    from collections.abc import Callable

FIRST_RESTART_S = 0.5
LONGEST_RESTART_S = 30.0
HEALTHY_AFTER_S = 60.0
# Kafka's first stop on a machine takes some 10 s longer: Java writes down what makes its next start fast.
STOP_TIMEOUT_S = 60.0
LOG_CHECK_S = 60.0

_SIGNALS = {signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP}
_PR_SET_PDEATHSIG = 1

logger = logging.getLogger("local_stack.supervisor")


def restart_delay_s(crashes_in_a_row: int) -> float:
    """Seconds to wait before the next start: doubling from the first crash, with a cap."""
    return min(LONGEST_RESTART_S, FIRST_RESTART_S * 2.0 ** min(crashes_in_a_row - 1, 16))


@dataclass
class SupervisedPart:
    """A part's process, and what has happened to it so far."""

    command: PartCommand
    process: subprocess.Popen[bytes] | None = None
    since_s: float = 0.0
    restarts: int = 0
    crashes_in_a_row: int = 0
    last_exit: str | None = None
    next_start_at_s: float | None = None
    stopping: bool = False

    def status(self) -> PartStatus:
        state: PartState = "stopped"
        if self.process is not None:
            state = "stopping" if self.stopping else "running"
        elif self.next_start_at_s is not None:
            state = "restarting"
        return PartStatus(
            name=self.command.name,
            state=state,
            pid=self.process.pid if self.process else None,
            since_s=self.since_s,
            restarts=self.restarts,
            last_exit=self.last_exit,
            next_start_at_s=self.next_start_at_s,
        )


class Supervisor:
    """Starts, watches and stops the parts; all of it in one thread that sleeps until a signal or a deadline."""

    def __init__(self, layout: Layout, clock: Callable[[], float]) -> None:
        self._layout = layout
        self._clock = clock
        self._mark = ProcessMark.of(os.getpid())
        self._parts: dict[str, SupervisedPart] = {}

    def run(self) -> None:
        """Keep the plan's parts running until SIGTERM or SIGINT, then stop them."""
        self._take_in_plan()
        while True:
            self._start_what_is_due()
            received = self._wait_for_signal()
            if received is None:
                self._trim_logs()
            elif received == signal.SIGCHLD:
                self._note_exits()
            elif received == signal.SIGHUP:
                self._take_in_plan()
            else:
                break
        self._stop_all()

    def _wait_for_signal(self) -> int | None:
        """The signal that came, None when it is time for something else."""
        received = signal.sigtimedwait(_SIGNALS, self._seconds_to_next_deadline())
        # A process that was stopped (Ctrl-Z, a frozen container) until after the deadline is given memory that Python
        # never wrote to, as a signal that nobody sent.
        return None if received is None or received.si_signo not in _SIGNALS else received.si_signo

    def _take_in_plan(self) -> None:
        plan = read_plan(self._layout) or StackPlan.empty()
        for command in plan.parts:
            if command.name not in self._parts:
                self._parts[command.name] = SupervisedPart(command, next_start_at_s=self._clock())

    def _start_what_is_due(self) -> None:
        now_s = self._clock()
        for part in self._parts.values():
            if part.process is None and part.next_start_at_s is not None and part.next_start_at_s <= now_s:
                self._start(part)
        self._write_status()

    def _start(self, part: SupervisedPart) -> None:
        part.next_start_at_s = None
        part.since_s = self._clock()
        try:
            part.process = spawn_part(part.command, self._layout)
        except OSError as error:
            self._schedule_restart(part, f"could not start: {error.strerror or error}")
        else:
            logger.info("started %s, pid %d", part.command.name, part.process.pid)

    def _note_exits(self) -> None:
        for part in self._parts.values():
            if part.process is not None and part.process.poll() is not None:
                exit_text = describe_exit(part.process.returncode)
                part.process = None
                self._schedule_restart(part, exit_text)

    def _schedule_restart(self, part: SupervisedPart, exit_text: str) -> None:
        now_s = self._clock()
        was_healthy = now_s - part.since_s > HEALTHY_AFTER_S
        part.crashes_in_a_row = 1 if was_healthy else part.crashes_in_a_row + 1
        part.restarts += 1
        part.last_exit = exit_text
        delay_s = restart_delay_s(part.crashes_in_a_row)
        part.since_s = now_s
        part.next_start_at_s = now_s + delay_s
        logger.warning("%s ended (%s), starting it again in %.1f s", part.command.name, exit_text, delay_s)

    def _seconds_to_next_deadline(self) -> float:
        due = [part.next_start_at_s for part in self._parts.values() if part.next_start_at_s is not None]
        return max(0.0, min([LOG_CHECK_S, *(at_s - self._clock() for at_s in due)]))

    def _stop_all(self) -> None:
        # The other way round: the registry leaves its database before that goes.
        for part in reversed(self._parts.values()):
            part.next_start_at_s = None
            if part.process is None:
                continue
            part.stopping = True
            self._write_status()
            logger.info("stopping %s", part.command.name)
            part.process.send_signal(signal.Signals[part.command.stop_signal])
            try:
                part.process.wait(STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                logger.warning("%s did not stop in %.0f s and is killed", part.command.name, STOP_TIMEOUT_S)
                part.process.kill()
                part.process.wait()
            part.process = None
            self._write_status()
        logger.info("stopped")

    def _write_status(self) -> None:
        write_status(self._layout, StackStatus(self._mark, [part.status() for part in self._parts.values()]))

    def _trim_logs(self) -> None:
        for name in self._parts:
            trim_log(self._layout.log_of(name))


def spawn_part(command: PartCommand, layout: Layout) -> subprocess.Popen[bytes]:
    """Start a part with an environment of its own, its output in its log file. Raises OSError when it cannot start."""
    secrets = {
        name: Path(path).read_text(encoding="ascii").strip() for name, path in command.secret_environment.items()
    }
    # Not our own: JAVA_TOOL_OPTIONS, PGPORT or QUARKUS_* of the person's shell are not meant for these servers.
    environment = {"PATH": os.environ.get("PATH", os.defpath), "HOME": "/", "LC_ALL": "C.UTF-8", "TZ": "UTC"}
    stop_signal = signal.Signals[command.stop_signal]
    libc = ctypes.CDLL(None)

    def prepare_child() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, stop_signal)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)

    with open_log(layout.log_of(command.name)) as log:
        return subprocess.Popen(
            command.arguments,
            cwd=command.working_dir,
            env=environment | command.environment | secrets,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            user=command.uid,
            group=command.gid,
            extra_groups=[] if command.uid is not None else None,
            start_new_session=True,
            preexec_fn=prepare_child,  # noqa: PLW1509  this process has one thread
        )


def describe_exit(return_code: int) -> str:
    """ "killed by SIGKILL", "exit code 1"."""
    if return_code < 0:
        return f"killed by {signal.Signals(-return_code).name}"
    return f"exit code {return_code}"


def main() -> int:
    """Supervise one data directory; 1 when another process does already."""
    layout = Layout(Path(sys.argv[1]))
    logging.Formatter.converter = time.gmtime
    logging.basicConfig(
        level=logging.INFO,
        format="%(asctime)s.%(msecs)03dZ %(message)s",
        datefmt="%Y-%m-%dT%H:%M:%S",
        stream=sys.stdout,
    )
    # From here on signals wait until they are asked for, so that none comes between two steps.
    signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    lock = try_lock(layout.supervisor_lock)
    if lock is None:
        logger.error("another supervisor runs in %s", layout.data_dir)
        return 1
    if "--foreground" not in sys.argv[2:] and os.fork():
        # Whoever started this may leave now: the lock is held, by the child alone from here on.
        return 0
    Supervisor(layout, time.time).run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
