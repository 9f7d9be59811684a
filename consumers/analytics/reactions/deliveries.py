"""Messages to receivers in Postgres: written with the results they tell of, and kept as a record of what was sent."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import orjson
from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    DateTime,
    Engine,
    Integer,
    LargeBinary,
    Table,
    Text,
    Uuid,
    and_,
    delete,
    func,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import insert

from connect_runtime.sink import TopicPartition
from consumers.analytics.database import transaction
from consumers.analytics.finding import Category
from consumers.analytics.results import ResultEvent, as_time
from consumers.analytics.tables import METADATA

KEPT_DAYS: Final = 30
EVENT_TYPE: Final = "rule.fired"

webhooks: Final = Table(
    "webhooks",
    METADATA,
    Column("event_id", Uuid, primary_key=True),
    Column("topic", Text, nullable=False),
    Column("partition", Integer, nullable=False),
    Column("stream_id", Text, nullable=False),
    Column("rule", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("started_at", DateTime(timezone=True), nullable=False),
    Column("made_at", DateTime(timezone=True), nullable=False),
    Column("queued_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("attempts", Integer, nullable=False),
    Column("first_tried_at", DateTime(timezone=True)),
    Column("next_attempt_at", DateTime(timezone=True)),
    Column("delivered_at", DateTime(timezone=True)),
    Column("failed_at", DateTime(timezone=True)),
    Column("expired_at", DateTime(timezone=True)),
    Column("last_error", Text),
)

_SETTLED: Final = (webhooks.c.delivered_at, webhooks.c.failed_at, webhooks.c.expired_at)
# A lane is a rule and how many of its messages there is room for: a receiver that is slow holds up no other.
_CLAIM: Final = text("""
    WITH due AS MATERIALIZED (
        SELECT chosen.event_id
        FROM unnest(CAST(:rules AS text[]), CAST(:rooms AS integer[])) AS lane (rule, room)
        CROSS JOIN LATERAL (
            SELECT event_id FROM analytics.webhooks
            WHERE rule = lane.rule
              AND delivered_at IS NULL AND failed_at IS NULL AND expired_at IS NULL
              AND (next_attempt_at IS NULL OR next_attempt_at <= :now)
            ORDER BY next_attempt_at NULLS FIRST, queued_at, event_id
            LIMIT lane.room
            FOR UPDATE SKIP LOCKED
        ) AS chosen
    )
    UPDATE analytics.webhooks AS claimed
    SET attempts = attempts + 1, first_tried_at = coalesce(first_tried_at, :now), next_attempt_at = :until
    FROM due WHERE claimed.event_id = due.event_id
    RETURNING claimed.event_id, rule, body, attempts, first_tried_at
""")


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message that is being delivered."""

    event_id: uuid.UUID
    rule: str
    body: bytes
    attempts: int
    """This one included."""
    first_tried_s: float
    """Seconds since 1970."""


def enqueue_webhooks(connection: Connection, partition: TopicPartition, events: Sequence[ResultEvent]) -> int:
    """Write what rules that fired have to tell, within the transaction that saves them. Returns how much is new.

    An event is told once, however often it is worked out again.
    """
    rows = [_make_row(partition, event) for event in events if event.result.finding.category is Category.REACTION]
    if not rows:
        return 0
    return connection.execute(insert(webhooks).values(rows).on_conflict_do_nothing()).rowcount


