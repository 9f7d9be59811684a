"""`holistic database`: the archive's tables looked after from a shell."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import orjson
import pytest

from connect_runtime.config import InvalidConfig
from consumers.archive.postgres.migrate import find_newest_revision
from consumers.archive.settings import RETENTION_DAYS
from tests.consumers.archive.made_frames import make_batch
from tests.consumers.archive.postgres_under_test import DAY_US, ask, open_sink, run

pytestmark = pytest.mark.servers

Holistic = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def database_url(make_database: Callable[[], str]) -> str:
    return make_database()


@pytest.fixture
def holistic(database_url: str) -> Holistic:
    environment = {**os.environ, "DATABASE_URL": database_url}
    environment.pop("KAFKA_BOOTSTRAP_SERVERS", None)

    def call(*words: str) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-m", "holistic_cli", "database", *words]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

    return call


def test_migrating_is_done_once_and_said(holistic: Holistic) -> None:
    newest = find_newest_revision()
    before = holistic("status", "--json")
    assert (before.returncode, orjson.loads(before.stdout)["revision"]) == (1, None)
    first, second = holistic("migrate", "--json"), holistic("migrate", "--json")
    assert (first.returncode, orjson.loads(first.stdout)) == (0, {"before": None, "after": newest, "without": []})
    assert (second.returncode, orjson.loads(second.stdout)["before"]) == (0, newest)
    assert holistic("status").returncode == 0
    assert "nothing to do" in holistic("migrate").stdout


def test_old_days_are_shown_and_only_then_removed(holistic: Holistic, database_url: str) -> None:
    holistic("migrate")
    now_us = time.time_ns() // 1000
    old = str(datetime.fromtimestamp(now_us / 1e6, UTC).date() - timedelta(days=400))
    with open_sink(database_url, now_us=lambda: now_us) as sink:
        sink.put(make_batch(10, starts_at_us=now_us - 400 * DAY_US))
        sink.put(make_batch(3, first_offset=10, starts_at_us=0))
        sink.put(make_batch(4, first_offset=13, starts_at_us=now_us))
        sink.flush()
    run(database_url, "UPDATE frames_out_of_range SET archived_at = archived_at - interval '2 days'")
    shown = orjson.loads(holistic("retire", "--keep-days", "3", "--json").stdout)
    assert shown == {"executed": False, "days": [old], "rows_out_of_range": 0}
    assert ask(database_url, "SELECT count(*) FROM frames") == [(17,)]
    done = orjson.loads(holistic("retire", "--keep-days", "3", "--execute", "--json").stdout)
    assert done == {"executed": True, "days": [old], "rows_out_of_range": 3}
    found = orjson.loads(holistic("status", "--json").stdout)
    assert (found["frames_retired"], found["rows_out_of_range"], len(found["days"])) == (13, 0, 3)
    assert ask(database_url, "SELECT count(*) FROM frames") == [(4,)]


def test_a_database_that_is_away_is_said_in_a_sentence(holistic: Holistic, database_url: str) -> None:
    gone = subprocess.run(
        [sys.executable, "-m", "holistic_cli", "database", "status"],
        env={**os.environ, "DATABASE_URL": "postgresql://a@127.0.0.1:1/b"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert gone.returncode == 1
    assert "connecting to Postgres" in gone.stderr
    assert "Traceback" not in gone.stderr


@pytest.mark.parametrize(
    ("text", "says"), [("0", "at least 1, or -1"), ("-2", "at least 1, or -1"), ("a week", "type INT")]
)
def test_a_retention_that_means_nothing_is_refused(text: str, says: str) -> None:
    from connect_runtime.config import read_config

    with pytest.raises(InvalidConfig, match=says) as refused:
        read_config({"name": "a", "topics": "b", "retention.days": text}, [RETENTION_DAYS])
    assert (refused.value.fields["key"], refused.value.fields["value"]) == ("retention.days", text)
