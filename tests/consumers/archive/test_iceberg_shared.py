"""The Iceberg table while others are at it too, or die: each frame is in it once."""

import logging
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import orjson
import psycopg2
import pytest
from psycopg2 import sql

from connect_runtime.retry import Surroundings
from consumers.archive.iceberg.catalog import IcebergCatalog
from consumers.archive.iceberg.follower import FAILURES, FRAMES_BEHIND, LAST_SYNC_S, FollowerOptions, follow_beside
from consumers.archive.iceberg.history import drop_history, expire_snapshots
from consumers.archive.parquet.location import open_storage
from local_stack import Endpoints
from observability.metrics import Metrics
from tests.consumers.archive.conftest import Archive
from tests.consumers.archive.followed import Followed, metadata_that_names
from tests.consumers.archive.made_frames import make_batch, publish
from tests.consumers.archive.postgres_under_test import wait_until

pytestmark = [pytest.mark.servers]


def test_killed_in_the_middle_of_a_commit_nothing_is_there_twice(followed: Followed) -> None:
    followed.write(make_batch(50))
    followed.sync()
    followed.write(make_batch(50, first_offset=50))
    with followed.commits_held_up() as held_up:
        process = followed.start_sync()
        wait_until(lambda: held_up.count() == 1)
        process.kill()
        process.communicate()
    assert followed.offsets() == list(range(50))
    assert followed.sync().added_files == 1
    assert followed.sync().snapshot_id is None
    assert followed.offsets() == list(range(100))
    assert followed.files() == followed.listed()


def test_of_two_who_commit_at_once_one_wins_and_the_other_looks_again(followed: Followed) -> None:
    followed.write(make_batch(50))
    followed.sync()
    followed.write(make_batch(50, first_offset=50), make_batch(50, first_offset=100))
    with ThreadPoolExecutor() as pool:
        with followed.commits_held_up() as held_up:
            commits = [followed.start_sync(), followed.start_sync()]
            wait_until(lambda: held_up.count() == 2)
        answers = list(pool.map(lambda process: process.communicate(timeout=60), commits))
    assert [process.returncode for process in commits] == [0, 0], answers
    added = sorted(orjson.loads(out)["added_files"] for out, _ in answers)
    assert added == [0, 2]
    assert len(followed.table().snapshots()) == 2
    assert followed.offsets() == list(range(150))


@pytest.mark.long
def test_one_who_is_stopped_in_the_middle_holds_nobody_up_and_adds_nothing_later(followed: Followed) -> None:
    followed.write(make_batch(50))
    followed.sync()
    followed.write(make_batch(50, first_offset=50))
    with followed.commits_held_up() as held_up:
        zombie = followed.start_sync()
        wait_until(lambda: held_up.count() == 1)
        zombie.send_signal(signal.SIGSTOP)
    followed.write(make_batch(50, first_offset=100))
    assert followed.sync().added_files == 2
    zombie.send_signal(signal.SIGCONT)
    out, _ = zombie.communicate(timeout=60)
    assert zombie.returncode == 1 or orjson.loads(out)["added_files"] == 0
    assert followed.sync().snapshot_id is None
    assert followed.offsets() == list(range(150))
    assert len(followed.table().snapshots()) == 2


def test_one_who_merges_while_another_commits_leaves_each_frame_once(followed: Followed) -> None:
    followed.write(make_batch(20))
    followed.sync()
    followed.write(make_batch(20, first_offset=20))
    with followed.commits_held_up() as held_up:
        before = followed.start_sync()
        wait_until(lambda: held_up.count() == 1)
        followed.compact()
        after = followed.start_sync()
        wait_until(lambda: held_up.count() == 2)
    for process in (before, after):
        assert process.communicate(timeout=60)[0], process.returncode
    followed.sync()
    assert followed.offsets() == list(range(40))
    assert followed.files() == followed.listed()


def test_what_is_unfinished_is_not_swept_while_it_is_committed(followed: Followed) -> None:
    followed.write(make_batch(50))
    followed.sync()
    followed.write(make_batch(50, first_offset=50))
    with ThreadPoolExecutor() as pool:
        with followed.commits_held_up() as held_up:
            process = followed.start_sync()
            wait_until(lambda: held_up.count() == 1)
            expiring = pool.submit(expire_snapshots, followed.catalog, 2**62)
            wait_until(held_up.is_waited_for)
        assert process.communicate(timeout=60)[0], process.returncode
        expired = expiring.result(60)
    assert expired is not None
    assert expired.expired_snapshots == 1
    assert followed.offsets() == list(range(100))


