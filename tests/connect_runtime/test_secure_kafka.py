"""A cluster that asks who is there: every kind of client and a whole connector through each of its doors."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from connect_runtime.service import read_connector
from kafka_io.admin import create_topics, delete_topic, group_offsets
from kafka_io.consumer import make_consumer
from kafka_io.errors import KafkaRefused, KafkaUnavailable
from kafka_io.publisher import BoundedPublisher
from kafka_io.settings import KafkaSettings
from keypoints.topics import TopicSpec
from tests.connect_runtime.harness import OnKafka, Store, running, spec_for, wait_until
from tests.connect_runtime.test_behaviour import frames, new_group
from tests.kafka_io.secure_broker import SecureBroker, secure_broker
from tests.kafka_io.token_endpoint import CLIENT_ID, CLIENT_SECRET, TokenEndpoint, giving_tokens

pytestmark = [pytest.mark.servers, pytest.mark.long, pytest.mark.timeout(300)]

# Below kafka-python's 10 s of looking for a broker, which none of these refusals waits for.
SOON_S = 8.0


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecureBroker]:
    with secure_broker(tmp_path_factory.mktemp("secure-broker")) as running_broker:
        yield running_broker


@pytest.fixture(scope="module")
def endpoint() -> Iterator[TokenEndpoint]:
    with giving_tokens() as running_endpoint:
        yield running_endpoint


@pytest.fixture
def settings_for(broker: SecureBroker, endpoint: TokenEndpoint) -> Callable[[str], KafkaSettings]:
    def settings(door: str) -> KafkaSettings:
        oauth = {
            "sasl_oauth_token_url": endpoint.url,
            "sasl_oauth_client_id": CLIENT_ID,
            "sasl_oauth_client_secret": CLIENT_SECRET,
            "sasl_oauth_scope": "frames",
        }
        return {
            "TLS": lambda: broker.settings("TLS"),
            "mutual TLS": lambda: broker.settings("MTLS"),
            "PLAIN": lambda: broker.settings("LOGIN", sasl_mechanism="PLAIN"),
            "SCRAM": lambda: broker.settings("LOGIN", sasl_mechanism="SCRAM-SHA-512"),
            "SCRAM without TLS": lambda: broker.settings("PASSWORDS", sasl_mechanism="SCRAM-SHA-512"),
            "OAUTHBEARER": lambda: broker.settings("OAUTH", **oauth),
        }[door]()

    return settings


@pytest.mark.parametrize("door", ["TLS", "mutual TLS", "PLAIN", "SCRAM", "SCRAM without TLS", "OAUTHBEARER"])
def test_every_client_and_a_whole_connector_get_in(door: str, settings_for: Callable[[str], KafkaSettings]) -> None:
    settings = settings_for(door)
    topic, group, store = f"secure-{uuid.uuid4().hex[:8]}", new_group(), Store()
    assert create_topics(settings, [TopicSpec(topic, 2)]) == [topic]
    kafka = OnKafka(settings, lambda **_: topic)
    for partition in range(2):
        kafka.publish(topic, partition, frames(50))
    spec = spec_for(group, topic, store)
    with running(kafka, spec) as service:
        wait_until("all committed", lambda: group_offsets(settings, group, topic) == {0: 50, 1: 50})
    assert service.exit_code == 0
    assert store.offsets(topic, 0) == store.offsets(topic, 1) == list(range(50))
    assert read_connector(spec).name == group
    delete_topic(settings, topic)


def refused(settings: KafkaSettings) -> list[str]:
    """What each kind of client says that is refused; each in bounded time."""
    attempts: list[Callable[[], object]] = [
        lambda: create_topics(settings, [TopicSpec("never", 1)]),
        lambda: BoundedPublisher(settings),
        lambda: make_consumer(settings, "nobody"),
    ]
    told = []
    for attempt in attempts:
        began = time.monotonic()
        with pytest.raises(KafkaRefused) as caught:
            attempt()
        assert time.monotonic() - began < SOON_S
        assert caught.value.hint is not None
        assert "\n" not in caught.value.message
        told.append(caught.value.message)
    return told


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-512"])
def test_a_wrong_password_is_said_to_be_one_and_is_not_shown(broker: SecureBroker, mechanism: str) -> None:
    for told in refused(broker.settings("LOGIN", sasl_mechanism=mechanism, sasl_password="hunter2")):
        assert "Authentication failed" in told
        assert "hunter2" not in told


def test_a_mechanism_the_broker_does_not_have_is_refused(broker: SecureBroker) -> None:
    for told in refused(broker.settings("LOGIN", sasl_mechanism="SCRAM-SHA-256")):
        assert "UnsupportedSaslMechanismError" in told


def test_a_broker_of_another_authority_is_not_trusted(broker: SecureBroker) -> None:
    for told in refused(broker.settings("TLS", ssl_cafile=str(broker.other_ca))):
        assert f"the certificate of localhost:{broker.ports['TLS']} is not to be trusted" in told


def test_a_broker_that_wants_a_certificate_and_gets_none_says_so(broker: SecureBroker) -> None:
    for told in refused(broker.settings("TLS", bootstrap_servers=f"localhost:{broker.ports['MTLS']}")):
        assert "does not take our certificate" in told


def test_a_key_that_cannot_be_opened_is_named_and_its_password_is_not(broker: SecureBroker) -> None:
    for told in refused(broker.settings("MTLS", ssl_password="hunter2")):
        assert str(broker.client_key) in told
        assert "hunter2" not in told


def test_a_file_that_is_not_there_is_named(broker: SecureBroker, tmp_path: Path) -> None:
    for told in refused(broker.settings("TLS", ssl_cafile=str(tmp_path / "none.pem"))):
        assert "none.pem holds no authority's certificate: No such file" in told


def test_a_wrong_secret_at_the_token_endpoint_is_said_to_be_one(broker: SecureBroker, endpoint: TokenEndpoint) -> None:
    settings = broker.settings(
        "OAUTH", sasl_oauth_token_url=endpoint.url, sasl_oauth_client_id="ada", sasl_oauth_client_secret="hunter2"
    )
    assert refused(settings) == [f"{endpoint.url} gave ada no token: HTTP 401"] * 3


def test_a_token_endpoint_that_is_away_may_come_back(broker: SecureBroker) -> None:
    settings = broker.settings(
        "OAUTH",
        sasl_oauth_token_url="http://127.0.0.1:1/token",
        sasl_oauth_client_id="ada",
        sasl_oauth_client_secret="s",
    )
    with pytest.raises(KafkaUnavailable, match="no token from"):
        make_consumer(settings, "nobody")
