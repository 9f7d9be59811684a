"""What /metrics says of the process itself."""

import gc
import os
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from observability.metrics import Metrics
from observability.process_metrics import watching_process
from observability.version import SUITE_VERSION


def read(registry: CollectorRegistry, name: str, **labels: str) -> float:
    value = registry.get_sample_value(name, labels)
    assert value is not None, f"{name} is not told"
    return value


def test_memory_and_cpu_are_of_this_process() -> None:
    registry = Metrics().registry
    with watching_process(registry):
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        resident_bytes = pages * os.sysconf("SC_PAGE_SIZE")
        assert read(registry, "process_resident_memory_bytes") == pytest.approx(resident_bytes, rel=0.2)
        before_s = read(registry, "process_cpu_seconds_total")
        while sum(os.times()[:2]) < before_s + 0.05:
            pass
        assert read(registry, "process_cpu_seconds_total") > before_s
        assert read(registry, "process_open_fds") < read(registry, "process_max_fds")


def test_a_garbage_collection_is_counted() -> None:
    registry = Metrics().registry
    with watching_process(registry):
        before = read(registry, "python_gc_collections_total", generation="2")
        gc.collect()
        assert read(registry, "python_gc_collections_total", generation="2") == before + 1


def test_the_version_is_told() -> None:
    registry = Metrics().registry
    with watching_process(registry):
        assert read(registry, "holistic_build_info", version=SUITE_VERSION) == 1


def test_a_registry_can_be_used_by_one_run_after_the_other() -> None:
    registry = Metrics().registry
    for _ in range(2):
        with watching_process(registry):
            read(registry, "process_cpu_seconds_total")
    assert registry.get_sample_value("process_cpu_seconds_total") is None
