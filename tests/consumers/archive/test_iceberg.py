"""The Iceberg table that follows the archive: what it holds, and how it is found, expired and read."""

from collections.abc import Callable
from contextlib import closing
from datetime import date
from pathlib import Path

import numpy as np
import orjson
import psycopg2
import pytest
from psycopg2 import sql
from pyiceberg.expressions import BooleanExpression, EqualTo

from consumers.archive.iceberg.catalog import IcebergCatalog
from consumers.archive.iceberg.errors import IcebergUnusable
from consumers.archive.iceberg.follower import FollowerOptions, follow_beside
from consumers.archive.iceberg.history import drop_history, drop_table, expire_snapshots
from consumers.archive.iceberg.listing import FollowedChain
from consumers.archive.iceberg.sync import read_followed
from consumers.archive.parquet.location import open_storage
from consumers.archive.postgres.connection import connect
from consumers.archive.postgres.retention import retire_days
from consumers.archive.postgres.roles import READER, WRITER
from consumers.archive.sql import ask_postgres
from keypoints.landmarks import Part
from observability.metrics import Metrics
from tests.consumers.archive.archived import Archived
from tests.consumers.archive.followed import HOUR_US, Followed, metadata_that_names
from tests.consumers.archive.made_frames import FRAME_US, NOON_US, make_batch
from tests.consumers.archive.postgres_under_test import wait_until
from tests.consumers.archive.s3_server import S3Server

pytestmark = [pytest.mark.servers]

DAY_US = 24 * HOUR_US


def test_whoever_has_the_table_to_itself_holds_up_no_retention(archived: Archived) -> None:
    archived.keep(make_batch(10, topic=archived.topic), archived.postgres())
    with (
        closing(IcebergCatalog(archived.database_url, open_storage(archived.root))) as catalog,
        closing(connect(archived.database_url, "retention")) as connection,
        catalog.alone(),
    ):
        assert retire_days(date(2100, 1, 1), NOON_US, connection).days


def test_the_table_holds_what_postgres_holds(archived: Archived) -> None:
    archived.keep(make_batch(500, topic=archived.topic, absent=(Part.FACE, Part.LEFT_HAND)))
    archived.keep(make_batch(250, topic=archived.topic, first_offset=500))
    assert orjson.loads(archived.run("iceberg", "sync", "--json"))["added_frames"] == 750
    catalog = IcebergCatalog(archived.database_url, open_storage(archived.root))
    table = catalog.find()
    assert table is not None
    kept = ("offset", "stream_id", "captured_at", "headers", "record_key", "pose.left_wrist.y", "face")
    read = table.scan(selected_fields=kept).to_arrow().sort_by("offset")
    catalog.close()
    question = 'SELECT "offset", stream_id, captured_at, pose[15 * 4 + 2], face IS NULL FROM frames ORDER BY 1'
    with ask_postgres(archived.database_url, question) as answer:
        in_postgres = [(*row[:3], round(row[3], 5), row[4]) for row in answer.rows]
    in_table = [
        (
            row["offset"],
            row["stream_id"],
            row["captured_at"],
            round(row["pose"]["left_wrist"]["y"], 5),
            row["face"] is None,
        )
        for row in read.to_pylist()
    ]
    assert in_table == in_postgres
    assert len(in_table) == 750
    assert read.column("headers").to_pylist()[0][0]["name"] == "content-type"


def test_syncing_twice_commits_once(followed: Followed) -> None:
    followed.write(make_batch(100), make_batch(100, first_offset=100))
    first, second = followed.sync(), followed.sync()
    assert (first.added_files, first.added_frames, first.frames) == (2, 200, 200)
    assert (second.snapshot_id, second.added_files, second.frames) == (None, 0, 200)
    assert len(followed.table().snapshots()) == 1
    assert followed.offsets() == list(range(200))


def test_an_archive_without_files_has_a_table_without_rows(followed: Followed) -> None:
    assert followed.sync().snapshot_id is None
    assert followed.table().scan().count() == 0


def test_a_snapshot_says_how_far_it_follows_each_partition(followed: Followed) -> None:
    followed.write(make_batch(100), make_batch(100, first_offset=100))
    followed.sync()
    # The claim is entry 0.
    assert read_followed(followed.table()) == {"test@id-of-test/00000": FollowedChain(entry=2, next_offset=200)}


