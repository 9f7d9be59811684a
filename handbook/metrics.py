"""Every metric of every service."""

import importlib
from typing import Final

from handbook.markdown import write_code, write_page, write_table
from handbook.sources import find_modules
from observability.metrics import CounterDef, GaugeDef, HistogramDef

Definition = CounterDef | GaugeDef | HistogramDef

_ABOUT: Final = (
    "Every service answers `/metrics` on its port. Names under `kafka_connect_` are Kafka Connect's own, as the usual "
    "Prometheus exporter writes them. No label names a person or a stream."
)
_TITLES: Final = {
    "observability.metrics": "Every consumer",
    "producer_service": "Producer",
    "consumers.archive": "Archive",
    "consumers.analytics.feed": "Live feed",
    "consumers.analytics": "Analytics",
    "consumers.avatar": "Avatar",
    "connect_runtime": "Every consumer, more",
}


def find_metrics() -> dict[str, list[Definition]]:
    """All definitions, by the service that has them."""
    found: dict[str, list[Definition]] = {}
    seen: set[str] = set()
    for name in find_modules("observability.metrics import"):
        _gather(name, found, seen)
    _gather("observability.metrics", found, seen)
    return found


def write_metrics() -> str:
    """The page of metrics."""
    found = find_metrics()
    titles = [*dict.fromkeys(_TITLES.values()), *(title for title in found if title not in _TITLES.values())]
    parts = [f"## {title}\n\n{_write(found[title])}" for title in titles if title in found]
    return write_page("Metrics", _ABOUT, parts)


def _gather(module: str, found: dict[str, list[Definition]], seen: set[str]) -> None:
    for value in vars(importlib.import_module(module)).values():
        if not isinstance(value, Definition) or value.name in seen:
            continue
        title = "Every consumer" if value.name.startswith(("kafka_connect", "holistic_task")) else _find_title(module)
        seen.add(value.name)
        found.setdefault(title, []).append(value)


def _find_title(module: str) -> str:
    return next((title for room, title in _TITLES.items() if module.startswith(room)), module)


def _write(definitions: list[Definition]) -> str:
    rows = [
        (write_code(_name(one)), _KINDS[type(one)], ", ".join(one.labels), one.help)
        for one in sorted(definitions, key=lambda one: one.name)
    ]
    return write_table(("metric", "type", "labels", "what it counts"), rows)


def _name(definition: Definition) -> str:
    return f"{definition.name}_total" if isinstance(definition, CounterDef) else definition.name


_KINDS: Final = {CounterDef: "counter", GaugeDef: "gauge", HistogramDef: "histogram"}
