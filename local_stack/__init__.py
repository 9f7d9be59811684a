"""A real Kafka broker, Postgres and schema registry on a machine without Docker, Java or root."""

from local_stack.layout import Endpoints, default_cache_dir, default_data_dir

__all__ = ["Endpoints", "default_cache_dir", "default_data_dir"]
