"""The disaster drill of docs/backup.md, on real servers."""

import shutil
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest

from consumers.archive.backup.topics import find_missing, list_keys, restore_topics, save_topics
from consumers.archive.sql import ask_parquet, ask_postgres
from kafka_io.admin import delete_topic
from kafka_io.publisher import BoundedPublisher
from kafka_io.settings import KafkaSettings
from kafka_io.whole_topic import read_whole_topic
from keypoints.topics import TopicSpec
from local_stack import Endpoints
from tests.consumers.archive.backup.dumped import dump, lose, restore
from tests.consumers.archive.conftest import STORES, Archive
from tests.consumers.archive.forgetting.forgettable import Trio, count_rows_naming, find_files_naming, run_cli
from tests.consumers.archive.made_frames import publish

pytestmark = [pytest.mark.servers, pytest.mark.timeout(400)]


def now_us() -> int:
    return time.time_ns() // 1000


def offsets_of(archive: Archive, store: str) -> list[tuple[int, int]]:
    """Who is there, in order; one that is there twice is named twice."""
    statement = 'SELECT "partition", "offset" FROM frames ORDER BY 1, 2'
    asked = (
        ask_postgres(archive.database_url, statement)
        if store == "postgres"
        else ask_parquet(archive.location, statement)
    )
    with asked as answer:
        return [(int(partition), int(offset)) for partition, offset in answer.rows]


@pytest.mark.long
def test_both_stores_are_lost_and_come_back_without_the_forgotten_stream_and_without_doubles(
    archive: Archive, stack: Endpoints, tmp_path: Path
) -> None:
    trio = Trio()
    backup, dumped = tmp_path / "backup", tmp_path / "archive.dump"
    publish(archive.kafka, archive.topic, trio.make(600, starts_at_us=now_us() - 90_000_000))
    process = archive.start()
    archive.wait_until_caught_up()
    archive.wait_until(lambda: [archive.rows(store) for store in STORES] == [600, 600])
    publish(archive.kafka, archive.topic, trio.make(90, first_offset=600, starts_at_us=now_us() - 60_000_000))
    # While it writes.
    report = orjson.loads(run_cli(archive, "backup", "make", str(backup), "--json"))
    dump(archive.database_url, dumped)
    assert report["rows"] >= 600
    run_cli(archive, "backup", "verify", str(backup))
    # What the backup lacks; and somebody asks to be forgotten whom the backup has.
    publish(archive.kafka, archive.topic, trio.make(210, first_offset=690, starts_at_us=now_us() - 30_000_000))
    archive.wait_until_caught_up()
    run_cli(archive, "forget", trio.forgotten, "--execute", "--settle", "2")
    archive.wait_until(lambda: [archive.rows(store) for store in STORES] == [600, 600])
    before = [offsets_of(archive, store) for store in STORES]

    process.send_signal(signal.SIGKILL)
    process.wait()
    lose(archive.database_url, stack.database_url)
    shutil.rmtree(archive.root)

    restore(dumped, archive.database_url, stack.database_url)
    assert count_rows_naming(archive.database_url, trio.forgotten), "the dump was made before"
    told = run_cli(archive, "backup", "restore", str(backup))
    assert "nothing is done yet" in told
    assert not archive.root.exists()
    answer = orjson.loads(run_cli(archive, "backup", "restore", str(backup), "--execute", "--json"))
    assert answer["frames"] == report["rows"]
    assert answer["erased_again"]["streams"] == 1
    assert find_files_naming(archive, trio.forgotten) == []
    assert count_rows_naming(archive.database_url, trio.forgotten) == {}

    # The files know how far they are; of the database only its rows do.
    run_cli(archive, "replay", "archive-postgres", "--from", "earliest", "--execute")
    archive.start()
    archive.wait_until_caught_up()
    archive.wait_until(lambda: [archive.rows(store) for store in STORES] == [600, 600])
    assert [offsets_of(archive, store) for store in STORES] == before
    audited = archive.audit()
    assert audited.clean, audited
    assert find_files_naming(archive, trio.forgotten) == []
    assert count_rows_naming(archive.database_url, trio.forgotten) == {}
    # And services go on.
    publish(archive.kafka, archive.topic, trio.make(30, first_offset=900, starts_at_us=now_us() + 1_000_000))
    archive.wait_until(lambda: [archive.rows(store) for store in STORES] == [630, 630])


@pytest.fixture
def spec(kafka_settings: KafkaSettings) -> Iterator[TopicSpec]:
    made = TopicSpec(f"small-{now_us()}", 1, {"cleanup.policy": "compact"})
    yield made
    delete_topic(kafka_settings, made.name)


def test_a_small_topic_that_was_lost_has_its_newest_records_again_and_none_is_put_over_a_newer_one(
    kafka_settings: KafkaSettings, spec: TopicSpec
) -> None:
    saved_before = save_topics(kafka_settings, [spec])
    assert saved_before == {spec.name: ()}
    restore_topics(kafka_settings, saved_before, [spec])
    with BoundedPublisher(kafka_settings) as publisher:
        for key, value in ((b"a", b"1"), (b"b", b"1"), (b"a", b"2"), (b"gone", b"1"), (b"gone", None)):
            publisher.publish(spec.name, key, value, [("h", b"\x00")], 1_790_000_000_000)
    saved = save_topics(kafka_settings, [spec])
    assert list_keys(saved, spec.name) == ["b", "a"]
    delete_topic(kafka_settings, spec.name)
    assert find_missing(kafka_settings, saved) == {spec.name: 2}
    assert restore_topics(kafka_settings, saved, [spec]) == {spec.name: 2}
    there = [(record.key, record.value) for record in read_whole_topic(kafka_settings, spec.name)]
    assert there == [(b"b", b"1"), (b"a", b"2")]
    with BoundedPublisher(kafka_settings) as publisher:
        publisher.publish(spec.name, b"a", b"3")
    assert restore_topics(kafka_settings, saved, [spec]) == {spec.name: 0}
