"""The first message of a call, which a client must not keep a thread waiting for."""

import threading
from collections.abc import Iterator
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from typing import TypeVar

from producer_service.rpc.failures import InvalidRequest, TooLate

T = TypeVar("T")


def read_next(messages: "Iterator[T | InvalidRequest]", within_s: float) -> T:
    """The next message of a call. Raises InvalidRequest for one that is missing or cannot be read, and TooLate."""
    arrived: Future[T | InvalidRequest] = Future()

    def read() -> None:
        try:
            arrived.set_result(next(messages, InvalidRequest("the call ended before its first message")))
        except Exception as error:  # noqa: BLE001 - raised where it is waited for
            arrived.set_exception(error)

    # When it is too late the call ends, and with it this thread.
    threading.Thread(target=read, name="rpc first message", daemon=True).start()
    try:
        message = arrived.result(within_s)
    except FutureTimeout:
        raise TooLate(f"no message came within {within_s:g} s") from None
    if isinstance(message, InvalidRequest):
        raise message
    return message