class DeliveryStore:
    """What couriers do with the messages. Times are seconds since 1970.

    Each call is one transaction, and raises StoreUnavailable (Transient) or StoreRefused (Terminal).
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def claim(self, rooms: Mapping[str, int], now_s: float, until_s: float) -> list[Delivery]:
        """Take messages that are due, by rule no more than there is room for.

        They are this courier's alone until `until_s`; then they are due again, for it may have died.
        """
        lanes = {"rules": list(rooms), "rooms": list(rooms.values()), "now": _at(now_s), "until": _at(until_s)}
        with transaction(self._engine, "taking webhook messages to be sent") as connection:
            rows = connection.execute(_CLAIM, lanes).all()
        return [
            Delivery(row.event_id, row.rule, bytes(row.body), row.attempts, row.first_tried_at.timestamp())
            for row in rows
        ]

    def expire(self, expires_us: Mapping[str, int], now_s: float) -> dict[str, int]:
        """Give up what is older than its rule (by name) lets it be. Returns how many, by rule."""
        expired = {}
        if expires_us:
            with transaction(self._engine, "passing over webhook messages that are too old") as connection:
                for rule, age_us in expires_us.items():
                    too_old = webhooks.c.made_at < _at(now_s) - timedelta(microseconds=age_us)
                    is_meant = (webhooks.c.rule == rule) & _is_due(now_s) & too_old
                    done = connection.execute(update(webhooks).where(is_meant).values(expired_at=_at(now_s)))
                    expired[rule] = done.rowcount
        return expired

    def note_delivered(self, event_id: uuid.UUID, now_s: float) -> None:
        """Its receiver took it."""
        self._settle(event_id, delivered_at=_at(now_s), next_attempt_at=None)

    def note_failed(self, event_id: uuid.UUID, now_s: float, error: str) -> None:
        """It is given up."""
        self._settle(event_id, failed_at=_at(now_s), next_attempt_at=None, last_error=error)

    def put_off(self, event_id: uuid.UUID, until_s: float, error: str) -> None:
        """It is tried again later."""
        self._settle(event_id, next_attempt_at=_at(until_s), last_error=error)

    def abandon(self, rules: Sequence[str], queued_before_s: float, now_s: float) -> int:
        """Give up messages that are due and of none of these rules: nobody says any more where they are to go.

        Another courier may know rules this one does not, so it has until then to send them.
        """
        is_meant = webhooks.c.rule.not_in(rules) & _is_due(now_s) & (webhooks.c.queued_at < _at(queued_before_s))
        with transaction(self._engine, "giving up webhook messages without a rule") as connection:
            given_up = update(webhooks).where(is_meant).values(failed_at=_at(now_s), last_error="its rule is gone")
            return connection.execute(given_up).rowcount

    def prune(self, now_s: float) -> int:
        """Drop what was settled more than KEPT_DAYS ago."""
        with transaction(self._engine, "dropping old webhook messages") as connection:
            return connection.execute(
                delete(webhooks).where(func.coalesce(*_SETTLED) < _at(now_s) - timedelta(days=KEPT_DAYS))
            ).rowcount

    def count_pending(self) -> int:
        """How many are still to be delivered."""
        with transaction(self._engine, "counting webhook messages") as connection:
            return connection.execute(select(func.count()).select_from(webhooks).where(_is_open())).scalar_one()

    def _settle(self, event_id: uuid.UUID, **values: Any) -> None:
        # One that another courier has settled meanwhile stays as it is.
        with transaction(self._engine, "noting what became of a webhook message") as connection:
            connection.execute(update(webhooks).where((webhooks.c.event_id == event_id) & _is_open()).values(**values))


def make_body(event: ResultEvent) -> bytes:
    """What a receiver is told: the event as docs/gesture-events.md has it, the rule, and when it fired."""
    told = orjson.loads(event.encode_json())
    return orjson.dumps({"type": EVENT_TYPE, "timestamp": told["ended_at"], "rule": told["kind"], **told})


def _make_row(partition: TopicPartition, event: ResultEvent) -> dict[str, Any]:
    finding = event.result.finding
    return {
        "event_id": event.event_id,
        "topic": partition.topic,
        "partition": partition.partition,
        "stream_id": event.result.performance.stream_id,
        "rule": finding.kind,
        "body": make_body(event),
        "started_at": as_time(finding.started_us),
        "made_at": as_time(finding.last_us),
        "attempts": 0,
    }


def _is_open() -> ColumnElement[bool]:
    return and_(*(column.is_(None) for column in _SETTLED))


def _is_due(now_s: float) -> ColumnElement[bool]:
    return _is_open() & func.coalesce(webhooks.c.next_attempt_at <= _at(now_s), True)


def _at(time_s: float) -> datetime:
    return datetime.fromtimestamp(time_s, UTC)
