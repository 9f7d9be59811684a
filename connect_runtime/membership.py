"""A task's own consumer settings, made from the connector's."""

from connect_runtime.config import ConnectorConfig
from connect_runtime.memory_budget import MemoryBudget


def consumer_settings(config: ConnectorConfig, task_id: int) -> dict[str, object]:
    """kafka-python's settings for one task: the connector's overrides, and what only the runtime can know.

    `group.instance.id` names a process; its tasks get `-0`, `-1` … appended, for a name may be in a group once. What is
    fetched ahead has its share of `buffer.memory`.
    """
    settings: dict[str, object] = {"fetch_max_bytes": MemoryBudget(config.buffer_bytes).fetched_bytes}
    settings |= config.consumer_overrides
    instance = settings.get("group_instance_id")
    if instance is not None:
        settings["group_instance_id"] = f"{instance}-{task_id}"
    return settings
