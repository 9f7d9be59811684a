"""Plugins as Kafka Connect's REST clients see them."""

import json
from typing import Any

import pytest

from connect_runtime.config import ConfigKey, Kind, read_count, read_text
from connect_runtime.control.errors import BadRequest, NotFound
from connect_runtime.plugins import (
    SinkPlugin,
    describe_config,
    find_plugin,
    list_plugins,
    refuse_invalid,
    validate_config,
)

FILES = SinkPlugin(
    "holistic.archive.ParquetSink",
    [
        ConfigKey("flush.size", read_count, "1000", "Rows in a file."),
        ConfigKey("door", read_text, "none", "What opens the store.", kind=Kind.PASSWORD),
    ],
)
VALID = {"name": "v", "connector.class": FILES.class_name, "topics": "frames", "tasks.max": "1"}

DEFINITION = {
    "name", "type", "required", "default_value", "importance", "documentation", "group", "width", "display_name",
    "dependents", "order",
}  # fmt: skip


def check(**changes: object) -> dict[str, Any]:
    config = {**VALID, **{name.replace("__", "."): value for name, value in changes.items()}}
    return validate_config(FILES, {name: value for name, value in config.items() if value is not None})


def errors_of(validated: dict[str, Any]) -> dict[str, list[str]]:
    return {one["value"]["name"]: one["value"]["errors"] for one in validated["configs"] if one["value"]["errors"]}


def value_of(validated: dict[str, Any], name: str) -> object:
    return next(one["value"]["value"] for one in validated["configs"] if one["value"]["name"] == name)


@pytest.mark.parametrize("name", ["holistic.archive.ParquetSink", "ParquetSink", "Parquet"])
def test_a_plugin_goes_by_its_whole_name_its_simple_one_and_its_alias(name: str) -> None:
    assert find_plugin([FILES], name) is FILES


def test_an_unknown_plugin_is_not_found() -> None:
    with pytest.raises(NotFound, match=r"^Unknown plugin NoSuch\.$"):
        find_plugin([FILES], "NoSuch")


def test_plugins_are_listed_and_converters_on_request() -> None:
    assert list_plugins([FILES, FILES], "1.0") == [{"class": FILES.class_name, "type": "sink", "version": "1.0"}]
    kinds = {one["type"] for one in list_plugins([FILES], "1.0", connectors_only=False)}
    assert kinds == {"sink", "converter"}


def test_every_setting_is_described_the_sink_s_own_first() -> None:
    described = describe_config(FILES)
    assert described[0] == {
        "name": "flush.size", "type": "INT", "required": False, "default_value": "1000", "importance": "MEDIUM",
        "documentation": "Rows in a file.", "group": None, "width": "NONE", "display_name": "flush.size",
        "dependents": [], "order": -1,
    }  # fmt: skip
    assert all(set(one) == DEFINITION and one["documentation"] for one in described)
    by_name = {one["name"]: one for one in described}
    assert by_name["name"]["required"] is True
    assert (by_name["topics"]["type"], by_name["errors.retry.timeout"]["type"]) == ("LIST", "LONG")
    orders = [(one["group"], one["order"]) for one in described if one["group"]]
    assert len(set(orders)) == len(orders)


def test_a_valid_configuration_has_no_errors_and_shows_defaults() -> None:
    validated = check()
    assert (validated["name"], validated["error_count"]) == (FILES.class_name, 0)
    assert validated["groups"] == ["Common", "Transforms", "Predicates", "Error Handling"]
    assert (value_of(validated, "flush.size"), value_of(validated, "tasks.max")) == ("1000", "1")
    assert [one["value"]["name"] for one in validated["configs"]] == [one["name"] for one in describe_config(FILES)]


def test_no_number_is_worded_as_kafka_connect_does() -> None:
    validated = check(tasks__max="zero")
    assert validated["error_count"] == 2
    assert value_of(validated, "tasks.max") is None
    assert errors_of(validated) == {
        "tasks.max": [
            "Invalid value zero for configuration tasks.max: Not a number of type INT",
            "Invalid value null for configuration tasks.max: Value must be non-null",
        ]
    }


def test_a_number_out_of_range_keeps_its_value() -> None:
    validated = check(tasks__max=0)
    assert errors_of(validated) == {
        "tasks.max": ["Invalid value 0 for configuration tasks.max: Value must be at least 1"]
    }
    assert value_of(validated, "tasks.max") == "0"


def test_topics_and_a_pattern_exclude_each_other() -> None:
    validated = check(topics__regex="x.*", name=None)
    both = ["topics and topics.regex are mutually exclusive options, but both are set."]
    assert errors_of(validated) == {
        "name": ['Missing required configuration "name" which has no default value.'],
        "topics": both,
        "topics.regex": both,
    }
    assert validated["error_count"] == 3
    neither = ["Must configure one of topics or topics.regex"]
    assert errors_of(check(topics=None)) == {"topics": neither, "topics.regex": neither}


def test_a_class_of_another_sink_is_an_error() -> None:
    assert "connector.class" in errors_of(check(connector__class="holistic.avatar.VmcSink"))
    assert check(connector__class="Parquet")["error_count"] == 0


def test_a_setting_nobody_knows_is_listed_with_its_error() -> None:
    assert errors_of(check(flush__sise="5")) == {
        "flush.sise": ["Invalid value 5 for configuration flush.sise: unknown setting, did you mean flush.size?"]
    }


def test_a_secret_is_not_in_the_answer() -> None:
    assert "sesame" not in json.dumps(check(door="sesame", consumer__override__sasl__nonsense__password="sesame"))


def test_a_bad_configuration_is_refused_listing_all_its_errors() -> None:
    refuse_invalid(FILES, VALID)
    with pytest.raises(BadRequest) as caught:
        refuse_invalid(FILES, VALID | {"tasks.max": "not-a-number"})
    assert caught.value.message == (
        "Connector configuration is invalid and contains the following 2 error(s):\n"
        "Invalid value not-a-number for configuration tasks.max: Not a number of type INT\n"
        "Invalid value null for configuration tasks.max: Value must be non-null\n"
        "You can also find the above list of errors at the endpoint "
        "`/connector-plugins/{connectorType}/config/validate`"
    )
