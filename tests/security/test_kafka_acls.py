"""Every service does its whole job as its own principal of a cluster that lets nobody do anything else."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
import urllib.request
import uuid
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import psycopg2
import pytest
from sqlalchemy import make_url

from connect_runtime.forgetting.ledger import read_forgotten, write_forgotten
from connect_runtime.redrive import Choice, execute_redrive, plan_redrive, read_dead_letters, read_past
from consumers.archive.audit import audit_archive
from consumers.archive.backup.record import SavedRecord
from consumers.archive.backup.topics import restore_topics, save_topics
from consumers.archive.postgres.roles import WRITER as ARCHIVE_WRITER
from consumers.archive.sql import ask_parquet, ask_postgres
from demo.packets import PacketCounter
from demo.performance import play_performance
from demo.services import Service, ServiceProcesses
from deploy.security.grants import ACCOUNTS, IMAGES_GROUP, list_rights
from deploy.security.kafka_acls import apply_rights, compare_rights
from deploy.security.postgres_roles import WRITER as ANALYTICS_WRITER
from deploy.security.postgres_roles import apply_roles
from kafka_io.admin import create_topics, delete_topic, group_lag, group_offsets, topic_end_offsets
from kafka_io.errors import KafkaRefused
from kafka_io.group_offsets import move_group
from kafka_io.publisher import BoundedPublisher
from kafka_io.settings import KafkaSettings
from kafka_io.topics import create_suite_topics
from kafka_io.whole_topic import read_whole_topic
from keypoints.errors import HolisticError
from keypoints.topics import (
    AVATAR_ROLES_TOPIC,
    CONNECT_CONFIGS_TOPIC,
    CONNECT_STATUS_TOPIC,
    FORGOTTEN_TOPIC,
    GESTURE_TOPIC,
    IMAGES_TOPIC,
    SCHEMAS_TOPIC,
    TRACKING_TOPIC,
    TopicSpec,
    dead_letter_topic,
    frame_headers,
    retry_topic,
)
from producer_service.settings import ProducerSettings
from tests.conftest import REPOSITORY
from tests.kafka_io.secure_broker import SecureBroker, secure_broker
from tests.producer_service.made_media import draw_quarters, encode_picture

pytestmark = [pytest.mark.servers, pytest.mark.long, pytest.mark.timeout(300)]

ADMIN = "root"
PASSWORDS = {ADMIN: uuid.uuid4().hex, **{account.name: uuid.uuid4().hex for account in ACCOUNTS}}
CONSUMING = ("archive-postgres", "archive-parquet", "analytics", "avatar")
NOTHING_BUT_RUBBISH = b"no frame at all"


@dataclass
class Guarded:
    """A cluster with rights, and a database with roles."""

    broker: SecureBroker
    database_url: str
    logins: list[str] = field(default_factory=list)

    def kafka(self, account: str) -> KafkaSettings:
        return log_in_as(account, self.broker)

    def environment(self, account: str) -> dict[str, str]:
        return {
            "KAFKA_BOOTSTRAP_SERVERS": f"localhost:{self.broker.ports['LOGIN']}",
            "KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
            "KAFKA_SASL_MECHANISM": "PLAIN",
            "KAFKA_SASL_USERNAME": account,
            "KAFKA_SASL_PASSWORD": PASSWORDS[account],
            "KAFKA_SSL_CAFILE": str(self.broker.ca),
        }

    def log_in(self, role: str) -> str:
        name = f"test_{uuid.uuid4().hex[:12]}"
        self.run(f"CREATE ROLE {name} LOGIN PASSWORD 'secret' IN ROLE {role}")
        self.logins.append(name)
        return make_url(self.database_url).set(username=name, password="secret").render_as_string(False)

    def run(self, statement: str) -> None:
        connection = psycopg2.connect(self.database_url)
        with connection, connection.cursor() as cursor:
            cursor.execute(statement)
        connection.close()


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecureBroker]:
    rules = {
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "allow.everyone.if.no.acl.found": "false",
        # The broker itself comes in by its plain listener, as nobody.
        "super.users": f"User:ANONYMOUS;User:{ADMIN}",
    }
    with secure_broker(tmp_path_factory.mktemp("guarded-broker"), PASSWORDS, rules) as running_broker:
        apply_rights(log_in_as(ADMIN, running_broker), list_rights(ACCOUNTS))
        yield running_broker


@pytest.fixture
def guarded(broker: SecureBroker, make_database: Callable[[], str]) -> Iterator[Guarded]:
    made = Guarded(broker, make_database())
    create_suite_topics(made.kafka("holistic-topics"), None, 30.0)
    yield made
    for name in made.logins:
        made.run(f"DROP OWNED BY {name}; DROP ROLE {name}")


@pytest.fixture(scope="module")
def something_to_read(broker: SecureBroker) -> None:
    """An empty topic is not fetched from, and so nobody is refused."""
    create_suite_topics(log_in_as(ADMIN, broker), None, 30.0)
    for topic in (TRACKING_TOPIC, IMAGES_TOPIC):
        publish(log_in_as(ADMIN, broker), topic, NOTHING_BUT_RUBBISH)


def log_in_as(account: str, broker: SecureBroker) -> KafkaSettings:
    return broker.settings("LOGIN", sasl_mechanism="PLAIN", sasl_username=account, sasl_password=PASSWORDS[account])


def wait_until(what: str, reached: Callable[[], bool], services: ServiceProcesses | None = None) -> None:
    deadline = time.monotonic() + 60
    while not reached():
        assert time.monotonic() < deadline, f"not within a minute: {what}"
        if services is not None:
            services.check()
        threading.Event().wait(0.2)


def publish(kafka: KafkaSettings, topic: str, value: bytes | None, key: bytes = b"somebody") -> None:
    """Publish one record, or raise what the cluster said."""
    failures: list[HolisticError] = []
    with BoundedPublisher(
        kafka, on_delivery=lambda one: failures.append(one.error) if one.error is not None else None
    ) as publisher:
        publisher.publish(topic, key, value, frame_headers() if topic == TRACKING_TOPIC else ())
    if failures:
        raise failures[0]


@contextmanager
def looking_at_images(guarded: Guarded) -> Iterator[None]:
    """The service that reads the topic of images, with a landmarker that needs no model."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.producer_service.image_topic.member"],
        env={**os.environ, **guarded.environment("holistic-images"), "HOLISTIC_IMAGES_HTTP_PORT": "0"},
        cwd=REPOSITORY,
        stdout=subprocess.DEVNULL,
    )
    try:
        yield
    finally:
        process.terminate()
        assert process.wait(60) == 0


