"""Who needs what of a Kafka cluster: one principal for each service, the topics and groups it uses, and no others.

Derived from the names in `keypoints.topics`. Kafka lets whoever may read or write a topic, or read a group, describe
it as well; the settings of a topic are a right of their own, which publishers need so as not to send what is refused.
No service uses transactions, so nobody is given a transactional id.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from consumers.analytics.settings import CONNECTOR_NAME as ANALYTICS
from consumers.archive.settings import PARQUET_CONNECTOR, POSTGRES_CONNECTOR
from consumers.avatar.settings import CONNECTOR_NAME as AVATAR
from keypoints.topics import (
    AVATAR_ROLES_TOPIC,
    CONNECT_CONFIGS_TOPIC,
    CONNECT_STATUS_TOPIC,
    FORGOTTEN_TOPIC,
    GAPS_TOPIC,
    GESTURE_TOPIC,
    IMAGES_TOPIC,
    SCHEMAS_TOPIC,
    SUITE_TOPICS,
    TRACKING_TOPIC,
    dead_letter_topic,
    retry_topic,
)

IMAGES: Final = "images"
IMAGES_GROUP: Final = "holistic-images"
CONNECTORS: Final = (POSTGRES_CONNECTOR, PARQUET_CONNECTOR, ANALYTICS, AVATAR)


class Kind(StrEnum):
    """What a right is on, by the names of `kafka-acls`."""

    TOPIC = "topic"
    GROUP = "group"


class Operation(StrEnum):
    """What may be done, by the names of `kafka-acls`."""

    READ = "Read"
    WRITE = "Write"
    CREATE = "Create"
    DELETE = "Delete"
    DESCRIBE = "Describe"
    DESCRIBE_CONFIGS = "DescribeConfigs"


@dataclass(frozen=True, slots=True)
class Grant:
    """Operations on one topic or group, or on all whose name begins so, and what for."""

    kind: Kind
    name: str
    operations: tuple[Operation, ...]
    why: str
    is_prefix: bool = False


@dataclass(frozen=True, slots=True)
class Account:
    """A principal of the cluster: its short name, who logs in as it, and all it may do."""

    name: str
    who: str
    grants: tuple[Grant, ...]


def _read(topic: str, why: str) -> Grant:
    return Grant(Kind.TOPIC, topic, (Operation.READ,), why)


def _publish(topic: str, why: str) -> Grant:
    return Grant(Kind.TOPIC, topic, (Operation.WRITE, Operation.DESCRIBE_CONFIGS), why)


def _follow_and_write(topic: str, why: str) -> Grant:
    return Grant(Kind.TOPIC, topic, (Operation.READ, Operation.WRITE, Operation.DESCRIBE_CONFIGS), why)


def _own_group(group: str) -> Grant:
    return Grant(
        Kind.GROUP, group, (Operation.READ, Operation.DELETE), "joins and commits; resets offsets asked for over REST"
    )


def _run_connectors(*connectors: str) -> Iterator[Grant]:
    """What the runtime needs for these connectors, whatever their sinks do."""
    settings = (Operation.READ, Operation.DESCRIBE_CONFIGS)
    yield Grant(Kind.TOPIC, TRACKING_TOPIC, settings, "reads frames; makes room for the largest among dead letters")
    yield _read(SCHEMAS_TOPIC, "looks up writers' schemas")
    yield _follow_and_write(CONNECT_CONFIGS_TOPIC, "replicas agree on settings and pauses")
    yield _follow_and_write(CONNECT_STATUS_TOPIC, "replicas say how they are")
    yield _read(FORGOTTEN_TOPIC, "keeps forgotten streams out")
    yield _publish(GAPS_TOPIC, "puts on record what retention took")
    for connector in connectors:
        yield _own_group(connector)
        yield Grant(
            Kind.TOPIC,
            retry_topic(connector),
            (Operation.READ, Operation.CREATE, Operation.DESCRIBE_CONFIGS),
            "reads what was redriven to it; makes the topic",
        )
        yield Grant(
            Kind.TOPIC,
            dead_letter_topic(connector),
            (Operation.WRITE, Operation.CREATE, Operation.DESCRIBE_CONFIGS),
            "sends its dead letters; makes the topic",
        )


def _make_suite_topics() -> Iterator[Grant]:
    for spec in SUITE_TOPICS:
        yield Grant(
            Kind.TOPIC, spec.name, (Operation.CREATE, Operation.DESCRIBE), "makes the topic where it is missing"
        )


_READER: Final = (
    *(_read(spec.name, "looks") for spec in SUITE_TOPICS if spec.name != IMAGES_TOPIC),
    Grant(Kind.TOPIC, IMAGES_TOPIC, (Operation.DESCRIBE,), "reads offsets and lag; no picture"),
    Grant(Kind.TOPIC, dead_letter_topic(""), (Operation.READ,), "lists and shows dead letters", is_prefix=True),
    *(_read(retry_topic(connector), "counts attempts") for connector in CONNECTORS),
    *(Grant(Kind.GROUP, connector, (Operation.DESCRIBE,), "reads offsets and lag") for connector in CONNECTORS),
    Grant(Kind.GROUP, IMAGES_GROUP, (Operation.DESCRIBE,), "reads offsets and lag"),
)

_OPERATOR: Final = (
    *_READER,
    *(
        Grant(Kind.TOPIC, spec.name, (Operation.DESCRIBE_CONFIGS,), "reads limits and retention")
        for spec in SUITE_TOPICS
    ),
    _publish(FORGOTTEN_TOPIC, "`holistic forget`: enters a stream"),
    _publish(AVATAR_ROLES_TOPIC, "`holistic forget`: takes a face at rest away; `holistic backup restore`"),
    _publish(SCHEMAS_TOPIC, "`holistic restore`: puts the schema where readers look; `holistic backup restore`"),
    _publish(CONNECT_CONFIGS_TOPIC, "`holistic backup restore`: what connectors are set to"),
    _publish(GAPS_TOPIC, "`holistic backup restore`: what retention took"),
    *_make_suite_topics(),
    Grant(
        Kind.TOPIC,
        dead_letter_topic(""),
        (Operation.WRITE, Operation.DELETE, Operation.DESCRIBE_CONFIGS),
        "`holistic forget`: removes records, and publishes again what others need",
        is_prefix=True,
    ),
    *(
        Grant(
            Kind.TOPIC,
            retry_topic(connector),
            (Operation.WRITE, Operation.CREATE, Operation.DELETE, Operation.DESCRIBE_CONFIGS),
            "`holistic dlq redrive`; `holistic forget` removes records",
        )
        for connector in CONNECTORS
    ),
    Grant(
        Kind.TOPIC,
        f"{TRACKING_TOPIC}-",
        (Operation.READ, Operation.WRITE, Operation.CREATE, Operation.DESCRIBE_CONFIGS),
        "`holistic restore`: a topic beside the live one",
        is_prefix=True,
    ),
    *(
        Grant(
            Kind.GROUP,
            connector,
            (Operation.READ, Operation.DELETE),
            "`holistic replay`: moves the group; groups of bounded replays begin with its name",
            is_prefix=True,
        )
        for connector in CONNECTORS
    ),
)

ACCOUNTS: Final[tuple[Account, ...]] = (
    Account("holistic-topics", "`python -m kafka_io.topics`, once", tuple(_make_suite_topics())),
    Account(
        "holistic-producer",
        "the producer: files, cameras, uploads, gRPC",
        (
            _follow_and_write(TRACKING_TOPIC, "publishes frames; reads its own when it goes on where it was killed"),
            _publish(SCHEMAS_TOPIC, "announces its schema"),
        ),
    ),
    Account(
        "holistic-images",
        "the producer as a reader of the topic of images",
        (
            Grant(
                Kind.TOPIC,
                IMAGES_TOPIC,
                (Operation.READ, Operation.DESCRIBE_CONFIGS),
                "reads images; makes room for the largest among dead letters",
            ),
            _own_group(IMAGES_GROUP),
            _follow_and_write(TRACKING_TOPIC, "publishes frames; looks which images had theirs before a crash"),
            _publish(SCHEMAS_TOPIC, "announces its schema"),
            Grant(
                Kind.TOPIC,
                dead_letter_topic(IMAGES),
                (Operation.WRITE, Operation.CREATE, Operation.DESCRIBE_CONFIGS),
                "sends its dead letters; makes the topic",
            ),
        ),
    ),
    Account(
        "holistic-archive",
        "the archive",
        (
            *_run_connectors(POSTGRES_CONNECTOR, PARQUET_CONNECTOR),
            # A frame made of an image is kept under the image's identity, which holds the id of its topic.
            Grant(Kind.TOPIC, IMAGES_TOPIC, (Operation.DESCRIBE,), "learns the topic's id; no picture"),
        ),
    ),
    Account(
        "holistic-analytics",
        "the analytics",
        (*_run_connectors(ANALYTICS), _publish(GESTURE_TOPIC, "publishes events")),
    ),
    Account(
        "holistic-avatar",
        "the avatars",
        (*_run_connectors(AVATAR), _follow_and_write(AVATAR_ROLES_TOPIC, "roles, and faces at rest")),
    ),
    Account(
        "holistic-watch",
        "the live feed and its page",
        (
            _read(GESTURE_TOPIC, "sends events on"),
            _read(TRACKING_TOPIC, "draws skeletons"),
            _read(SCHEMAS_TOPIC, "looks up writers' schemas"),
        ),
    ),
    Account("holistic-reader", "people who look: audit, record, dlq list, forget without --execute", _READER),
    Account("holistic-operator", "people who change: replay, redrive, restore, forget", _OPERATOR),
)


@dataclass(frozen=True, slots=True, order=True)
class Right:
    """One operation of one principal on one thing; what the cluster keeps as one rule."""

    principal: str
    kind: Kind
    name: str
    is_prefix: bool
    operation: Operation


def list_rights(accounts: Iterable[Account], principals: dict[str, str] | None = None) -> list[Right]:
    """Every right there is to be, once, in a fixed order.

    `principals` says what the cluster calls an account, where that is not `User:` and its name: with mutual TLS it is
    `User:` and the certificate's subject.
    """
    called = principals or {}
    return sorted(
        {
            Right(called.get(account.name, f"User:{account.name}"), grant.kind, grant.name, grant.is_prefix, operation)
            for account in accounts
            for grant in account.grants
            for operation in grant.operations
        }
    )
