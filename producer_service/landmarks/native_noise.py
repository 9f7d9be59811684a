"""Keep what native libraries say about themselves off the terminal, and let everything else through.

MediaPipe 0.10.21 writes a dozen lines a graph straight to file descriptor 2, whatever GLOG_minloglevel says, for its
logging is never initialised from Python. They mean nothing to a user and tear a progress bar apart.
"""

import os
import re
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

SHOW_EVERYTHING_VARIABLE: Final = "HOLISTIC_NATIVE_LOGS"

_NOISE: Final = re.compile(
    rb"AttributeError: 'MessageFactory' object has no attribute 'GetPrototype'"
    rb"|INFO: Created TensorFlow Lite XNNPACK delegate"
    rb"|WARNING: All log messages before absl::InitializeLog"
    rb"|I0000 "
    rb"|\[ WARN:[^\]]*\] global cap(?:_\w+)?\.[ch]pp"
    rb"|W0000 .*inference_feedback_manager\.cc"
    rb"|W0000 .*landmark_projection_calculator\.cc.*NORM_RECT"
)
_STDERR_FD: Final = 2
_END_WAIT_S: Final = 1.0


@contextmanager
def native_noise_filtered() -> Iterator[None]:
    """Drop the known harmless lines of native code for the length of the block, and pass all other lines on.

    Works on the process's own standard error, so it belongs around a program, not into a library call. Python's
    `sys.stderr` goes past the filter and stays a terminal. HOLISTIC_NATIVE_LOGS=1 switches the filter off.
    """
    if os.environ.get(SHOW_EVERYTHING_VARIABLE, "0") not in ("", "0"):
        yield
        return
    # FFmpeg inside OpenCV repeats for every damaged file what the outcome says already.
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
    python_stderr = sys.stderr
    python_stderr.flush()
    terminal_fd = os.dup(_STDERR_FD)
    read_end, write_end = os.pipe()
    os.dup2(write_end, _STDERR_FD)
    os.close(write_end)
    passing = threading.Thread(target=_pass_on, args=(read_end, terminal_fd), name="native-stderr", daemon=True)
    passing.start()
    direct = os.fdopen(os.dup(terminal_fd), "w", buffering=1, encoding="utf-8", errors="backslashreplace")
    try:
        if _writes_to_descriptor(python_stderr):
            sys.stderr = direct
        yield
    finally:
        sys.stderr = python_stderr
        direct.close()
        # Takes the pipe's last writing end away, which ends the thread.
        os.dup2(terminal_fd, _STDERR_FD)
        passing.join(_END_WAIT_S)
        os.close(terminal_fd)


def _pass_on(read_end: int, terminal_fd: int) -> None:
    with os.fdopen(read_end, "rb") as lines:
        for line in lines:
            if not _NOISE.match(line):
                os.write(terminal_fd, line)


def _writes_to_descriptor(stream: object) -> bool:
    try:
        return stream.fileno() == _STDERR_FD  # type: ignore[attr-defined,no-any-return]
    except (AttributeError, OSError):
        return False
