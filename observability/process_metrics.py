"""What a process is and uses: version, CPU time, memory, open files, garbage collections. Read when somebody asks.

Names are the usual ones of Prometheus clients (`process_*`, `python_*`), so that ready-made dashboards work.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Final

from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from observability.metrics import GaugeDef
from observability.version import SUITE_VERSION

# Always 1: its label is what counts, and says after an upgrade which replicas are new.
BUILD_INFO: Final = GaugeDef("holistic_build_info", "1, with the version of the suite.", ("version",))


@contextmanager
def watching_process(registry: CollectorRegistry) -> Iterator[None]:
    """Tell of this process in the registry while the block lasts. Its child processes are not counted."""
    collector = _ThisProcess()
    registry.register(collector)
    try:
        yield
    finally:
        registry.unregister(collector)


class _ThisProcess(Collector):
    """The client library's own collectors behind one door, which can be taken away again."""

    def __init__(self) -> None:
        # Each registers itself where it is told to: a place nobody else looks at.
        aside = CollectorRegistry()
        self._parts = (ProcessCollector(registry=aside), GCCollector(registry=aside), PlatformCollector(registry=aside))

    def collect(self) -> Iterable[Metric]:
        """Everything at this moment."""
        build = GaugeMetricFamily(BUILD_INFO.name, BUILD_INFO.help, labels=BUILD_INFO.labels)
        build.add_metric((SUITE_VERSION,), 1)
        yield build
        for part in self._parts:
            yield from part.collect()