def test_files_that_were_merged_and_files_that_came_are_one_commit(followed: Followed) -> None:
    followed.write(*(make_batch(20, first_offset=20 * number) for number in range(5)))
    followed.sync()
    followed.compact()
    followed.write(make_batch(20, first_offset=100))
    report = followed.sync()
    assert (report.removed_files, report.added_files) == (5, 2)
    assert len(followed.table().snapshots()) == 2
    assert followed.files() == followed.listed()
    assert followed.offsets() == list(range(120))


def test_merged_files_are_said_to_be_in_the_tables_order(followed: Followed) -> None:
    followed.write(*(make_batch(20, first_offset=20 * number) for number in range(3)))
    followed.sync()
    order = followed.table().sort_order().order_id
    assert [task.file.sort_order_id for task in followed.table().scan().plan_files()] == [None] * 3
    followed.compact()
    followed.sync()
    assert [task.file.sort_order_id for task in followed.table().scan().plan_files()] == [order]


def test_a_day_and_a_stream_are_found_without_opening_other_files(followed: Followed) -> None:
    for day in range(4):
        for stream in range(3):
            batch = make_batch(30, first_offset=day * 90 + stream * 30, starts_at_us=NOON_US + day * DAY_US)
            batch.stream_id[:] = f"performer-{stream}"
            followed.write(batch)
    followed.sync()

    def count_files(row_filter: str) -> int:
        return len(list(followed.table().scan(row_filter=row_filter).plan_files()))

    one_day = "captured_at >= '2026-09-22T00:00:00+00:00' AND captured_at < '2026-09-23T00:00:00+00:00'"
    assert count_files("offset >= 0") == 12
    assert count_files(one_day) == 3
    assert count_files("stream_id = 'performer-1'") == 4
    assert count_files(f"{one_day} AND stream_id = 'performer-1'") == 1
    assert followed.offsets(row_filter=f"{one_day} AND stream_id = 'performer-1'") == list(range(120, 150))


@pytest.mark.parametrize("at_us", [0, -1, -DAY_US - 1, NOON_US + 365 * DAY_US], ids=["1970", "1969", "before", "later"])
def test_frames_of_odd_times_are_found_by_their_time(followed: Followed, at_us: int) -> None:
    at_one_time = [make_batch(1, first_offset=offset, starts_at_us=at_us - offset * FRAME_US) for offset in range(2)]
    followed.write(*at_one_time, make_batch(1, first_offset=2))
    followed.sync()
    moment = (np.datetime64(0, "us") + np.timedelta64(at_us, "us")).astype(str)
    assert followed.offsets(row_filter=f"captured_at = '{moment}+00:00'") == [0, 1]
    followed.compact()
    assert followed.sync().removed_files == 2
    assert followed.offsets(row_filter=f"captured_at = '{moment}+00:00'") == [0, 1]
    assert followed.files() == followed.listed()


@pytest.mark.parametrize("name", ["äöü/Ω 🎭", "a'b\"c", "../..", "x" * 512, "𝔘" * 512], ids=len)
def test_streams_of_odd_names_are_found_by_them(followed: Followed, name: str) -> None:
    batch = make_batch(4)
    batch.stream_id[2] = name
    followed.write(batch, make_batch(4, first_offset=4))
    followed.sync()
    assert followed.offsets(row_filter=equals("stream_id", name)) == [2]


@pytest.mark.long
def test_many_small_commits_leave_few_manifests(followed: Followed) -> None:
    for number in range(25):
        followed.write(make_batch(2, first_offset=2 * number))
        assert followed.sync().added_files == 1
    snapshot = followed.table().current_snapshot()
    assert snapshot is not None
    assert len(snapshot.manifests(followed.table().io)) < 20
    assert followed.offsets() == list(range(50))


def test_expiring_leaves_the_rows_and_takes_the_history(followed: Followed) -> None:
    for number in range(4):
        followed.write(make_batch(10, first_offset=10 * number))
        followed.sync()
    third = followed.table().snapshots()[2]
    report = expire_snapshots(followed.catalog, third.timestamp_ms * 1000)
    assert report is not None
    assert (report.expired_snapshots, report.snapshots) == (2, 2)
    assert report.removed_metadata_files > 0
    assert followed.offsets() == list(range(40))
    assert followed.offsets(snapshot_id=third.snapshot_id) == list(range(30))


