"""Where the Kafka cluster is and how to prove who we are: one set of settings for every client of every service."""

from typing import Literal

from pydantic import AliasChoices, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from kafka_io.environment import read_settings

SecurityProtocol = Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"]
SaslMechanism = Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"]


class KafkaSettings(BaseSettings):
    """Read from the environment (names in capitals, prefix `KAFKA_`); keyword arguments win over it."""

    model_config = SettingsConfigDict(env_prefix="KAFKA_", extra="ignore", frozen=True)

    bootstrap_servers: str = Field(
        default="localhost:9092", description="Brokers to start from, as host:port, separated by commas."
    )
    client_id: str = Field(default="holistic", description="Name of this client in the broker's logs and quotas.")
    security_protocol: SecurityProtocol = Field(
        default="PLAINTEXT", description="Plain or TLS connection, with or without SASL."
    )
    sasl_mechanism: SaslMechanism | None = Field(default=None, description="How to log in, when the protocol is SASL.")
    sasl_username: str | None = Field(default=None, description="User name for SASL.")
    sasl_password: SecretStr | None = Field(default=None, description="Password for SASL; never shown.")
    ssl_cafile: str | None = Field(default=None, description="PEM file of the authority that signed the brokers.")
    ssl_certfile: str | None = Field(default=None, description="PEM file of the client's certificate (mutual TLS).")
    ssl_keyfile: str | None = Field(default=None, description="PEM file of the client's key (mutual TLS).")
    ssl_password: SecretStr | None = Field(default=None, description="Password of the client's key; never shown.")
    ssl_check_hostname: bool = Field(default=True, description="Whether the certificate must name the broker's host.")
    schema_registry_url: str | None = Field(
        default=None,
        validation_alias=AliasChoices("schema_registry_url", "SCHEMA_REGISTRY_URL"),
        description="Confluent-compatible schema registry; without it schemas travel in a compacted topic.",
    )

    def client_options(self) -> dict[str, object]:
        """Keyword arguments that every kafka-python client of ours is made with."""
        options: dict[str, object] = {
            "bootstrap_servers": [server.strip() for server in self.bootstrap_servers.split(",") if server.strip()],
            "client_id": self.client_id,
            "security_protocol": self.security_protocol,
        }
        if self.security_protocol in {"SSL", "SASL_SSL"}:
            options |= {
                "ssl_cafile": self.ssl_cafile,
                "ssl_certfile": self.ssl_certfile,
                "ssl_keyfile": self.ssl_keyfile,
                "ssl_password": self.ssl_password.get_secret_value() if self.ssl_password else None,
                "ssl_check_hostname": self.ssl_check_hostname,
            }
        if self.security_protocol in {"SASL_PLAINTEXT", "SASL_SSL"}:
            options |= {
                "sasl_mechanism": self.sasl_mechanism,
                "sasl_plain_username": self.sasl_username,
                "sasl_plain_password": self.sasl_password.get_secret_value() if self.sasl_password else None,
            }
        return options


def read_kafka_settings() -> KafkaSettings:
    """The settings of this process's environment. Raises Terminal naming each wrong variable."""
    return read_settings(KafkaSettings, "Kafka", {})
