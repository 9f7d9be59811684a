"""A broker of a test's own that asks its clients who they are: TLS, mutual TLS, PLAIN, SCRAM and OAUTHBEARER."""

from __future__ import annotations

import random
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import trustme
from cryptography.hazmat.primitives import serialization

from kafka_io.settings import KafkaSettings
from local_stack.artifacts import fetch_artifacts
from local_stack.kafka_broker import find_java
from local_stack.layout import default_cache_dir
from local_stack.ports import is_listening, pick_port
from local_stack.progress import SilentProgress

USER, PASSWORD = "ada", "open-sesame"
KEY_PASSWORD = "rosebud"
_START_TIMEOUT_S = 90.0
_LISTENERS = ("PLAINTEXT", "CONTROLLER", "TLS", "MTLS", "LOGIN", "PASSWORDS", "OAUTH")


@dataclass(frozen=True)
class SecureBroker:
    """Where the listeners are, and the files a client needs."""

    directory: Path
    ports: dict[str, int] = field(default_factory=dict)

    @property
    def ca(self) -> Path:
        return self.directory / "ca.pem"

    @property
    def other_ca(self) -> Path:
        """An authority that signed nothing of this broker's."""
        return self.directory / "other-ca.pem"

    @property
    def client_cert(self) -> Path:
        return self.directory / "client-cert.pem"

    @property
    def client_key(self) -> Path:
        """Locked with KEY_PASSWORD."""
        return self.directory / "client-key.pem"

    def settings(self, listener: str, **given: object) -> KafkaSettings:
        """Settings for one of the listeners: TLS, MTLS, LOGIN (SASL over TLS), PASSWORDS (SASL without), OAUTH."""
        usual: dict[str, dict[str, object]] = {
            "TLS": {"security_protocol": "SSL"},
            "MTLS": {
                "security_protocol": "SSL",
                "ssl_certfile": str(self.client_cert),
                "ssl_keyfile": str(self.client_key),
                "ssl_password": KEY_PASSWORD,
            },
            "LOGIN": {"security_protocol": "SASL_SSL", "sasl_username": USER, "sasl_password": PASSWORD},
            "PASSWORDS": {"security_protocol": "SASL_PLAINTEXT", "sasl_username": USER, "sasl_password": PASSWORD},
            "OAUTH": {"security_protocol": "SASL_SSL", "sasl_mechanism": "OAUTHBEARER"},
        }
        address = f"localhost:{self.ports[listener]}"
        options = {"bootstrap_servers": address, "ssl_cafile": str(self.ca), **usual[listener], **given}
        return KafkaSettings(**options)  # type: ignore[arg-type]


@contextmanager
def secure_broker(
    directory: Path, users: Mapping[str, str] = {USER: PASSWORD}, extra: Mapping[str, str] = {}
) -> Iterator[SecureBroker]:
    """A broker for the length of the block, its data and certificates in `directory`.

    `users` and their passwords are known to LOGIN and PASSWORDS, by SCRAM the first of them only; `extra` are further
    settings of the broker.
    """
    broker = SecureBroker(directory, _pick_ports())
    _write_certificates(broker)
    settings_file = directory / "server.properties"
    settings = {**_broker_settings(broker, users), **extra}
    settings_file.write_text("".join(f"{name}={value}\n" for name, value in settings.items()), encoding="ascii")
    jars = fetch_artifacts("kafka", default_cache_dir(), SilentProgress())
    java = [str(find_java()), "-Xmx384m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"]
    java += ["-cp", ":".join(jar.name for jar in jars)]
    user, password = next(iter(users.items()))
    scram = f"SCRAM-SHA-512=[name={user},password={password}]"
    format_storage = [*java, "kafka.tools.StorageTool", "format", "--cluster-id=c2VjdXJlLWJyb2tlci0x", "--add-scram"]
    subprocess.run(
        [*format_storage, scram, "--config", str(settings_file)],
        cwd=jars[0].parent, check=True, capture_output=True, timeout=_START_TIMEOUT_S,
    )  # fmt: skip
    log = directory / "broker.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*java, "kafka.Kafka", str(settings_file)], cwd=jars[0].parent, stdout=output, stderr=subprocess.STDOUT
        )
    try:
        _wait_until_listening(broker, process, log)
        yield broker
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _pick_ports() -> dict[str, int]:
    rng = random.Random()
    ports: dict[str, int] = {}
    for name in _LISTENERS:
        ports[name] = pick_port(rng, tuple(ports.values()))
    return ports


