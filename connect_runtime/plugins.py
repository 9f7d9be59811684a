"""Sinks as Kafka Connect's plugins: listed, described key by key, and configurations for them checked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from connect_runtime.config import NO_TOPICS, TOPICS_TWICE, ConfigKey, Kind, Problem, as_texts, find_problems
from connect_runtime.control.errors import BadRequest, NotFound
from connect_runtime.runtime_keys import RUNTIME_KEYS
from connect_runtime.secrets import mask_value
from connect_runtime.wire_form import CONVERTERS, KEY_CONVERTER

CLASS_KEY: Final = "connector.class"
_ENDINGS: Final = ("Connector", "SinkConnector", "Sink")
_WIDTHS: Final = {Kind.LIST: "LONG", Kind.STRING: "MEDIUM", Kind.PASSWORD: "MEDIUM"}
_GROUPS: Final = tuple(dict.fromkeys(key.group for key in RUNTIME_KEYS if key.group is not None))


@dataclass(frozen=True, slots=True)
class SinkPlugin:
    """A kind of sink: its class as a user of Kafka Connect names it, and the settings it adds to the runtime's."""

    class_name: str
    keys: Sequence[ConfigKey] = ()

    def goes_by(self, name: str) -> bool:
        """Whether this is one of its names: the whole one, the one without package, or that without its ending."""
        simple = self.class_name.rpartition(".")[2]
        short = {simple.removesuffix(ending) for ending in _ENDINGS if simple != ending}
        return name in {self.class_name, simple, *short}


def find_plugin(plugins: Sequence[SinkPlugin], name: str) -> SinkPlugin:
    """The plugin of that name or alias. Raises NotFound, in Kafka Connect's words."""
    for plugin in plugins:
        if plugin.goes_by(name):
            return plugin
    raise NotFound(f"Unknown plugin {name}.", plugin=name)


def list_plugins(plugins: Sequence[SinkPlugin], version: str, *, connectors_only: bool = True) -> list[dict[str, str]]:
    """What `GET /connector-plugins` answers; with converters too when not `connectors_only`."""
    classes = dict.fromkeys(plugin.class_name for plugin in plugins)
    listed = [{"class": name, "type": "sink", "version": version} for name in classes]
    if not connectors_only:
        converters = (*CONVERTERS, KEY_CONVERTER)
        listed += [{"class": name, "type": "converter", "version": version} for name in converters]
    return listed


def describe_config(plugin: SinkPlugin) -> list[dict[str, object]]:
    """What `GET /connector-plugins/{plugin}/config` answers: the definition of every setting, the sink's own first."""
    orders = _number(plugin)
    return [_define(key, orders[key.name]) for key in _all_keys(plugin)]


def validate_config(plugin: SinkPlugin, config: Mapping[str, object]) -> dict[str, object]:
    """What `PUT /connector-plugins/{plugin}/config/validate` answers: every setting with its value and its errors.

    Secrets are masked. Settings nobody knows are listed last, with an error.
    """
    texts = as_texts(config)
    errors = _find_errors(plugin, texts)
    known = _all_keys(plugin)
    orders = _number(plugin)
    names = {key.name for key in known}
    strangers = [ConfigKey(name, str, "", "No such setting.") for name in errors if name not in names]
    configs = [
        {
            "definition": _define(key, orders.get(key.name, -1)),
            "value": {
                "name": key.name,
                "value": _value_of(key, texts, errors.get(key.name, ())),
                "recommended_values": list(key.choices),
                "errors": [text for text, _ in errors.get(key.name, ())],
                "visible": True,
            },
        }
        for key in (*known, *strangers)
    ]
    return {
        "name": plugin.class_name,
        "error_count": sum(len(found) for found in errors.values()),
        "groups": list(_GROUPS),
        "configs": configs,
    }


def refuse_invalid(plugin: SinkPlugin, config: Mapping[str, object]) -> None:
    """Raise BadRequest listing everything that is wrong, in the form Kafka Connect answers `PUT …/config` with."""
    errors = [text for found in _find_errors(plugin, as_texts(config)).values() for text, _ in found]
    if errors:
        listed = "\n".join(errors)
        raise BadRequest(
            f"Connector configuration is invalid and contains the following {len(errors)} error(s):\n{listed}\n"
            "You can also find the above list of errors at the endpoint "
            "`/connector-plugins/{connectorType}/config/validate`",
            errors=len(errors),
        )


_Errors = Mapping[str, Sequence[tuple[str, Problem]]]


def _find_errors(plugin: SinkPlugin, texts: Mapping[str, str]) -> _Errors:
    """By setting, the errors as Kafka Connect words them."""
    errors: dict[str, list[tuple[str, Problem]]] = {}
    for problem in find_problems(texts, plugin.keys):
        errors.setdefault(problem.key, []).extend((text, problem) for text in _word(problem))
    given = texts.get(CLASS_KEY, "")
    if given and not plugin.goes_by(given):
        text = f"Included connector type {given} does not match request type {plugin.class_name}"
        errors.setdefault(CLASS_KEY, []).append((text, Problem(CLASS_KEY, given, text)))
    return errors


def _word(problem: Problem) -> list[str]:
    key, shown = problem.key, problem.value
    if problem.reason in {TOPICS_TWICE, NO_TOPICS}:
        return [problem.reason]
    if shown is None:
        return [f'Missing required configuration "{key}" which has no default value.']
    if not problem.is_of_kind:
        return [
            f"Invalid value {shown} for configuration {key}: {problem.reason}",
            f"Invalid value null for configuration {key}: Value must be non-null",
        ]
    reason = f"Value {problem.reason}" if problem.reason.startswith(("must ", "is ")) else problem.reason
    return [f"Invalid value {shown} for configuration {key}: {reason}"]


def _value_of(key: ConfigKey, texts: Mapping[str, str], errors: Sequence[tuple[str, Problem]]) -> str | None:
    if any(not problem.is_of_kind for _, problem in errors):
        return None
    text = texts.get(key.name, key.default)
    return None if text is None else mask_value(key.name, text, (key,))


def _all_keys(plugin: SinkPlugin) -> list[ConfigKey]:
    return [*plugin.keys, *RUNTIME_KEYS]


def _number(plugin: SinkPlugin) -> dict[str, int]:
    """The place of each setting in its group, from 1; -1 for those in none."""
    counts: dict[str, int] = {}
    orders: dict[str, int] = {}
    for key in _all_keys(plugin):
        if key.group is None:
            orders[key.name] = -1
        else:
            orders[key.name] = counts[key.group] = counts.get(key.group, 0) + 1
    return orders


def _define(key: ConfigKey, order: int) -> dict[str, object]:
    return {
        "name": key.name,
        "type": key.type.value,
        "required": key.default is None,
        "default_value": key.default,
        "importance": key.importance.value,
        "documentation": key.doc,
        "group": key.group,
        "width": "NONE" if key.group is None else _WIDTHS.get(key.type, "SHORT"),
        "display_name": key.name if key.group is None else key.name.replace(".", " ").capitalize(),
        "dependents": [],
        "order": order,
    }
