"""`holistic audit`: what it calls missing, doubled, pending, removed, and what only one store has."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any

import psycopg2
import pytest
from kafka import KafkaAdminClient, TopicPartition
from psycopg2 import extensions

from connect_runtime.offsets.forms import Edge, Moment, OffsetMap, Shift, UnreadableOffsets
from connect_runtime.sink import TopicPartition as Partition
from consumers.archive.audit import ArchiveAudit, AuditOptions, OnlyIn, StoreAudit, audit_archive
from consumers.archive.audit_ranges import AuditedRange, find_ranges
from kafka_io.admin import open_admin
from kafka_io.group_offsets import move_group
from kafka_io.publisher import BoundedPublisher
from kafka_io.settings import KafkaSettings
from kafka_io.whole_topic import read_whole_topic
from keypoints.codec import decode_records
from producer_service.encode import encode_record
from tests.consumers.archive.archived import Archived
from tests.consumers.archive.made_frames import FRAME_US, make_batch, publish

pytestmark = pytest.mark.servers

ROWS = 30


@pytest.fixture
def started_us() -> int:
    """Just now: Kafka drops what is older than its retention."""
    return time.time_ns() // 1000 - ROWS * FRAME_US


@pytest.fixture
def kept(archived: Archived, kafka_settings: KafkaSettings, started_us: int) -> Archived:
    """Thirty records on the topic and in both stores."""
    everything = make_batch(ROWS, topic=archived.topic, starts_at_us=started_us)
    publish(kafka_settings, archived.topic, everything)
    archived.keep(everything)
    return archived


@pytest.fixture
def audit(kept: Archived, kafka_settings: KafkaSettings) -> Callable[..., ArchiveAudit]:
    def run(**options: Any) -> ArchiveAudit:
        return audit_archive(
            kafka_settings,
            kept.topic,
            database_url=kept.database_url,
            archive_root=kept.root,
            options=AuditOptions(**options),
        )

    return run


def of_store(audited: ArchiveAudit, store: str) -> StoreAudit:
    [found] = audited.of_store(store)
    return found


@contextmanager
def database(archived: Archived) -> Iterator[extensions.cursor]:
    with closing(psycopg2.connect(archived.database_url)) as connection, connection, connection.cursor() as cursor:
        yield cursor


def delete_rows(archived: Archived, first: int, last: int) -> None:
    with database(archived) as cursor:
        cursor.execute('DELETE FROM frames_by_day WHERE "offset" BETWEEN %s AND %s', (first, last))


def retain_from(kafka: KafkaSettings, topic: str, offset: int) -> None:
    """As if retention had taken what is before."""
    admin: KafkaAdminClient
    with open_admin(kafka, "deleting records") as admin:
        admin.delete_records({TopicPartition(topic, 0): offset})


def test_offsets_that_are_there_twice_are_listed(kept: Archived, audit: Callable[..., ArchiveAudit]) -> None:
    with database(kept) as cursor:
        cursor.execute('INSERT INTO frames_out_of_range SELECT *, 0 FROM frames_by_day WHERE "offset" IN (3, 4, 9)')
    found = of_store(audit(), "postgres")
    assert (found.duplicates, found.doubled, found.gaps) == (3, ((3, 4), (9, 9)), ())
    assert not audit().clean
    printed = kept.run("audit", "--strict", expected_code=1)
    assert "postgres, partition 0: there twice or more: 3–4, 9 (3 offsets)" in " ".join(printed.split())


def test_what_the_connector_has_not_committed_is_pending_and_not_missing(
    kept: Archived, audit: Callable[..., ArchiveAudit], kafka_settings: KafkaSettings
) -> None:
    delete_rows(kept, 20, 29)
    groups = {"postgres": f"group-of-{kept.topic}"}
    move_group(kafka_settings, groups["postgres"], {(kept.topic, 0): 20})
    found = of_store(audit(groups=groups), "postgres")
    assert (found.pending, found.gaps, found.clean) == (((20, 29),), (), True)
    # Before what was committed, nothing may be missing.
    delete_rows(kept, 5, 6)
    found = of_store(audit(groups=groups), "postgres")
    assert (found.pending, found.gaps, found.clean) == (((20, 29),), ((5, 6),), False)
    assert of_store(audit(), "postgres").gaps == ((5, 6), (20, 29))


def test_a_connector_that_never_ran_has_nothing_pending(kept: Archived, audit: Callable[..., ArchiveAudit]) -> None:
    delete_rows(kept, 20, 29)
    assert of_store(audit(groups={"postgres": f"nobody-{kept.topic}"}), "postgres").gaps == ((20, 29),)


def test_what_retention_took_from_the_topic_is_compared_between_the_stores(
    kept: Archived, audit: Callable[..., ArchiveAudit], kafka_settings: KafkaSettings
) -> None:
    delete_rows(kept, 2, 4)
    delete_rows(kept, 12, 12)
    retain_from(kafka_settings, kept.topic, 10)
    audited = audit()
    [partition] = audited.partitions
    assert (partition.start_offset, partition.end_offset) == (10, 30)
    assert of_store(audited, "postgres").gaps == ((12, 12),)
    assert of_store(audited, "parquet").clean
    assert partition.only_in == (OnlyIn("parquet", "postgres", ((2, 4),)),)
    printed = " ".join(kept.run("audit", "--strict", expected_code=1).split())
    assert "only in parquet, not in postgres, and gone from the topic: 2–4 (3 offsets)" in printed


def test_days_that_postgres_retired_are_removed_and_not_missing(
    kept: Archived, audit: Callable[..., ArchiveAudit], kafka_settings: KafkaSettings
) -> None:
    delete_rows(kept, 0, 14)
    with database(kept) as cursor:
        cursor.execute(
            'INSERT INTO retired_offsets (topic_ref, "partition", first_offset, last_offset) '
            "SELECT topic_ref, 0, 0, 14 FROM archived_topics WHERE name = %s",
            (kept.topic,),
        )
    found = of_store(audit(), "postgres")
    assert (found.removed, found.gaps, found.clean) == (15, (), True)
    retain_from(kafka_settings, kept.topic, 10)
    audited = audit()
    assert of_store(audited, "postgres").removed == 5
    assert audited.partitions[0].only_in == ()
    assert audited.clean


@pytest.mark.parametrize(
    ("arguments", "missing"),
    [
        ([], [[3, 3], [20, 21]]),
        (["--from", '{"0": 4}'], [[20, 21]]),
        (["--to", '{"0": 21}'], [[3, 3], [20, 20]]),
        (["--from", '{"0": 4}', "--to", '{"0": 20}'], []),
        (["--from", "1h", "--to", "latest"], [[3, 3], [20, 21]]),
        (["--from", "earliest", "--to", "1h"], []),
    ],
)
def test_only_the_range_that_is_asked_for_is_looked_at(
    kept: Archived, arguments: list[str], missing: list[list[int]]
) -> None:
    delete_rows(kept, 3, 3)
    delete_rows(kept, 20, 21)
    printed = kept.run("audit", "--strict", "--json", *arguments, expected_code=1 if missing else 0)
    [partition] = json.loads(printed)["partitions"]
    assert [store["gaps"] for store in partition["stores"] if store["store"] == "postgres"] == [missing]
    for store in partition["stores"]:
        assert store["rows"] <= partition["end_offset"] - partition["start_offset"]


def test_places_become_offsets(kept: Archived, kafka_settings: KafkaSettings, started_us: int) -> None:
    topic = kept.topic
    assert find_ranges(kafka_settings, topic) == {0: AuditedRange(0, None)}
    moment = Moment((started_us + 10 * FRAME_US) // 1000)
    assert find_ranges(kafka_settings, topic, moment, Edge.LATEST) == {0: AuditedRange(10, None)}
    tomorrow = Moment(started_us // 1000 + 86_400_000)
    assert find_ranges(kafka_settings, topic, tomorrow) == {0: AuditedRange(30, None)}
    assert find_ranges(kafka_settings, topic, None, OffsetMap({Partition(topic, 0): 7})) == {0: AuditedRange(0, 7)}
    for nowhere in (OffsetMap({Partition(topic, 5): 7}), Shift(-10)):
        with pytest.raises(UnreadableOffsets):
            find_ranges(kafka_settings, topic, nowhere)


@pytest.fixture
def images_topic(make_topic: Callable[..., str]) -> str:
    return make_topic(name="images")


def test_frames_of_images_are_held_under_the_images_identity(
    kept: Archived, images_topic: str, audit: Callable[..., ArchiveAudit], kafka_settings: KafkaSettings
) -> None:
    frames = make_batch(4, starts_at_us=time.time_ns() // 1000 - 4 * FRAME_US)
    with BoundedPublisher(kafka_settings) as publisher:
        for row in range(4):
            record = encode_record(frames.frame(row), "avro/binary", None, origin=(images_topic, 0, 7 + row))
            publisher.publish(kept.topic, record.key, record.value, record.headers, record.timestamp_ms, partition=0)
    on_topic = [record for record in read_whole_topic(kafka_settings, kept.topic) if record.offset >= ROWS]
    kept.keep(decode_records(on_topic[:3]).batch)
    audited = audit()
    for store in ("postgres", "parquet"):
        found = of_store(audited, store)
        assert (found.rows, found.elsewhere, found.gaps) == (ROWS, 3, ((ROWS + 3, ROWS + 3),))
    assert not audited.clean
    kept.keep(decode_records(on_topic).batch)
    audited = audit()
    assert audited.clean
    assert [of_store(audited, store).elsewhere for store in ("postgres", "parquet")] == [4, 4]
