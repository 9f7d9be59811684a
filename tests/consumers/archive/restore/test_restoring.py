"""Records of every make, archived, published again, and compared with what they were."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from io import BytesIO
from typing import Any

import fastavro
import numpy as np
import orjson
import pytest
from kafka.consumer.fetcher import ConsumerRecord

from consumers.archive.parquet.location import open_storage
from consumers.archive.restore.from_postgres import PostgresSource
from consumers.archive.restore.run import RestoreRequest, WouldBeMistaken, execute_restore, plan_restore
from consumers.archive.restore.source import ParquetSource
from kafka_io.admin import create_topics, delete_topic, group_lag, topic_partitions
from kafka_io.publisher import BoundedPublisher
from kafka_io.schema_topic import TopicSchemaLookup, announce_schema
from kafka_io.whole_topic import read_whole_topic
from keypoints.codec import decode, encode_avro, encode_json
from keypoints.errors import HolisticError
from keypoints.frame import HolisticFrame
from keypoints.schemas import FRAME_SCHEMA, fingerprint_schema
from keypoints.topics import (
    AVRO_CONTENT_TYPE,
    JSON_CONTENT_TYPE,
    ORIGIN_HEADER,
    SUITE_TOPICS,
    Headers,
    format_origin,
    frame_headers,
)
from tests.consumers.archive.conftest import STORES, Archive
from tests.consumers.archive.forgetting.forgettable import run_cli
from tests.consumers.archive.made_frames import make_batch, publish

pytestmark = [pytest.mark.servers, pytest.mark.timeout(170)]

FOREIGN_SCHEMA: dict[str, Any] = {
    **FRAME_SCHEMA,
    "fields": [*FRAME_SCHEMA["fields"], {"name": "studio", "type": "string", "default": ""}],
}


@dataclass(frozen=True)
class Sent:
    key: bytes | None
    value: bytes
    headers: Headers = ()
    timestamp_ms: int | None = None
    partition: int | None = None


@pytest.fixture
def restored_topic(archive: Archive) -> Iterator[str]:
    yield f"{archive.topic}-restored"
    delete_topic(archive.kafka, f"{archive.topic}-restored")


def send(archive: Archive, records: Sequence[Sent]) -> None:
    create_topics(archive.kafka, SUITE_TOPICS)
    announce_schema(archive.kafka)
    announce_schema(archive.kafka, FOREIGN_SCHEMA, fingerprint_schema(FOREIGN_SCHEMA))
    with BoundedPublisher(archive.kafka) as publisher:
        for sent in records:
            headers = [(name, value or b"") for name, value in sent.headers]
            publisher.publish(archive.topic, sent.key, sent.value, headers, sent.timestamp_ms, partition=sent.partition)
        publisher.flush()
        assert publisher.counts().acknowledged == len(records)


def archive_all(archive: Archive, *topics: str) -> None:
    process = archive.start(settings={"topics": ",".join([archive.topic, *topics])})
    archive.wait_until(
        lambda: (
            not any(
                sum(group_lag(archive.kafka, archive.group(store), topic).values())
                for store in STORES
                for topic in (archive.topic, *topics)
            )
        )
    )
    process.process.terminate()
    assert process.wait() == 0


def restore(archive: Archive, to_topic: str, on: str = "parquet", **asked: Any) -> int:
    source = PostgresSource(archive.database_url) if on == "postgres" else ParquetSource(open_storage(archive.root))
    plan = plan_restore(archive.kafka, source, RestoreRequest(archive.topic, to_topic, **asked))
    return execute_restore(archive.kafka, source, plan)


def read_topic(archive: Archive, topic: str) -> dict[tuple[int, int], ConsumerRecord]:
    """By who they are: partition and offset of the first topic."""
    found: dict[tuple[int, int], ConsumerRecord] = {}
    for record in read_whole_topic(archive.kafka, topic):
        said = dict(record.headers).get(ORIGIN_HEADER)
        _, partition, offset = (said or format_origin(topic, record.partition, record.offset)).decode().split("/")
        assert (int(partition), int(offset)) not in found
        found[int(partition), int(offset)] = record
    return found


def as_frame(archive: Archive, record: ConsumerRecord) -> HolisticFrame:
    return decode(
        record.value,
        key=record.key,
        partition=record.partition,
        offset=record.offset,
        timestamp_ms=record.timestamp,
        schemas=TopicSchemaLookup(archive.kafka),
    )


def make_frame(number: int = 0, stream_id: str = "ada") -> HolisticFrame:
    batch = make_batch(number + 1, starts_at_us=time.time_ns() // 1000 - 10_000_000)
    batch.stream_id[:] = stream_id
    return batch.frame(number)


def write_foreign(frame: HolisticFrame) -> bytes:
    body = BytesIO()
    names = [field["name"] for field in FRAME_SCHEMA["fields"]]
    fields: dict[str, Any] = {}
    for name in names:
        value = getattr(frame, f"{name}_us", None) if name.endswith("_at") else getattr(frame, name)
        fields[name] = value.reshape(-1).tolist() if isinstance(value, np.ndarray) else value
    fastavro.schemaless_writer(body, fastavro.parse_schema(FOREIGN_SCHEMA), {**fields, "studio": "7"})
    return b"\xc3\x01" + fingerprint_schema(FOREIGN_SCHEMA) + body.getvalue()


def classic_json(frame: HolisticFrame) -> bytes:
    full = orjson.loads(encode_json(frame))
    return orjson.dumps({"timestamp": full["timestamp"], "keypoints": full["keypoints"]})


@pytest.mark.parametrize("store", STORES)
def test_records_of_every_make_come_back_as_they_were(archive: Archive, restored_topic: str, store: str) -> None:
    strange = make_frame(1)
    assert strange.pose is not None
    strange.pose[3] = np.array([0x7FC00001, 0x7F800000, 0xFF800000, 0x80000000], dtype=np.uint32).view(np.float32)
    handless = HolisticFrame(
        **{name: getattr(make_frame(2), name) for name in HolisticFrame.__slots__} | {"left_hand": None, "face": None}
    )
    avro, json = tuple(frame_headers(AVRO_CONTENT_TYPE)), tuple(frame_headers(JSON_CONTENT_TYPE))
    odd = (("twice", b"1"), ("twice", b"\x00\xff"), ("", b"nameless"), ("empty", b""), ("twice", b"1"))
    now_ms = time.time_ns() // 1_000_000
    send(
        archive,
        [
            Sent(b"ada", encode_avro(make_frame()), avro, now_ms - 5_000),
            Sent(b"ada", encode_avro(make_frame()), avro, now_ms - 5_000),
            Sent(b"\xff not text", encode_avro(strange), odd, now_ms - 4_000),
            Sent(None, encode_avro(handless), (), now_ms - 4_000, partition=2),
            Sent(b"", encode_avro(make_frame(3)), (*odd, *avro), now_ms - 3_000),
            Sent(b"foreign", write_foreign(make_frame(4)), avro, now_ms - 3_000),
            Sent(b"classic", classic_json(make_frame(5)), json, now_ms - 2_000),
            Sent(b"json", encode_json(make_frame(6)), (("content-type", b"application/json; charset=utf-8"),), 0),
            Sent(b"unlabelled", classic_json(make_frame(7)), (), now_ms),
        ],
    )
    archive_all(archive)
    assert restore(archive, restored_topic, store) == 9
    before, after = read_topic(archive, archive.topic), read_topic(archive, restored_topic)
    assert before.keys() == after.keys()
    for identity, original in before.items():
        found = after[identity]
        assert (found.key, found.timestamp, found.partition) == (original.key, original.timestamp, original.partition)
        assert list(found.headers) == [
            *original.headers,
            (ORIGIN_HEADER, format_origin(archive.topic, original.partition, original.offset)),
        ]
        assert as_frame(archive, found).equals(as_frame(archive, original)), original.key
        if original.key not in {b"foreign", b"unlabelled", b"classic"}:
            assert found.value == original.value, original.key
        assert (found.value[:1] == b"{") == (original.value[:1] == b"{" and original.key != b"unlabelled")
    for partition in topic_partitions(archive.kafka, archive.topic):
        offsets = [offset for (of, offset) in after if of == partition]
        assert offsets == sorted(offsets), "the order of a partition is that of before"


def test_restored_and_archived_again_there_is_not_one_row_more(archive: Archive, restored_topic: str) -> None:
    publish(archive.kafka, archive.topic, make_batch(2_000, starts_at_us=time.time_ns() // 1000 - 60_000_000))
    archive_all(archive)
    assert restore(archive, restored_topic) == 2_000
    archive_all(archive, restored_topic)
    assert [archive.rows(store) for store in STORES] == [2_000, 2_000]
    assert archive.audit().clean
    # And restored again, from what was archived again, it is the same still.
    assert restore(archive, restored_topic) == 0


def test_an_interrupted_restore_goes_on_with_the_rest(archive: Archive, restored_topic: str) -> None:
    now_us = time.time_ns() // 1000
    publish(archive.kafka, archive.topic, make_batch(300, starts_at_us=now_us - 60_000_000))
    archive_all(archive)
    assert restore(archive, restored_topic, "postgres", stream_id="performer-2") == 60
    assert restore(archive, restored_topic) == 240
    assert restore(archive, restored_topic, "postgres") == 0
    assert len(read_topic(archive, restored_topic)) == 300


def test_the_command_shows_what_it_would_do_and_does_it_when_told(archive: Archive, restored_topic: str) -> None:
    publish(archive.kafka, archive.topic, make_batch(40, starts_at_us=time.time_ns() // 1000 - 60_000_000))
    archive_all(archive)
    shown = orjson.loads(run_cli(archive, "restore", "--json"))
    assert (shown["makes_topic"], shown["restored"]) == (True, None)
    assert sum(partition["to_restore"] for partition in shown["partitions"]) == 40
    assert "add --execute" in run_cli(archive, "restore", "--stream", "performer-1")
    assert orjson.loads(run_cli(archive, "restore", "--from", "1h", "--execute", "--json"))["restored"] == 40
    assert len(read_topic(archive, restored_topic)) == 40
    assert orjson.loads(run_cli(archive, "restore", "--to", "1h", "--execute", "--json"))["restored"] == 0
    assert "--to-topic" in run_cli(archive, "restore", "--to-topic", archive.topic, expected_code=1)


def test_the_live_topic_is_restored_to_only_when_told(archive: Archive) -> None:
    publish(archive.kafka, archive.topic, make_batch(10, starts_at_us=time.time_ns() // 1000))
    archive_all(archive)
    with pytest.raises(WouldBeMistaken):
        restore(archive, archive.topic)
    # Its records are there still.
    assert restore(archive, archive.topic, into_live=True) == 0


def delete_and_wait(archive: Archive) -> None:
    delete_topic(archive.kafka, archive.topic)
    while True:
        try:
            topic_partitions(archive.kafka, archive.topic)
        except HolisticError:
            break


def test_a_topic_that_is_gone_is_restored_to_one_of_fewer_partitions(
    archive: Archive, make_topic: Callable[..., str]
) -> None:
    batch = make_batch(30, starts_at_us=time.time_ns() // 1000)
    batch.stream_id[:] = [f"dancer {number}" for number in range(30)]
    publish(archive.kafka, archive.topic, replace(batch, keys=tuple(name.encode() for name in batch.stream_id)))
    archive_all(archive)
    delete_and_wait(archive)
    smaller = make_topic(partitions=2, name="smaller")
    assert restore(archive, smaller) == 30
    assert len(list(read_whole_topic(archive.kafka, smaller))) == 30


def test_a_topic_made_anew_is_not_mixed_up_with_the_one_before(
    archive: Archive, restored_topic: str, make_topic: Callable[..., str]
) -> None:
    publish(archive.kafka, archive.topic, make_batch(10, starts_at_us=time.time_ns() // 1000))
    archive_all(archive)
    delete_and_wait(archive)
    assert restore(archive, restored_topic) == 10, "of a topic that is gone the last life is meant"
    spec = next(spec for spec in SUITE_TOPICS if spec.name == "holistic-tracking-stream")
    create_topics(archive.kafka, [type(spec)(archive.topic, 3, {})])
    with pytest.raises(WouldBeMistaken, match="made again"):
        restore(archive, restored_topic)
