"""A database with messages in it, and couriers that carry them."""

import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from connect_runtime.retry import Backoff
from connect_runtime.sink import TopicPartition
from consumers.analytics.database import connect, migrate, transaction
from consumers.analytics.finding import Category, Finding, Phase
from consumers.analytics.reactions.courier import CourierOptions, WebhookCourier
from consumers.analytics.reactions.deliveries import enqueue_webhooks
from consumers.analytics.reactions.rule import Rule
from consumers.analytics.reactions.signing import find_routes
from consumers.analytics.results import Performance, ResultEvent, announce
from observability.metrics import CounterDef, Metrics
from tests.consumers.analytics.conftest import Rows, query
from tests.consumers.analytics.reactions.receiver import SECRET

PARTITION = TopicPartition("frames", 0)
MADE_US = 1_700_000_000_000_000


def fire(rule: Rule, number: int = 0, *, stream_id: str = "ada", at_us: int = MADE_US) -> ResultEvent:
    """The event of a rule that fired; another number is another one."""
    finding = Finding(
        category=Category.REACTION,
        kind=rule.name,
        subject="right",
        started_us=at_us - 1_000_000 + number,
        last_us=at_us + number,
        first_offset=number,
        last_offset=number + 30,
        confidence=0.9,
        observed=1.0,
        evidence={"kind": "thumbs_up", "seconds": 1.0},
        made_by=rule.version,
    )
    return announce(Performance(stream_id, 1, PARTITION.topic, PARTITION.partition), Phase.OCCURRED, finding)


@dataclass
class Office:
    """A database of messages and the couriers that share it."""

    database_url: str
    metrics: Metrics = field(default_factory=Metrics)
    couriers: list[WebhookCourier] = field(default_factory=list)

    def post(self, *events: ResultEvent) -> int:
        """Save messages, as the save of their results does. Returns how many are new."""
        engine = connect(self.database_url)
        try:
            with transaction(engine, "posting") as connection:
                return enqueue_webhooks(connection, PARTITION, events)
        finally:
            engine.dispose()

    def send_out(self, *rules: Rule, environment: dict[str, str] | None = None, **options: Any) -> WebhookCourier:
        """A courier that knows these rules, and tries again soon."""
        given = CourierOptions(
            **{"backoff": Backoff(0.02, 0.1), "look_s": 0.05, "answer_s": 5.0, "dice": random.Random(1), **options}
        )
        routes = find_routes(rules, environment or {"HOLISTIC_WEBHOOK_SECRET": SECRET})
        courier = WebhookCourier(connect(self.database_url), routes, self.metrics, given)
        self.couriers.append(courier)
        courier.start()
        return courier

    def query(self, statement: str) -> Rows:
        return query(self.database_url, statement)

    def states(self) -> dict[str, int]:
        """How many messages are in which state."""
        return {
            str(state): int(count)
            for state, count in self.query("SELECT state, count(*) FROM webhook_deliveries GROUP BY state")
        }

    def count(self, counter: CounterDef, rule: str) -> float | None:
        """What a metric says of a rule."""
        return self.metrics.registry.get_sample_value(f"{counter.name}_total", {"rule": rule})

    def await_states(self, **states: int) -> None:
        await_true(lambda: self.states() == states)


def await_true(is_so: Callable[[], bool], within_s: float = 15.0) -> None:
    """Ask until it is so."""
    deadline_s = time.monotonic() + within_s
    while not is_so():
        assert time.monotonic() < deadline_s, "did not come true in time"
        time.sleep(0.01)


@pytest.fixture
def office(make_database: Callable[[], str]) -> Iterator[Office]:
    url = make_database()
    engine = connect(url)
    migrate(engine)
    engine.dispose()
    made = Office(url)
    yield made
    for courier in made.couriers:
        assert courier.stop()
