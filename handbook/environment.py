"""Every environment variable: those of the services' settings, and those that are read beside them."""

import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from pydantic_settings import BaseSettings

from handbook.markdown import write_code, write_page, write_table
from handbook.sources import find_modules
from kafka_io.environment import name_variable

_ABOUT: Final = (
    "A service reads what concerns it, and says at its start which variable is wrong. Several services read "
    "some of the same names. JSON objects are written as text: `HOLISTIC_ANALYTICS_CONFIG='{\"tasks.max\": 2}'`."
)
_TITLES: Final = {
    "kafka_io.settings": "Kafka, for everybody",
    "producer_service.settings": "Producer",
    "producer_service.gateway.settings": "Producer: `holistic serve`",
    "producer_service.rpc.settings": "Producer: gRPC",
    "producer_service.image_topic.settings": "Producer: `holistic images`",
    "consumers.archive.settings": "Archive",
    "consumers.analytics.settings": "Analytics",
    "consumers.analytics.feed.settings": "Live feed: `holistic watch`",
    "consumers.avatar.settings": "Avatar",
    "connect_runtime.rest.security": "REST API of consumers",
}
OTHERS: Final = {
    "DATABASE_URL": "Postgres, as postgresql://user:password@host:port/database; without it the local stack's.",
    "HOLISTIC_HOME": "Data directory of the local stack; by default `holistic-stream` in XDG_DATA_HOME.",
    "HOLISTIC_RUNS": "Where `holistic bench` keeps what its runs measured.",
    "HOLISTIC_CACHE": "Where downloads are kept, shared by all data directories; by default in XDG_CACHE_HOME.",
    "HOLISTIC_REST_URL": "Where `holistic replay` finds a service that is not at its usual port.",
    "HOLISTIC_WEBHOOK_SECRET": "Secret that webhooks are signed with.",
    "HOLISTIC_TRACING": "`otlp` sends traces to an OpenTelemetry collector, which OTEL_… names; by default `off`.",
    "HOLISTIC_NATIVE_LOGS": "Shows all that MediaPipe's native libraries write, when set.",
    "AWS_ACCESS_KEY_ID": "Who asks the object store.",
    "AWS_SECRET_ACCESS_KEY": "The secret that goes with it.",
    "AWS_SESSION_TOKEN": "For credentials that last a while.",
    "AWS_REGION": "Region of the bucket.",
    "AWS_DEFAULT_REGION": "The same, where AWS_REGION is not set.",
    "AWS_ENDPOINT_URL": "An object store of your own.",
    "XDG_STATE_HOME": "Where progress of files, avatars' memories and the prompt's history are kept (~/.local/state).",
    "XDG_DATA_HOME": "Where the local stack's data directory is; by default ~/.local/share.",
    "XDG_CACHE_HOME": "Where downloads are kept; by default ~/.cache.",
}
"""Those that no settings class reads, and what they mean."""


def write_environment() -> str:
    """The page of environment variables."""
    found = dict(_find_settings())
    order = [*_TITLES, *(name for name in found if name not in _TITLES)]
    parts = []
    for module in order:
        for kind in found.get(module, ()):
            rows = [_describe(kind, name) for name in kind.model_fields]
            parts.append(f"## {_TITLES.get(module, module)}\n\n{_write(rows)}")
    others = [(write_code(name), "", meaning) for name, meaning in OTHERS.items()]
    return write_page("Environment variables", _ABOUT, [*parts, f"## Others\n\n{_write(others)}"])


def _find_settings() -> Iterator[tuple[str, list[type[BaseSettings]]]]:
    for name in find_modules("(BaseSettings)"):
        kinds = [
            kind
            for kind in vars(importlib.import_module(name)).values()
            if isinstance(kind, type) and issubclass(kind, BaseSettings) and kind.__module__ == name
        ]
        yield name, kinds


def _write(rows: list[tuple[str, str, str]]) -> str:
    return write_table(("variable", "default", "what it means"), rows)


def _describe(kind: type[BaseSettings], name: str) -> tuple[str, str, str]:
    field = kind.model_fields[name]
    default = "must be given" if field.is_required() else _show(field.get_default(call_default_factory=True))
    return write_code(name_variable(kind, name)), default, field.description or ""


def _show(value: Any) -> str:
    if value in (None, "", (), []) or value == {}:
        return ""
    if isinstance(value, bool):
        return write_code(str(value).lower())
    if isinstance(value, tuple | list | frozenset | set):
        return write_code(",".join(sorted(map(str, value))))
    return write_code(str(value) if not isinstance(value, Path) else value.as_posix())