def test_each_service_does_its_whole_job_as_itself(guarded: Guarded, tmp_path: Path) -> None:
    apply_roles(guarded.database_url)
    admin, reader = guarded.kafka(ADMIN), guarded.kafka("holistic-reader")
    archive_dir = tmp_path / "archive"
    with PacketCounter() as packets:
        services = ServiceProcesses(
            [
                Service(
                    "consumers.archive",
                    guarded.environment("holistic-archive")
                    | {
                        "DATABASE_URL": guarded.log_in(ARCHIVE_WRITER),
                        "HOLISTIC_ARCHIVE_DIR": str(archive_dir),
                        "HOLISTIC_ARCHIVE_PARQUET_CONFIG": '{"rotate.interval.ms": 500}',
                    },
                ),
                Service(
                    "consumers.analytics",
                    guarded.environment("holistic-analytics") | {"DATABASE_URL": guarded.log_in(ANALYTICS_WRITER)},
                ),
                Service(
                    "consumers.avatar",
                    guarded.environment("holistic-avatar") | {"HOLISTIC_VMC_TARGETS": packets.target},
                ),
                Service("consumers.analytics.feed", guarded.environment("holistic-watch"), "watch"),
            ],
            tmp_path / "logs",
        )
        with services:
            produce_a_file(guarded, tmp_path)
            publish(guarded.kafka("holistic-producer"), TRACKING_TOPIC, NOTHING_BUT_RUBBISH)
            with looking_at_images(guarded):
                publish(admin, IMAGES_TOPIC, encode_picture(draw_quarters(), "JPEG"))
                publish(admin, IMAGES_TOPIC, NOTHING_BUT_RUBBISH)
                play_performance("ada", ProducerSettings(), guarded.kafka("holistic-producer"), (), threading.Event())
                wait_until(
                    "images committed",
                    lambda: group_offsets(reader, IMAGES_GROUP, IMAGES_TOPIC) == topic_end_offsets(admin, IMAGES_TOPIC),
                )
            for group in CONSUMING:
                wait_until(
                    f"{group} has caught up",
                    lambda group=group: not any(group_lag(reader, group, TRACKING_TOPIC).values()),  # type: ignore[misc]
                    services,
                )
            wait_until("an event", lambda: any(topic_end_offsets(reader, GESTURE_TOPIC).values()), services)
            told = f"{services.address('watch')}/v1/events?recent=10"
            with urllib.request.urlopen(told, timeout=20) as answer:
                wait_until("the feed tells of ada", lambda: b"ada" in answer.readline())
            assert set(services.stop().values()) == {0}
    frames = sum(topic_end_offsets(reader, TRACKING_TOPIC).values()) - 1
    assert frames > 240
    with ask_postgres(guarded.database_url, "SELECT count(*) FROM frames") as rows:
        assert list(rows.rows) == [(frames,)]
    with ask_parquet(archive_dir, "SELECT count(*) FROM frames") as rows:
        assert list(rows.rows) == [(frames,)]
    assert packets.packets > 100
    for connector in (*CONSUMING, "images"):
        assert [letter.value for letter in read_dead_letters(reader, dead_letter_topic(connector))] == [
            NOTHING_BUT_RUBBISH
        ], connector
    logs = "".join(path.read_text(errors="replace") for path in (tmp_path / "logs").iterdir())
    assert "Authorization" not in logs
    audited = audit_archive(
        reader,
        TRACKING_TOPIC,
        database_url=guarded.database_url,
        archive_root=archive_dir,
        dead_letter_topics={store: dead_letter_topic(f"archive-{store}") for store in ("postgres", "parquet")},
    )
    assert audited.clean, audited
    operate(guarded)


