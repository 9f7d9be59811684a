"""What every room's tests share: the real servers, topics and databases of their own, the recorded data, and the tools.

Set KAFKA_BOOTSTRAP_SERVERS and DATABASE_URL to run against servers that are up already; otherwise one local stack is
started for the whole run, in a directory of its own, and stopped at the end.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from xdist.scheduler import LoadScopeScheduling

    from kafka_io.settings import KafkaSettings
    from local_stack import Endpoints

REPOSITORY = Path(__file__).resolve().parents[1]
KEPT_WHOLE = ("tests/deploy/", "tests/docs/", "tests/producer_service/page/")
"""Rooms whose tests share what is dear to make (images, a filled workshop, a browser): one worker has all of one."""

# Made examples are about what is right, not how soon: a machine that stands still for a moment is no counterexample.
settings.register_profile("holistic", deadline=None)
settings.load_profile("holistic")


def in_ci() -> bool:
    """Whether a missing tool is a failure (continuous integration) rather than a reason to skip."""
    return os.environ.get("HOLISTIC_CI", "") not in ("", "0")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling:
    """What `-n 2` gives each worker at a time: the tests of a file, or of a room that is kept whole."""
    from xdist.scheduler import LoadScopeScheduling

    class RoomByRoom(LoadScopeScheduling):  # type: ignore[misc]  # xdist says no types
        def _split_scope(self, nodeid: str) -> str:
            return name_scope(nodeid)

    # As they were collected: xdist would begin with the files of most tests, and end with the slowest.
    config.option.loadscopereorder = False
    return RoomByRoom(config, log)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Of several workers, have none end long after the others: what may take longest is begun first."""
    if not hasattr(config, "workerinput"):
        return
    expected_s: defaultdict[str, float] = defaultdict(float)
    for item in items:
        expected_s[name_scope(item.nodeid)] += guess_seconds(item)
    items.sort(key=lambda item: -expected_s[name_scope(item.nodeid)])


def name_scope(nodeid: str) -> str:
    """What is one worker's: the test's room where that is kept whole, else its file."""
    return next((room for room in KEPT_WHOLE if nodeid.startswith(room)), nodeid.partition("::")[0])


def guess_seconds(item: pytest.Item) -> float:
    """How long a test takes, as far as its marks say."""
    allowed = item.get_closest_marker("timeout")
    if item.get_closest_marker("long") or allowed is not None:
        return 10.0 if allowed is None else 0.1 * float(allowed.args[0])
    return 1.0 if item.get_closest_marker("servers") else 0.05


@pytest.fixture(scope="session")
def require_tool() -> Callable[[str], str]:
    """`require_tool("buildah")` gives the tool's path; without it the test is skipped by name, or fails in CI."""

    def find(name: str) -> str:
        path = shutil.which(name, path=os.environ.get("PATH", "") + os.pathsep + "/usr/sbin:/sbin")
        if path is not None:
            return path
        if in_ci():
            pytest.fail(f"{name} is not installed, and CI needs every tool")
        pytest.skip(f"needs {name}, which is not installed")

    return find


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The directory of recorded videos and pictures (HOLISTIC_SHARED_DATA, else ../shared/data beside the checkout)."""
    directory = Path(os.environ.get("HOLISTIC_SHARED_DATA") or REPOSITORY.parent / "shared" / "data")
    if not directory.is_dir():
        pytest.skip(f"needs the recorded data in {directory}")
    return directory


@pytest.fixture(scope="session")
def stack() -> Iterator[Endpoints]:
    """Real Kafka and Postgres: those of the environment, or one local stack for this run."""
    from local_stack import Endpoints, default_data_dir, start_stack, stop_stack

    bootstrap_servers = os.environ.get("KAFKA_BOOTSTRAP_SERVERS")
    database_url = os.environ.get("DATABASE_URL")
    if bootstrap_servers and database_url:
        yield Endpoints(bootstrap_servers, database_url, os.environ.get("SCHEMA_REGISTRY_URL"), default_data_dir())
        return
    data_dir = Path(tempfile.mkdtemp(prefix="holistic-tests-"))
    try:
        yield start_stack(data_dir)
    finally:
        stop_stack(data_dir)
        shutil.rmtree(data_dir, ignore_errors=True)


@pytest.fixture(scope="session")
def kafka_settings(stack: Endpoints) -> KafkaSettings:
    """Settings of every Kafka client of the tests."""
    from kafka_io.settings import KafkaSettings

    return KafkaSettings(bootstrap_servers=stack.kafka_bootstrap_servers, schema_registry_url=stack.schema_registry_url)


@pytest.fixture
def make_topic(kafka_settings: KafkaSettings) -> Iterator[Callable[..., str]]:
    """`make_topic(partitions=1, **configs)` makes a topic with a name of its own, deleted after the test.

    It keeps its records for ever: made frames are years old, and every five minutes the broker drops what may go.
    """
    from kafka_io.admin import create_topics, delete_topic
    from keypoints.topics import TopicSpec

    made: list[str] = []

    def make(partitions: int = 1, name: str = "test", **configs: str) -> str:
        topic = f"{name}-{uuid.uuid4().hex[:12]}"
        dotted = {"retention.ms": "-1"} | {key.replace("_", "."): value for key, value in configs.items()}
        create_topics(kafka_settings, [TopicSpec(topic, partitions, dotted)])
        made.append(topic)
        return topic

    yield make
    for topic in made:
        delete_topic(kafka_settings, topic)


@pytest.fixture
def make_database(stack: Endpoints) -> Iterator[Callable[[], str]]:
    """`make_database()` gives the URL of an empty database, dropped after the test."""
    import psycopg2
    from psycopg2 import sql

    made: list[str] = []

    def run(statement: str, database: str) -> None:
        connection = psycopg2.connect(stack.database_url)
        try:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(sql.SQL(statement).format(sql.Identifier(database)))
        finally:
            connection.close()

    def make() -> str:
        database = f"test_{uuid.uuid4().hex[:12]}"
        run("CREATE DATABASE {}", database)
        made.append(database)
        return stack.database_url.rpartition("/")[0] + f"/{database}"

    yield make
    for database in made:
        run("DROP DATABASE IF EXISTS {} WITH (FORCE)", database)
