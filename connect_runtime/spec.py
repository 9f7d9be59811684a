"""A connector as a service deploys it: its name, its settings, and how to make its sink."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from connect_runtime.config import ConfigKey, ConnectorConfig, read_config
from connect_runtime.plugins import SinkPlugin
from connect_runtime.sink import Sink


@dataclass(frozen=True, slots=True)
class ConnectorSpec:
    """A connector to run: its name (also its consumer group), its flat settings, and how to make its sink.

    `make_sink` is called on the thread the sink will live on, once for each task and each restart. `sink_keys` are the
    settings the sink adds to the runtime's own; it reads their values from `config.sink` of `read_connector`.
    """

    name: str
    config: Mapping[str, object]
    make_sink: Callable[[], Sink]
    sink_keys: Sequence[ConfigKey] = ()
    reconfigure: Callable[[Mapping[str, object]], "ConnectorSpec"] | None = None
    """The same connector with other settings, for sinks made from theirs; None: `make_sink` reads none of them."""
    plugin_class: str = "holistic.SinkConnector"
    """Kafka Connect's `connector.class`: what kind of connector it is, to people and their tools."""

    def with_config(self, config: Mapping[str, object]) -> "ConnectorSpec":
        """The same connector with these settings instead. Raises InvalidConfig."""
        if self.reconfigure is not None:
            return replace(self.reconfigure(config), name=self.name)
        return replace(self, config=config)

    @property
    def plugin(self) -> SinkPlugin:
        """The kind of connector, with all the settings it has."""
        return SinkPlugin(self.plugin_class, self.sink_keys)


def read_connector(spec: ConnectorSpec) -> ConnectorConfig:
    """The connector's settings, checked. Raises InvalidConfig."""
    return read_config({**spec.config, "name": spec.name}, spec.sink_keys)