def produce_a_file(guarded: Guarded, tmp_path: Path) -> None:
    """Through the producer's program, which reads its own frames back when it was killed before."""
    picture = tmp_path / "red.jpg"
    picture.write_bytes(encode_picture(draw_quarters(), "JPEG"))
    program = [sys.executable, "-m", "tests.producer_service.progress.program", str(picture)]
    environment = {**os.environ, **guarded.environment("holistic-producer"), "HOLISTIC_STATE_DIR": str(tmp_path)}
    done = subprocess.run(
        program, env=environment, cwd=REPOSITORY, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr


def operate(guarded: Guarded) -> None:
    """What people change: redrive, replay's part in Kafka, the ledger of forgotten streams, and a backup put back."""
    operator, choice = guarded.kafka("holistic-operator"), Choice()
    letters = read_dead_letters(operator, dead_letter_topic("analytics"))
    planned = plan_redrive(letters, read_past(operator, "analytics", letters), choice)
    assert execute_redrive(operator, "analytics", planned, choice) == 1
    assert [record.value for record in read_whole_topic(operator, retry_topic("analytics"))] == [NOTHING_BUT_RUBBISH]
    move_group(operator, "avatar", {(TRACKING_TOPIC, 0): 0})
    assert group_offsets(operator, "avatar", TRACKING_TOPIC)[0] == 0
    write_forgotten(operator, "ada", None, 1)
    assert read_forgotten(guarded.kafka("holistic-archive")).holds("ada", 0, 0)
    lost = SavedRecord(b64encode(b"lost").decode(), b64encode(b"{}").decode(), (), int(time.time() * 1000))
    saved = {name: (*records, lost) for name, records in save_topics(operator).items()}
    assert restore_topics(operator, saved) == dict.fromkeys(saved, 1)


Attempt = Callable[[KafkaSettings], object]


def writes(topic: str) -> Attempt:
    return lambda kafka: publish(kafka, topic, b"{}")


def reads(topic: str) -> Attempt:
    return lambda kafka: list(read_whole_topic(kafka, topic))


def moves(group: str) -> Attempt:
    return lambda kafka: move_group(kafka, group, {(TRACKING_TOPIC, 0): 0})


def creates(topic: str) -> Attempt:
    return lambda kafka: create_topics(kafka, [TopicSpec(topic, 1)])


def deletes(topic: str) -> Attempt:
    return lambda kafka: delete_topic(kafka, topic)


REFUSED: dict[str, dict[str, Attempt]] = {
    "holistic-topics": {"read frames": reads(TRACKING_TOPIC), "write frames": writes(TRACKING_TOPIC)},
    "holistic-producer": {
        "read events": reads(GESTURE_TOPIC),
        "read images": reads(IMAGES_TOPIC),
        "write events": writes(GESTURE_TOPIC),
        "write settings": writes(CONNECT_CONFIGS_TOPIC),
        "move the archive": moves("archive-postgres"),
        "make a topic": creates("mine"),
    },
    "holistic-images": {
        "write images": writes(IMAGES_TOPIC),
        "read events": reads(GESTURE_TOPIC),
        "read roles": reads(AVATAR_ROLES_TOPIC),
    },
    "holistic-archive": {
        "read images": reads(IMAGES_TOPIC),
        "write frames": writes(TRACKING_TOPIC),
        "write events": writes(GESTURE_TOPIC),
        "write the ledger": writes(FORGOTTEN_TOPIC),
        "move the analytics": moves("analytics"),
        "read another's letters": reads(dead_letter_topic("analytics")),
    },
    "holistic-analytics": {
        "write frames": writes(TRACKING_TOPIC),
        "read images": reads(IMAGES_TOPIC),
        "read roles": reads(AVATAR_ROLES_TOPIC),
        "move the archive": moves("archive-postgres"),
    },
    "holistic-avatar": {
        "write frames": writes(TRACKING_TOPIC),
        "write events": writes(GESTURE_TOPIC),
        "write schemas": writes(SCHEMAS_TOPIC),
        "delete frames": deletes(TRACKING_TOPIC),
    },
    "holistic-watch": {
        "write events": writes(GESTURE_TOPIC),
        "write frames": writes(TRACKING_TOPIC),
        "read images": reads(IMAGES_TOPIC),
        "read who is forgotten": reads(FORGOTTEN_TOPIC),
        "move the analytics": moves("analytics"),
    },
    "holistic-reader": {
        "write frames": writes(TRACKING_TOPIC),
        "read images": reads(IMAGES_TOPIC),
        "write the ledger": writes(FORGOTTEN_TOPIC),
        "move the archive": moves("archive-postgres"),
        "delete events": deletes(GESTURE_TOPIC),
    },
    "holistic-operator": {
        "write frames": writes(TRACKING_TOPIC),
        "read images": reads(IMAGES_TOPIC),
        "delete frames": deletes(TRACKING_TOPIC),
        "write events": writes(GESTURE_TOPIC),
        "say how services are": writes(CONNECT_STATUS_TOPIC),
    },
}


def find_refusal(attempt: Attempt, kafka: KafkaSettings) -> str:
    """What the cluster said; "allowed" where it let it happen. Whoever is refused is told what to look at."""
    try:
        attempt(kafka)
    except KafkaRefused as refused:
        return f"{refused.message} {refused.hint}"
    return "allowed"


@pytest.mark.parametrize("account", [account.name for account in ACCOUNTS])
@pytest.mark.usefixtures("something_to_read")
def test_nobody_does_what_is_not_theirs(guarded: Guarded, account: str) -> None:
    told = {what: find_refusal(attempt, guarded.kafka(account)) for what, attempt in REFUSED[account].items()}
    assert all("Authorization" in message and "kafka_acls" in message for message in told.values()), told
    # Refused for want of a right, and not because there is nothing: the administrator may.
    assert topic_end_offsets(guarded.kafka(ADMIN), GESTURE_TOPIC)


def test_a_right_too_many_is_seen_and_taken_back(guarded: Guarded) -> None:
    admin, wanted = guarded.kafka(ADMIN), list_rights(ACCOUNTS)
    assert compare_rights(admin, wanted).missing == ()
    fewer = [
        right for right in wanted if not (right.principal == "User:holistic-watch" and right.name == SCHEMAS_TOPIC)
    ]
    assert [acl.resource_pattern.resource_name for acl in compare_rights(admin, fewer).extra] == [SCHEMAS_TOPIC]
    apply_rights(admin, fewer, prune=True)
    watcher = guarded.kafka("holistic-watch")
    refused = partial(find_refusal, lambda kafka: list(read_whole_topic(kafka, SCHEMAS_TOPIC)), watcher)
    wait_until("the broker goes by what its controller has taken", lambda: refused() != "allowed")
    assert [right.name for right in apply_rights(admin, wanted).missing] == [SCHEMAS_TOPIC]
    wait_until("given again", lambda: (found := compare_rights(admin, wanted)).missing == found.extra == ())


def test_nobody_but_a_super_user_changes_rights(guarded: Guarded) -> None:
    for account in ACCOUNTS:
        with pytest.raises(KafkaRefused):
            apply_rights(guarded.kafka(account.name), list_rights(ACCOUNTS))
