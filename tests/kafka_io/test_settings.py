"""Settings: what the environment says, and what a client is made with."""

from collections.abc import Mapping
from typing import Any

import pytest
from pydantic_settings import BaseSettings, SettingsConfigDict

from kafka_io.environment import read_settings
from kafka_io.settings import KafkaSettings, read_kafka_settings
from keypoints.errors import Terminal


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in KafkaSettings.model_fields:
        monkeypatch.delenv(f"KAFKA_{name.upper()}", raising=False)
    monkeypatch.delenv("SCHEMA_REGISTRY_URL", raising=False)
    return monkeypatch


def test_without_any_variable_a_broker_on_this_machine_is_meant(environment: pytest.MonkeyPatch) -> None:
    assert read_kafka_settings().client_options() == {
        "bootstrap_servers": ["localhost:9092"],
        "client_id": "holistic",
        "security_protocol": "PLAINTEXT",
        "reconnect_backoff_max_ms": 1000,
    }


def test_the_environment_names_brokers_login_and_registry(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("KAFKA_BOOTSTRAP_SERVERS", "one:9093, two:9093")
    environment.setenv("KAFKA_SECURITY_PROTOCOL", "SASL_SSL")
    environment.setenv("KAFKA_SASL_MECHANISM", "SCRAM-SHA-512")
    environment.setenv("KAFKA_SASL_USERNAME", "ada")
    environment.setenv("KAFKA_SASL_PASSWORD", "secret")
    environment.setenv("KAFKA_SSL_CAFILE", "/ca.pem")
    environment.setenv("SCHEMA_REGISTRY_URL", "http://registry:8081")
    settings = read_kafka_settings()
    options = settings.client_options()
    assert options["bootstrap_servers"] == ["one:9093", "two:9093"]
    assert options["sasl_mechanism"] == "SCRAM-SHA-512"
    assert (options["sasl_plain_username"], options["sasl_plain_password"]) == ("ada", "secret")
    assert (options["ssl_cafile"], options["ssl_check_hostname"]) == ("/ca.pem", True)
    assert settings.schema_registry_url == "http://registry:8081"


def test_a_secret_is_not_shown(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("KAFKA_SASL_PASSWORD", "hunter2")
    assert "hunter2" not in repr(read_kafka_settings())


def test_a_wrong_setting_is_named(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("KAFKA_SECURITY_PROTOCOL", "TELEPATHY")
    with pytest.raises(Terminal, match="KAFKA_SECURITY_PROTOCOL"):
        read_kafka_settings()


@pytest.mark.parametrize(
    ("variables", "named"),
    [
        ({}, "KAFKA_SECURITY_PROTOCOL=SASL_SSL needs KAFKA_SASL_MECHANISM"),
        ({"MECHANISM": "PLAIN", "USERNAME": "ada"}, "KAFKA_SASL_MECHANISM=PLAIN needs KAFKA_SASL_PASSWORD"),
        ({"MECHANISM": "OAUTHBEARER"}, "needs KAFKA_SASL_OAUTH_TOKEN_URL, KAFKA_SASL_OAUTH_CLIENT_ID"),
        ({"MECHANISM": "OAUTHBEARER", "OAUTH_TOKEN_URL": "file:///etc/passwd"}, "KAFKA_SASL_OAUTH_TOKEN_URL"),
    ],
)
def test_a_login_that_lacks_something_says_what(
    environment: pytest.MonkeyPatch, variables: dict[str, str], named: str
) -> None:
    environment.setenv("KAFKA_SECURITY_PROTOCOL", "SASL_SSL")
    for name, value in variables.items():
        environment.setenv(f"KAFKA_SASL_{name}", value)
    with pytest.raises(Terminal, match=named):
        read_kafka_settings()


class _Configured(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="HOLISTIC_TEST_")

    config: Mapping[str, Any] = {}


def test_a_setting_that_is_no_json_is_named_and_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOLISTIC_TEST_CONFIG", "{secret")
    with pytest.raises(Terminal, match="test settings are wrong: HOLISTIC_TEST_CONFIG: it must be JSON") as refusal:
        read_settings(_Configured, "test", {})
    assert "secret" not in str(refusal.value)
