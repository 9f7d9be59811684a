"""Settings under Kafka Connect's names."""

import pytest

from connect_runtime.config import ConfigKey, InvalidConfig, Kind, read_config, read_count, read_text
from connect_runtime.runtime_keys import RUNTIME_KEYS
from connect_runtime.wire_form import WireForm

MINIMAL = {"name": "archive", "topics": "one, two"}


def test_defaults_need_no_more_than_name_and_topics() -> None:
    config = read_config(MINIMAL)
    assert config.topics == ("one", "two")
    assert (config.tasks_max, config.errors_tolerance, config.flush_interval_s) == (1, "all", 5.0)
    assert config.retry_timeout_s == 300.0


def test_retries_without_end() -> None:
    assert read_config(MINIMAL | {"errors.retry.timeout": "-1"}).retry_timeout_s is None


def test_consumer_overrides_reach_the_client_under_its_names_and_types() -> None:
    config = read_config(
        MINIMAL
        | {
            "consumer.override.max.poll.records": "10",
            "consumer.override.auto.offset.reset": "latest",
            "consumer.override.check.crcs": "false",
            "consumer.override.group.instance.id": "archive-1",
        }
    )
    assert config.consumer_overrides == {
        "max_poll_records": 10, "auto_offset_reset": "latest", "check_crcs": False, "group_instance_id": "archive-1",
    }  # fmt: skip


def test_a_sink_adds_settings_of_its_own() -> None:
    keys = [ConfigKey("flush.size", read_count, "1000", "Rows in a file.")]
    assert read_config(MINIMAL, keys).sink == {"flush.size": 1000}
    assert read_config(MINIMAL | {"flush.size": 5}, keys).sink == {"flush.size": 5}


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("tasks.max", "0"),
        ("tasks.max", "many"),
        ("offset.flush.interval.ms", "-1"),
        ("errors.tolerance", "some"),
        ("errors.retry.timeout", "-2"),
        ("topics", " "),
        ("flush.sise", "5"),
        ("consumer.override.max.poll.records", "ten"),
        ("consumer.override.no.such.setting", "1"),
        ("consumer.override.enable.auto.commit", "true"),
    ],
)
def test_a_wrong_setting_is_refused_naming_key_and_value(key: str, value: str) -> None:
    with pytest.raises(InvalidConfig) as caught:
        read_config(MINIMAL | {key: value})
    assert caught.value.fields == {"key": key, "value": value}
    assert key in caught.value.message
    assert repr(value) in caught.value.message


def test_a_missing_setting_is_named() -> None:
    with pytest.raises(InvalidConfig, match="topics is missing"):
        read_config({"name": "archive"})


def test_all_that_is_wrong_is_said_at_once() -> None:
    with pytest.raises(InvalidConfig, match=r"tasks.max='0'.*errors.tolerance='some'"):
        read_config(MINIMAL | {"tasks.max": "0", "errors.tolerance": "some"})


def test_topics_may_be_a_pattern_instead_but_not_as_well() -> None:
    config = read_config({"name": "archive", "topics.regex": "frames-.*"})
    assert (config.topics, config.topics_pattern) == ((), "frames-.*")
    with pytest.raises(InvalidConfig, match="mutually exclusive"):
        read_config(MINIMAL | {"topics.regex": "frames-.*"})
    with pytest.raises(InvalidConfig, match=r"topics.regex='\('"):
        read_config({"name": "archive", "topics.regex": "("})


def test_a_converter_names_the_form_of_the_values() -> None:
    assert read_config(MINIMAL).value_form is WireForm.ANY
    assert read_config(MINIMAL | {"value.converter": "holistic.converters.Avro"}).value_form is WireForm.AVRO
    assert read_config(MINIMAL | {"value.converter": "Json"}).value_form is WireForm.JSON
    with pytest.raises(InvalidConfig, match=r"value.converter='Protobuf': must be one of holistic.converters.AnyForm"):
        read_config(MINIMAL | {"value.converter": "Protobuf"})


@pytest.mark.parametrize("key", ["transforms", "transforms.mask.type", "predicates"])
def test_a_transform_is_refused_saying_that_there_are_none(key: str) -> None:
    with pytest.raises(InvalidConfig, match="single message transforms are not offered"):
        read_config(MINIMAL | {key: "mask"})


def test_a_mistyped_setting_is_told_its_name() -> None:
    with pytest.raises(InvalidConfig, match=r"did you mean tasks.max"):
        read_config(MINIMAL | {"task.max": "2"})


def test_secrets_are_shown_nowhere() -> None:
    keys = [ConfigKey("door", read_text, None, "What opens it.", kind=Kind.PASSWORD)]
    given = MINIMAL | {"door": "sesame", "consumer.override.sasl.plain.password": "sesame"}
    config = read_config(given, keys)
    assert config.sink["door"] == "sesame"
    assert config.consumer_overrides["sasl_plain_password"] == "sesame"
    assert "sesame" not in repr(config)
    with pytest.raises(InvalidConfig) as caught:
        read_config(given | {"consumer.override.sasl.no.such.password": "sesame"}, keys)
    assert "sesame" not in caught.value.message + repr(caught.value.fields)


def test_every_setting_says_what_it_means() -> None:
    assert all(key.doc for key in RUNTIME_KEYS)
