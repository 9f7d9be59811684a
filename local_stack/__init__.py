"""A real Kafka broker, Postgres and schema registry on a machine without Docker or Java, for any user."""

from local_stack.layout import Endpoints, default_cache_dir, default_data_dir
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
