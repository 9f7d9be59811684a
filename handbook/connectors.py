"""The settings of each connector, as its service reads them."""

from collections.abc import Sequence
from typing import Final

from connect_runtime.config import ConfigKey
from connect_runtime.runtime_keys import RUNTIME_KEYS
from consumers.analytics.settings import CONNECTOR_NAME as ANALYTICS
from consumers.analytics.settings import SINK_KEYS
from consumers.archive.settings import PARQUET_CONNECTOR, PARQUET_KEYS, POSTGRES_CONNECTOR, POSTGRES_KEYS
from consumers.avatar.settings import CONNECTOR_NAME as AVATAR
from handbook.markdown import write_code, write_page, write_table

OWN_KEYS: Final[dict[str, Sequence[ConfigKey]]] = {
    POSTGRES_CONNECTOR: POSTGRES_KEYS,
    PARQUET_CONNECTOR: PARQUET_KEYS,
    ANALYTICS: SINK_KEYS,
    AVATAR: (),
}
_ABOUT: Final = (
    "What can be set about a connector, under Kafka Connect's flat names: in a file (`HOLISTIC_CONFIG_FILES`), in the "
    "environment (say `HOLISTIC_ANALYTICS_CONFIG`, a JSON object), with `--set KEY=VALUE`, or over REST with "
    "`PUT /connectors/NAME/config`; a later one of these wins. `GET /connector-plugins/NAME/config` answers the same "
    "list. `consumer.override.…` sets any setting of the Kafka client but those the runtime's promises rest on."
)


def write_connectors() -> str:
    """The page of connectors' settings."""
    groups = dict.fromkeys(key.group or "" for key in RUNTIME_KEYS)
    shared = [
        f"### {group}\n\n{_write_keys([key for key in RUNTIME_KEYS if (key.group or '') == group])}" for group in groups
    ]
    own = [
        f"## {name}\n\n{_write_keys(keys) if keys else 'It has none of its own beside those of the environment.'}"
        for name, keys in OWN_KEYS.items()
    ]
    return write_page("Settings of connectors", _ABOUT, ["## Every connector", *shared, *own])


def _write_keys(keys: Sequence[ConfigKey]) -> str:
    return write_table(("setting", "type", "default", "what it means"), [_describe(key) for key in keys])


def _describe(key: ConfigKey) -> tuple[str, str, str, str]:
    choices = f" One of {', '.join(write_code(choice) for choice in key.choices)}." if len(key.choices) > 1 else ""
    default = "must be given" if key.default is None else write_code(key.default)
    return write_code(key.name), key.type.value.lower(), default, key.doc + choices
