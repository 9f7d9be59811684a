"""A real Kafka broker, Postgres and schema registry on a machine without Docker or Java, for any user."""

from importlib import import_module
from typing import TYPE_CHECKING

from local_stack.layout import Endpoints, default_cache_dir, default_data_dir

if TYPE_CHECKING:
    from local_stack.stack import WantedPorts, delete_data, find_stack, start_stack, stop_stack

__all__ = [
    "Endpoints",
    "WantedPorts",
    "default_cache_dir",
    "default_data_dir",
    "delete_data",
    "find_stack",
    "start_stack",
    "stop_stack",
]


def __getattr__(name: str) -> object:
    # The supervisor lives in this package too and stays small only without the Kafka client of the rest.
    if name in __all__:
        return getattr(import_module("local_stack.stack"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