def _broker_settings(broker: SecureBroker, users: Mapping[str, str]) -> dict[str, str]:
    addresses = {name: f"{name}://localhost:{port}" for name, port in broker.ports.items()}
    modules = "org.apache.kafka.common.security"
    logins = " ".join(f'user_{user}="{password}"' for user, password in users.items())
    return {
        "process.roles": "broker,controller",
        "node.id": "1",
        "controller.listener.names": "CONTROLLER",
        "inter.broker.listener.name": "PLAINTEXT",
        "controller.quorum.voters": f"1@localhost:{broker.ports['CONTROLLER']}",
        "listeners": ",".join(addresses.values()),
        "advertised.listeners": ",".join(address for name, address in addresses.items() if name != "CONTROLLER"),
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,TLS:SSL,MTLS:SSL,LOGIN:SASL_SSL,"
        "PASSWORDS:SASL_PLAINTEXT,OAUTH:SASL_SSL",
        "log.dirs": str(broker.directory / "data"),
        "auto.create.topics.enable": "false",
        "offsets.topic.replication.factor": "1",
        "offsets.topic.num.partitions": "2",
        "transaction.state.log.replication.factor": "1",
        "transaction.state.log.min.isr": "1",
        "group.initial.rebalance.delay.ms": "0",
        "log.cleaner.dedupe.buffer.size": str(16 * 1024 * 1024),
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": str(broker.directory / "broker.pem"),
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": str(broker.ca),
        "listener.name.mtls.ssl.client.auth": "required",
        **{
            f"listener.name.{name}.{setting}": value
            for name in ("login", "passwords")
            for setting, value in (
                ("sasl.enabled.mechanisms", "PLAIN,SCRAM-SHA-512"),
                (
                    "plain.sasl.jaas.config",
                    f"{modules}.plain.PlainLoginModule required {logins};",
                ),
                ("scram-sha-512.sasl.jaas.config", f"{modules}.scram.ScramLoginModule required;"),
            )
        },
        "listener.name.oauth.sasl.enabled.mechanisms": "OAUTHBEARER",
        "listener.name.oauth.oauthbearer.sasl.jaas.config": (
            f'{modules}.oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub="broker";'
        ),
    }


def _write_certificates(broker: SecureBroker) -> None:
    authority, stranger = trustme.CA(), trustme.CA()
    authority.cert_pem.write_to_path(str(broker.ca))
    stranger.cert_pem.write_to_path(str(broker.other_ca))
    server = authority.issue_cert("localhost", "127.0.0.1")
    chain = b"".join(part.bytes() for part in server.cert_chain_pems)
    (broker.directory / "broker.pem").write_bytes(_as_pkcs8(server.private_key_pem.bytes(), None) + chain)
    client = authority.issue_cert("ada@example.org")
    broker.client_cert.write_bytes(b"".join(part.bytes() for part in client.cert_chain_pems))
    broker.client_key.write_bytes(_as_pkcs8(client.private_key_pem.bytes(), KEY_PASSWORD.encode()))


def _as_pkcs8(pem: bytes, password: bytes | None) -> bytes:
    """The only form of a key that Kafka reads."""
    key = serialization.load_pem_private_key(pem, None)
    locked: serialization.KeySerializationEncryption = serialization.NoEncryption()
    if password is not None:
        locked = serialization.BestAvailableEncryption(password)
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, locked)


def _wait_until_listening(broker: SecureBroker, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _START_TIMEOUT_S
    while not all(is_listening(port) for port in broker.ports.values()):
        told = log.read_text(encoding="utf-8", errors="replace")[-3000:]
        assert process.poll() is None, f"the broker ended: {told}"
        assert time.monotonic() < deadline, f"the broker did not start: {told}"
        time.sleep(0.2)
