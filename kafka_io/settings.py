"""Where the Kafka cluster is and how to prove who we are: one set of settings for every client of every service."""

import re
from typing import Literal, Self

from pydantic import AliasChoices, Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from kafka_io.environment import read_settings
from kafka_io.oauth import share_credentials

# As Java's client has it. With kafka-python's 30 s a broker that hangs up a few times, as one does that refuses a
# login or is restarted, is asked again only after many seconds.
_RECONNECT_BACKOFF_MAX_MS = 1_000

# As kafka-python reads it: a protocol of Kafka's, a host (an IPv6 address in brackets), a port.
_SERVER = re.compile(r"((?:SASL_)?(?:PLAINTEXT|SSL)://)?(\[[\w:.%]+\]|[\w.-]+|[0-9a-fA-F:]+?)(?::(?P<port>\d{1,5}))?")
_LAST_PORT = 65_535

SecurityProtocol = Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"]
SaslMechanism = Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"]


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
    sasl_oauth_token_url: str | None = Field(
        default=None,
        pattern="^https?://",
        description="Token endpoint for OAUTHBEARER (client credentials).",
    )
    sasl_oauth_client_id: str | None = Field(default=None, description="Client id at the token endpoint.")
    sasl_oauth_client_secret: SecretStr | None = Field(
        default=None, description="Secret at the token endpoint; never shown."
    )
    sasl_oauth_scope: str | None = Field(default=None, description="Scope to ask tokens for, where one is needed.")
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
            "reconnect_backoff_max_ms": _RECONNECT_BACKOFF_MAX_MS,
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
            options |= {"sasl_mechanism": self.sasl_mechanism, **self._login_options()}
        return options

    def _login_options(self) -> dict[str, object]:
        if self.sasl_mechanism == "OAUTHBEARER":
            url, client_id, secret = self.sasl_oauth_token_url, self.sasl_oauth_client_id, self.sasl_oauth_client_secret
            if url is None or client_id is None or secret is None:
                raise ValueError("checked when the settings were read")
            provider = share_credentials(url, client_id, secret.get_secret_value(), self.sasl_oauth_scope)
            return {"sasl_oauth_token_provider": provider}
        return {
            "sasl_plain_username": self.sasl_username,
            "sasl_plain_password": self.sasl_password.get_secret_value() if self.sasl_password else None,
        }

    @field_validator("bootstrap_servers")
    @classmethod
    def _check_servers(cls, value: str) -> str:
        servers = [server.strip() for server in value.split(",") if server.strip()]
        for server in servers:
            if not _is_server(server):
                raise ValueError(f"{server!r} is no broker: it has the form host:port")
        if not servers:
            raise ValueError("it names no broker: it has the form host:port, separated by commas")
        return value

    @model_validator(mode="after")
    def _check_login(self) -> Self:
        """What the way to log in needs must be there: kafka-python meets the lack on each connection, in silence."""
        if self.security_protocol not in {"SASL_PLAINTEXT", "SASL_SSL"}:
            return self
        if self.sasl_mechanism is None:
            raise ValueError(f"KAFKA_SECURITY_PROTOCOL={self.security_protocol} needs KAFKA_SASL_MECHANISM")
        needed: tuple[str, ...] = ("sasl_username", "sasl_password")
        if self.sasl_mechanism == "OAUTHBEARER":
            needed = ("sasl_oauth_token_url", "sasl_oauth_client_id", "sasl_oauth_client_secret")
        missing = [f"KAFKA_{name.upper()}" for name in needed if not getattr(self, name)]
        if missing:
            raise ValueError(f"KAFKA_SASL_MECHANISM={self.sasl_mechanism} needs {', '.join(missing)}")
        return self


def read_kafka_settings() -> KafkaSettings:
    """The settings of this process's environment. Raises Terminal naming each wrong variable."""
    return read_settings(KafkaSettings, "Kafka", {})


def _is_server(text: str) -> bool:
    found = _SERVER.fullmatch(text)
    return found is not None and int(found["port"] or 1) in range(1, _LAST_PORT + 1)
