"""The suite's connectors by name, and what a replay needs to know of each."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from connect_runtime.offsets.bounded import BoundedReplay
from connect_runtime.spec import ConnectorSpec
from kafka_io.settings import KafkaSettings
from keypoints.errors import Terminal

if TYPE_CHECKING:
    from consumers.archive.connectors import Store


class NoSuchConnector(Terminal):
    """The suite has no connector of that name. Fields: connector."""


@dataclass(frozen=True, slots=True)
class ReplayedConnector:
    """A connector as this environment sets it up."""

    spec: ConnectorSpec
    rest_url: str | None
    """Where its service listens unless told otherwise; None: on a port nobody knows."""
    make_bounded: Callable[[bool], BoundedReplay]
    """Given whether to rewrite. Raises Terminal, saying why, for a connector that has no such bounded replay."""


def find_connector(name: str, kafka: KafkaSettings) -> ReplayedConnector:
    """The connector called so, by its usual name or by the one its settings give it. Raises NoSuchConnector, or what
    is wrong with its settings."""
    if name in _CONNECTORS:
        return _CONNECTORS[name](kafka)
    for make in _CONNECTORS.values():
        try:
            found = make(kafka)
        except (Terminal, ModuleNotFoundError):
            # Another connector's settings or libraries are missing: it is not the one that is meant.
            continue
        if found.spec.name == name:
            return found
    raise NoSuchConnector(f"there is no connector {name}", hint=f"there are {', '.join(_CONNECTORS)}", connector=name)


def _archive_postgres(kafka: KafkaSettings) -> ReplayedConnector:
    from consumers.archive.connectors import Store

    return _archive(Store.POSTGRES, kafka)


def _archive_parquet(kafka: KafkaSettings) -> ReplayedConnector:
    from consumers.archive.connectors import Store

    return _archive(Store.PARQUET, kafka)


def _archive(store: "Store", kafka: KafkaSettings) -> ReplayedConnector:
    from consumers.archive.connectors import make_bounded_replay, make_connector
    from consumers.archive.settings import read_archive_settings

    settings = read_archive_settings()
    return ReplayedConnector(
        make_connector(store, settings, kafka),
        _address(settings.http_host, settings.http_port),
        lambda rewrite: make_bounded_replay(store, settings, kafka, rewrite=rewrite),
    )


def _analytics(kafka: KafkaSettings) -> ReplayedConnector:
    from consumers.analytics.run import make_bounded_replay, make_connector
    from consumers.analytics.settings import read_analytics_settings

    settings = read_analytics_settings()

    def make_bounded(rewrite: bool) -> BoundedReplay:
        if rewrite:
            raise Terminal(
                "a result that is worked out again takes the place of what it was anyway",
                hint="replay without --rewrite",
            )
        return make_bounded_replay(settings, kafka)

    return ReplayedConnector(
        make_connector(settings, kafka), _address(settings.http_host, settings.http_port), make_bounded
    )


def _avatar(kafka: KafkaSettings) -> ReplayedConnector:  # noqa: ARG001 - made like the others
    from consumers.avatar.run import make_bounded_replay, make_connector
    from consumers.avatar.settings import read_avatar_settings
    from observability.metrics import Metrics

    settings = read_avatar_settings()

    def make_bounded(rewrite: bool) -> BoundedReplay:
        if rewrite:
            raise Terminal("the avatar keeps nothing that could be rewritten", hint="replay without --rewrite")
        return make_bounded_replay(settings)

    return ReplayedConnector(
        make_connector(settings, Metrics()),
        _address(settings.http_host, settings.http_port),
        make_bounded,
    )


def _address(host: str, port: int) -> str | None:
    return f"http://{host}:{port}" if port else None


_CONNECTORS: Final[dict[str, Callable[[KafkaSettings], ReplayedConnector]]] = {
    "archive-postgres": _archive_postgres,
    "archive-parquet": _archive_parquet,
    "analytics": _analytics,
    "avatar": _avatar,
}
