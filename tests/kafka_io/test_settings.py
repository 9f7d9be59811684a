"""Settings: what the environment says, and what a client is made with."""

from collections.abc import Mapping
from typing import Any

import pytest
from pydantic_settings import BaseSettings, SettingsConfigDict

from kafka_io.environment import find_misspelt, read_settings
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


class _Ported(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="HOLISTIC_TEST_")

    http_port: int = 0
    durable_log: str = ""


@pytest.mark.parametrize(
    "slip", ["HOLISTIC_TEST_HTPP_PORT", "HOLISTIC_TEST_HTTPPORT", "HOLISTIC_TEST_HTTP_PORTS", "HOLISTIC_TEST_HTTP_PROT"]
)
def test_a_variable_with_a_slip_of_the_pen_is_warned_of_with_the_one_that_was_meant(slip: str) -> None:
    assert find_misspelt(_Ported, {slip: "1"}) == [(slip, "HOLISTIC_TEST_HTTP_PORT")]


def test_variables_that_mean_something_or_are_nobody_s_slip_are_not_warned_of() -> None:
    ours = {"HOLISTIC_TEST_HTTP_PORT": "1", "HOLISTIC_TEST_HTTP_PROT": "1"}
    assert find_misspelt(_Ported, ours) == []
    assert find_misspelt(_Ported, {"KAFKA_CLIENT_ID": "a", "HOLISTIC_TEST_ELSE": "1", "HTTP_PORT": "1"}) == []


def test_a_missing_s_of_kafka_s_brokers_is_warned_of(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KAFKA_BOOTSTRAP_SERVERS", raising=False)
    assert find_misspelt(KafkaSettings, {"KAFKA_BOOTSTRAP_SERVER": "a:1"}) == [
        ("KAFKA_BOOTSTRAP_SERVER", "KAFKA_BOOTSTRAP_SERVERS")
    ]


@pytest.mark.parametrize("servers", ["https://kafka:9092", "kafka:port", "kafka:99999", "", " , ", "a:9092;b:9092"])
def test_what_is_no_list_of_brokers_is_said_to_be_none(monkeypatch: pytest.MonkeyPatch, servers: str) -> None:
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", servers)
    with pytest.raises(Terminal, match=r"KAFKA_BOOTSTRAP_SERVERS: .* host:port"):
        read_kafka_settings()


@pytest.mark.parametrize(
    "servers", ["kafka", "kafka:9092, other:9093", "[::1]:9092", "10.0.0.1:9092", "SSL://kafka:9093"]
)
def test_brokers_are_taken_as_kafka_python_takes_them(monkeypatch: pytest.MonkeyPatch, servers: str) -> None:
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", servers)
    assert read_kafka_settings().bootstrap_servers == servers
