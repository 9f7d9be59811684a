"""A child process that answers over a socket: started by spawning, never by forking, and gone with its parent."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Final

_END_WAIT_S: Final = 5.0
# The graphs bring threads of their own; a math library's would only be in their way.
_ONE_THREAD_EACH: Final = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


class ChildProcess:
    """`python -m MODULE FD ARGUMENT…`, where FD is the child's end of a socket.

    Linux's fork would copy locks that other threads hold, which hangs MediaPipe. The child ends when the socket does,
    however its parent died, so nothing is left running.
    """

    def __init__(
        self, module: str, arguments: Sequence[str] = (), environment: Mapping[str, str] | None = None
    ) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", module, str(theirs.fileno()), *arguments],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                env={
                    **os.environ,
                    **_ONE_THREAD_EACH,
                    **(environment or {}),
                    "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
                },
            )
        self.socket = ours
        self.pid = self._process.pid

    def kill(self) -> None:
        """End it at once."""
        self._process.kill()

    def close(self) -> int:
        """Hang up, wait for its end (it is killed when it does not come), and return how it ended."""
        # Only a shutdown wakes a thread that reads.
        with suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        try:
            return self._process.wait(_END_WAIT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()


def connect_to_parent(fd: int) -> socket.socket:
    """The child's end. Ctrl-C and SIGTERM are the parent's to answer, which a terminal sends to children as well."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    os.set_inheritable(fd, False)
    return socket.socket(fileno=fd)