def test_of_an_erased_stream_the_table_keeps_not_a_word(followed: Followed) -> None:
    followed.write(make_batch(50), make_batch(50, first_offset=50))
    followed.sync()
    followed.table().manage_snapshots().create_tag(followed.table().snapshots()[0].snapshot_id, "before").commit()
    assert metadata_that_names(followed, "performer-4")
    followed.erase("performer-4")
    report = drop_history(followed.location, followed.database_url)
    assert report is not None
    assert report.snapshots == 1
    assert metadata_that_names(followed, "performer-4") == []
    assert metadata_that_names(followed, "performer-3")
    assert followed.offsets() == [offset for offset in range(100) if offset % 5 != 4]
    assert followed.files() == followed.listed()
    # It is followed on from there.
    followed.write(make_batch(50, first_offset=100))
    assert followed.sync().added_files == 1


def test_where_no_table_is_there_is_no_history_and_none_is_made(followed: Followed) -> None:
    assert drop_history(followed.location, followed.database_url) is None
    assert expire_snapshots(followed.catalog, 0) is None
    with psycopg2.connect(followed.database_url) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT to_regnamespace('iceberg')")
        assert cursor.fetchall() == [(None,)]
    connection.close()


def test_an_archive_that_moved_is_followed_after_a_rebuild(followed: Followed, tmp_path: Path) -> None:
    followed.write(make_batch(10))
    followed.sync()
    followed.close()
    (tmp_path / "archive").rename(tmp_path / "elsewhere")
    moved = Followed(tmp_path / "elsewhere", followed.database_url)
    with pytest.raises(IcebergUnusable, match=r"is missing"):
        moved.sync()
    drop_table(moved.catalog)
    assert moved.sync().added_frames == 10
    assert moved.offsets() == list(range(10))
    assert moved.files() == moved.listed()
    moved.close()


def test_an_archive_in_a_bucket_is_followed_there(s3: S3Server, make_database: Callable[[], str]) -> None:
    followed = Followed(f"s3://{s3.make_bucket()}/deep/inside", make_database())
    followed.write(*(make_batch(20, first_offset=20 * number) for number in range(3)))
    assert followed.sync().added_files == 3
    followed.compact()
    assert followed.sync().removed_files == 3
    assert followed.offsets() == list(range(60))
    assert drop_history(followed.location, followed.database_url) is not None
    assert followed.offsets() == list(range(60))
    followed.close()


def test_old_snapshots_go_by_themselves(followed: Followed) -> None:
    for number in range(3):
        followed.write(make_batch(10, first_offset=10 * number))
        followed.sync()
    with follow_beside(followed.database_url, followed.location, Metrics(), FollowerOptions(keep_s=0)):
        wait_until(lambda: len(followed.table().snapshots()) == 1)
    assert followed.offsets() == list(range(30))


@pytest.mark.parametrize("role", [READER, WRITER])
def test_who_may_read_or_write_the_archive_may_do_so_here(archived: Archived, role: str) -> None:
    archived.keep(make_batch(10, topic=archived.topic))
    archived.run("iceberg", "sync")
    with closing(psycopg2.connect(archived.database_url)) as connection, connection.cursor() as cursor:
        cursor.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(role)))
        cursor.execute("SELECT catalog_name, table_namespace, table_name FROM iceberg.iceberg_tables")
        assert cursor.fetchall() == [("archive", "holistic", "frames")]
        may_write = "SELECT has_table_privilege('iceberg.iceberg_tables', 'UPDATE')"
        cursor.execute(may_write)
        assert cursor.fetchall() == [(role == WRITER,)]


def test_people_see_what_the_table_holds(archived: Archived) -> None:
    assert "holistic iceberg sync" in archived.run("iceberg", "show", expected_code=1)
    archived.keep(make_batch(100, topic=archived.topic), archived.parquet())
    assert "100 frames in the table: 1 files added" in archived.run("iceberg", "sync")
    assert "it holds everything already" in archived.run("iceberg", "sync")
    assert "archive.holistic.frames" in archived.run("iceberg", "show")
    shown = orjson.loads(archived.run("iceberg", "show", "--json"))
    assert (shown["frames"], shown["files"], shown["snapshots"]) == (100, 1, 1)
    assert [followed["next_offset"] for followed in shown["followed"].values()] == [100]
    assert "jdbc:postgresql://" in shown["jdbc_url"]
    assert orjson.loads(archived.run("iceberg", "expire", "--older-than", "0s", "--json"))["snapshots"] == 1
    assert "no duration" in archived.run("iceberg", "expire", "--older-than", "soon", expected_code=2)


def equals(column: str, value: str) -> BooleanExpression:
    """A filter for text no filter in words could quote."""
    make: Callable[..., BooleanExpression] = EqualTo
    return make(column, value)