def test_a_file_that_was_erased_while_it_was_added_leaves_with_its_history(followed: Followed) -> None:
    followed.write(make_batch(50))
    followed.sync()
    only_one = make_batch(10, first_offset=50)
    only_one.stream_id[:] = "performer-9"
    followed.write(only_one)
    with ThreadPoolExecutor() as pool:
        with followed.commits_held_up() as held_up:
            process = followed.start_sync()
            wait_until(lambda: held_up.count() == 1)
            followed.erase("performer-9")
            dropping = pool.submit(drop_history, followed.location, followed.database_url)
            wait_until(held_up.is_waited_for)
        assert process.communicate(timeout=60)[0], process.returncode
        assert dropping.result(60) is not None
    assert followed.offsets() == list(range(50))
    assert metadata_that_names(followed, "performer-9") == []


def test_what_others_do_to_the_table_is_undone(followed: Followed) -> None:
    followed.write(make_batch(10), make_batch(10, first_offset=10))
    followed.sync()
    with followed.table().transaction() as transaction, transaction.update_snapshot().overwrite() as snapshot:
        snapshot.delete_data_file(next(iter(followed.table().scan().plan_files())).file)
    assert followed.table().scan().count() == 10
    assert followed.sync().added_frames == 10
    assert followed.offsets() == list(range(20))


@pytest.mark.long
def test_the_service_keeps_the_table_in_step_and_is_done_when_it_stops(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOLISTIC_ARCHIVE_ICEBERG", "true")
    monkeypatch.setenv("HOLISTIC_ARCHIVE_ICEBERG_INTERVAL_S", "0.5")
    now_us = time.time_ns() // 1000
    publish(archive.kafka, archive.topic, make_batch(500, starts_at_us=now_us))
    replicas = [archive.start(), archive.start()]
    with closing(IcebergCatalog(archive.database_url, open_storage(archive.root))) as catalog:

        def count_rows() -> int:
            table = catalog.find()
            return 0 if table is None else table.scan().count()

        archive.wait_until(lambda: count_rows() == 500)
        archive.wait_until(lambda: "holistic_iceberg_frames_behind 0.0" in replicas[0].metrics())
        publish(archive.kafka, archive.topic, make_batch(500, first_offset=500, starts_at_us=now_us))
        archive.wait_until_caught_up()
        for replica in replicas:
            replica.send_signal(signal.SIGTERM)
            assert replica.wait() == 0
        assert count_rows() == 1000
        assert archive.audit().clean


def test_while_postgres_is_away_it_is_said_once_and_seen_how_far_the_table_is_behind(
    followed: Followed, stack: Endpoints, caplog: pytest.LogCaptureFixture
) -> None:
    followed.write(make_batch(30))
    metrics = Metrics()
    surroundings = Surroundings()
    caplog.set_level(logging.INFO, logger="consumers.archive.iceberg.follower")
    with (
        closing(psycopg2.connect(stack.database_url)) as admin,
        follow_beside(
            followed.database_url, followed.location, metrics, FollowerOptions(interval_s=0.1, around=surroundings)
        ),
    ):
        wait_until(lambda: read(metrics, LAST_SYNC_S.name) > 0)
        admin.autocommit = True
        database = followed.database_url.rpartition("/")[2]
        with admin.cursor() as cursor:
            allow = sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS {}")
            cursor.execute(allow.format(sql.Identifier(database), sql.SQL("false")))
            cursor.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (database,))
            followed.write(make_batch(20, first_offset=30))
            wait_until(lambda: read(metrics, FRAMES_BEHIND.name) == 20)
            wait_until(lambda: read(metrics, f"{FAILURES.name}_total") > 3)
            cursor.execute(allow.format(sql.Identifier(database), sql.SQL("true")))
        wait_until(lambda: read(metrics, FRAMES_BEHIND.name) == 0)
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]
    assert followed.offsets() == list(range(50))


def read(metrics: Metrics, name: str) -> float:
    """A metric's value, 0 before it is there."""
    return metrics.registry.get_sample_value(name) or 0
