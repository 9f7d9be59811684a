"""`holistic` without its start: an interpreter that has imported everything, and forks for each call.

A command's own process is a small one, `SHIM`, that hands its arguments, directory, environment and files over a socket
and ends as the fork does, so that a shell's pipes, redirections and `&` are what they always are.
"""

import atexit
import gc
import importlib
import json
import os
import pkgutil
import selectors
import signal
import socket
import sys
import traceback
from collections.abc import Iterator
from typing import Any, Final

HEAVY: Final = (
    "pyarrow.parquet", "pyarrow.compute", "duckdb", "psycopg2.extras", "sqlalchemy.dialects.postgresql.psycopg2",
    "alembic.command", "rich.console", "rich.table", "rich.progress", "rich.live", "uvicorn.protocols.http.h11_impl",
    "uvicorn.protocols.websockets.websockets_impl", "fastapi", "httpx", "websockets", "jinja2", "yaml", "pgpq", "pytz",
    "prompt_toolkit", "pyiceberg.catalog.sql", "pyiceberg.io.fsspec", "obstore.store", "swagger_ui_bundle", "zstandard",
    "lz4.frame", "opentelemetry.exporter.otlp.proto.http.trace_exporter",
)  # fmt: skip
"""What commands import once they are called, of others' packages; none that starts threads."""
ROOMS: Final = ("holistic_cli", "keypoints", "kafka_io", "connect_runtime", "consumers", "performers", "local_stack")
"""Packages of the suite that are imported whole."""

SHIM: Final = r"""
import json, os, signal, socket, sys
with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as talk:
    talk.connect(os.environ["HOLISTIC_WARM"])
    told = json.dumps([sys.argv[1:], os.getcwd(), dict(os.environ)]).encode()
    socket.send_fds(talk, [told], [0, 1, 2])
    process = int(talk.recv(64))
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, _: os.kill(process, number))
    ended = talk.recv(64)
status = int(ended or 255)
sys.exit(status if status >= 0 else 128 - status)
"""


def serve(path: str) -> None:
    """Answer calls until the process is killed; a line is printed once it can."""
    for name in (*HEAVY, *_find_modules()):
        importlib.import_module(name)
    gc.collect()
    gc.freeze()
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    listener.bind(path)
    listener.listen(64)
    selector = selectors.DefaultSelector()
    selector.register(listener, selectors.EVENT_READ)
    print("ready", flush=True)
    while True:
        for key, _ in selector.select():
            if key.fileobj is listener:
                _accept(listener, selector)
            else:
                process, talk = key.data
                selector.unregister(key.fd)
                os.close(key.fd)
                _, status = os.waitpid(process, 0)
                with talk:
                    talk.send(str(os.waitstatus_to_exitcode(status)).encode())


def _find_modules() -> Iterator[str]:
    for room in ROOMS:
        for found in pkgutil.walk_packages(importlib.import_module(room).__path__, f"{room}."):
            if "migrations" not in found.name and not found.name.endswith("__main__"):
                yield found.name


def _accept(listener: socket.socket, selector: selectors.BaseSelector) -> None:
    talk, _ = listener.accept()
    told, files, _, _ = socket.recv_fds(talk, 1 << 20, 3)
    if not told:
        talk.close()
        return
    process = os.fork()
    if process == 0:
        _become(json.loads(told), files)
    for file in files:
        os.close(file)
    talk.send(str(process).encode())
    watched = os.pidfd_open(process)
    selector.register(watched, selectors.EVENT_READ, (process, talk))


def _become(told: Any, files: list[int]) -> None:
    """What `holistic` is from its first line on; never returns."""
    code = 70
    try:
        for number, file in enumerate(files):
            os.dup2(file, number)
        os.closerange(3, 256)
        arguments, directory, environment = told
        os.environ.clear()
        os.environ.update(environment)
        os.chdir(directory)
        sys.argv = ["holistic", *arguments]
        sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 - for as long as the process is
        sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
        sys.stderr = open(2, "w", encoding="utf-8", buffering=1, closefd=False)  # noqa: SIM115
        signal.set_wakeup_fd(-1)
        from holistic_cli.main import run

        run()
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else 0 if ended.code is None else 1
    except BaseException:  # noqa: BLE001 - whatever it is, it is what the command ended by
        traceback.print_exc()
        code = 1
    finally:
        atexit._run_exitfuncs()
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        os._exit(code)
