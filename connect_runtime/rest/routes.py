"""Routes of a service's own, served beside Kafka Connect's."""

from collections.abc import Callable
from dataclasses import dataclass

from fastapi import FastAPI


def _asks_always(path: str) -> bool:  # noqa: ARG001
    return False


@dataclass(frozen=True, slots=True)
class ServiceRoutes:
    """What a service answers besides, on the same port and behind the same gate."""

    add: Callable[[FastAPI], None]
    """Adds them, after Kafka Connect's own, which win."""
    is_open: Callable[[str], bool] = _asks_always
    """Whether a path (without a slash at its end) is answered to everybody over HTTP: the files of a page that asks its
    reader for the key tell nothing of anybody's data. Never asked about WebSockets."""
