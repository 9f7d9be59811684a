"""The archive as a process, on a real topic: killed, restarted, fed rubbish."""

import os
import signal
import time

import pytest

from consumers.archive.sql import ask_parquet, ask_postgres
from kafka_io.publisher import BoundedPublisher
from keypoints.landmarks import Part
from keypoints.topics import frame_headers
from tests.consumers.archive.conftest import Archive
from tests.consumers.archive.made_frames import make_batch, publish

pytestmark = [pytest.mark.servers, pytest.mark.timeout(170)]


def now_us() -> int:
    return time.time_ns() // 1000


def test_killed_three_times_in_the_middle_every_offset_is_there_once(archive: Archive) -> None:
    publish(archive.kafka, archive.topic, make_batch(20_000, starts_at_us=now_us() - 20_000 * 33_333))
    process = archive.start()
    archive.wait_until(archive.has_begun)
    for killed_at in (2_000, 8_000, 13_000):
        archive.wait_until(lambda at=killed_at: archive.rows("postgres") >= at)  # type: ignore[misc]
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert archive.rows("postgres") < 20_000, "it was done before it was killed"
        process = archive.start()
    archive.wait_until_caught_up()
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=30) == 0
    audited = archive.audit()
    assert audited.clean, audited
    for store in ("postgres", "parquet"):
        assert sum(part.rows for part in audited.of_store(store)) == 20_000


@pytest.mark.parametrize("first_half_without", [True, False])
def test_hands_that_appear_or_vanish_within_a_backlog_all_land(archive: Archive, first_half_without: bool) -> None:
    absent: list[tuple[Part, ...]] = [(Part.LEFT_HAND,), ()] if first_half_without else [(), (Part.LEFT_HAND,)]
    publish(archive.kafka, archive.topic, make_batch(200, absent=absent[0], starts_at_us=now_us()))
    publish(archive.kafka, archive.topic, make_batch(200, first_offset=200, absent=absent[1], starts_at_us=now_us()))
    archive.start()
    archive.wait_until_caught_up()
    question = "SELECT count(*), count(left_hand), count(right_hand) FROM frames"
    with ask_postgres(archive.database_url, question) as answer:
        assert list(answer.rows) == [(400, 200, 400)]
    with ask_parquet(archive.root, question) as answer:
        assert list(answer.rows) == [(400, 200, 400)]


def test_rubbish_on_the_topic_is_logged_and_the_frames_around_it_are_archived(archive: Archive) -> None:
    publish(archive.kafka, archive.topic, make_batch(50, starts_at_us=now_us()))
    with BoundedPublisher(archive.kafka) as publisher:
        for value in (os.urandom(100), b"", b'{"keypoints": 5}'):
            publisher.publish(archive.topic, b"performer-0", value, frame_headers(), None)
    publish(archive.kafka, archive.topic, make_batch(50, first_offset=50, starts_at_us=now_us()))
    process = archive.start()
    archive.wait_until_caught_up()
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=30) == 0
    assert archive.rows("postgres") == archive.rows("parquet") == 100
    audited = archive.audit()
    assert audited.clean, audited
    assert [part.skipped for part in audited.of_store("postgres") if part.skipped] == [3]
    assert archive.log.read_text().count(archive.topic) >= 3


def test_two_replicas_share_the_partitions_and_write_each_record_once(archive: Archive) -> None:
    archive.start()
    publish(archive.kafka, archive.topic, make_batch(2_000, starts_at_us=now_us() - 60_000_000))
    second = archive.start()
    archive.wait_until(archive.is_shared)
    publish(archive.kafka, archive.topic, make_batch(2_000, first_offset=2_000, starts_at_us=now_us()))
    archive.wait_until_caught_up()
    second.send_signal(signal.SIGTERM)
    assert second.wait(timeout=30) == 0
    assert archive.audit().clean
    assert archive.rows("postgres") == archive.rows("parquet") == 4_000


def test_the_last_frames_of_a_topic_that_falls_idle_are_in_parquet_within_the_age_limit(archive: Archive) -> None:
    age_s = 3.0
    archive.start("parquet", settings={"rotate.interval.ms": int(age_s * 1000)})
    # The first frames tell that it reads; with the last ones nothing comes that would make room for more.
    publish(archive.kafka, archive.topic, make_batch(100, starts_at_us=now_us()))
    archive.wait_until(lambda: archive.rows("parquet") == 100)
    publish(archive.kafka, archive.topic, make_batch(7, first_offset=100, starts_at_us=now_us()))
    published_at = time.monotonic()
    archive.wait_until(lambda: archive.rows("parquet") == 107)
    # Beside the limit: the fetch, the finish itself, and a question to the archive.
    assert time.monotonic() - published_at < age_s + 3
