"""Servers of one's own, named by the environment, instead of the ones that come with the project."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from kafka_io.admin import create_topics
from kafka_io.settings import KafkaSettings
from keypoints.errors import HolisticError, Terminal
from keypoints.topics import SUITE_TOPICS
from local_stack.errors import ServersUnusable
from local_stack.layout import Endpoints, Layout
from local_stack.plan import DATABASE, read_plan

_CONNECT_TIMEOUT_S = 10


def external_servers(data_dir: Path, environment: Mapping[str, str] = os.environ) -> Endpoints | None:
    """The servers that KAFKA_BOOTSTRAP_SERVERS and DATABASE_URL name; None when neither is set.

    None too when they are what `holistic up --export` said of this data directory's own stack, which may be down by
    now. Raises Terminal when only one of the two is set: more likely a slip than a wish.
    """
    bootstrap_servers = environment.get("KAFKA_BOOTSTRAP_SERVERS")
    database_url = environment.get("DATABASE_URL")
    if not bootstrap_servers and not database_url:
        return None
    if not bootstrap_servers or not database_url:
        missing = "DATABASE_URL" if bootstrap_servers else "KAFKA_BOOTSTRAP_SERVERS"
        raise Terminal(
            f"{missing} is not set, its sister is",
            hint="set both to use servers of your own, or neither to start the local stack",
            variable=missing,
        )
    layout = Layout(data_dir.expanduser().absolute())
    plan = read_plan(layout)
    if plan is not None and plan.database_url(layout, DATABASE) == database_url:
        return None
    return Endpoints(bootstrap_servers, database_url, environment.get("SCHEMA_REGISTRY_URL"), layout.data_dir)


def prepare_servers(endpoints: Endpoints, kafka: KafkaSettings) -> list[str]:
    """Check that both servers answer, create the suite's topics where they are missing, and return their names.

    Raises ServersUnusable for a Postgres that does not answer; Kafka's errors say themselves what they mean.
    """
    check_database(endpoints.database_url)
    try:
        return create_topics(kafka, SUITE_TOPICS)
    except HolisticError as error:
        error.fields.setdefault("server", endpoints.kafka_bootstrap_servers)
        raise


def check_database(database_url: str) -> None:
    """Connect once. Raises ServersUnusable, without the password, when it does not answer or refuses us."""
    import psycopg2

    try:
        psycopg2.connect(database_url, connect_timeout=_CONNECT_TIMEOUT_S).close()
    except psycopg2.Error as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[-1]
        raise ServersUnusable(
            f"Postgres of DATABASE_URL does not let us in: {reason}",
            hint="is it up, and are host, port, user and password in DATABASE_URL right?",
            server="postgres",
        ) from None
