"""The Parquet archive in an object store: lost answers, stores that are slow or away, and what a question reads."""

import os
import signal
import time
from typing import TYPE_CHECKING, Any

import pytest

from connect_runtime.sink import Assignment, SinkFailed, TopicPartition
from consumers.archive.audit import audit_archive
from consumers.archive.parquet.chain import Fenced, list_chains
from consumers.archive.parquet.location import open_storage
from consumers.archive.parquet.reading import open_archive, query
from consumers.archive.parquet.sink import ParquetSink
from consumers.archive.parquet.storage import StorageUnavailable
from consumers.archive.parquet.sweeping import sweep_orphans
from consumers.archive.sql import ask_parquet
from tests.consumers.archive.conftest import STORES, Archive
from tests.consumers.archive.made_frames import NOON_US, make_batch, publish

if TYPE_CHECKING:
    from tests.consumers.archive.s3_server import S3Server

TEST = TopicPartition("test", 0)
MORE_THAN_IS_TRIED = 6
"""How often a request fails until its caller hears of it."""
FRAMES, TURNS = 1_000, 4
LONGER_THAN_A_SESSION_S = 4.0


@pytest.fixture
def location(s3: "S3Server") -> str:
    """An archive that has not begun."""
    return f"s3://{s3.make_bucket()}/motion/archive"


def open_sink(location: str, generation: int = 1) -> ParquetSink:
    sink = ParquetSink(open_storage(location), "archive-parquet", lambda topic: f"id-of-{topic}", lambda: NOON_US)
    sink.open(Assignment((TEST,), generation, f"member-{generation}", 0))
    return sink


def ask(location: str, sql: str) -> list[tuple[Any, ...]]:
    with ask_parquet(location, sql) as answer:
        return list(answer.rows)


def stored_offsets(location: str) -> list[int]:
    return [offset for (offset,) in ask(location, 'SELECT "offset" FROM frames ORDER BY ALL')]


def test_frames_archived_in_a_bucket_are_found_by_sql(location: str) -> None:
    sink = open_sink(location)
    sink.put(make_batch(20))
    sink.put(make_batch(20, first_offset=20, starts_at_us=NOON_US - 30 * 3_600_000_000))
    sink.flush()
    assert sink.durable_offsets() == {TEST: 40}
    assert stored_offsets(location) == list(range(40))
    assert ask(location, 'SELECT count(DISTINCT ("date", "hour")) FROM frames') == [(2,)]
    assert ask(location, "SELECT count(*) FROM pose_landmarks WHERE name = 'left_wrist'") == [(40,)]
    assert open_storage(location).list_files("staging") == []


def test_an_empty_bucket_is_an_archive_without_frames(location: str) -> None:
    assert stored_offsets(location) == []


def test_a_question_for_one_landmark_reads_a_small_part_of_the_file(s3: "S3Server", location: str) -> None:
    sink = open_sink(location)
    sink.put(make_batch(2_000))
    sink.flush()
    [chain] = list_chains(open_storage(location))
    size = sum(file.bytes for file in chain.files)
    s3.requests.clear()
    [(rows, _)] = ask(location, "SELECT count(*), avg(y) FROM pose_landmarks WHERE name = 'left_wrist'")
    asked = [request for request in s3.requests if request.path.endswith(".parquet")]
    assert rows == 2_000
    assert sum(request.sent for request in asked) < 0.2 * size
    assert {request.method for request in asked} == {"GET"}, "the manifest says how large it is"


def test_the_next_owner_fences_the_last_and_sweeps_what_it_left(location: str) -> None:
    former = open_sink(location)
    former.put(make_batch(10))
    former.flush()
    former.put(make_batch(5, first_offset=10))
    owner = open_sink(location, generation=2)
    with pytest.raises(Fenced):
        former.flush()
    storage = open_storage(location)
    assert len(storage.list_files("frames")) == 2, "the zombie's file should be there, and not count"
    assert stored_offsets(location) == list(range(10))
    third = open_sink(location, generation=3)
    assert len(storage.list_files("frames")) == 1
    assert storage.list_files("staging") == []
    third.put(make_batch(5, first_offset=10))
    third.flush()
    assert stored_offsets(location) == list(range(15))
    owner.put(make_batch(1, first_offset=10))
    with pytest.raises(Fenced):
        owner.flush()


@pytest.mark.parametrize("times", [1, MORE_THAN_IS_TRIED])
@pytest.mark.parametrize("how", ["hang up", "503"])
@pytest.mark.parametrize("path", [r"/manifest/.*1\.json$", r"/frames/.*parquet$", r"/staging/"])
def test_an_answer_that_gets_lost_costs_nothing(s3: "S3Server", location: str, path: str, how: str, times: int) -> None:
    sink = open_sink(location)
    sink.put(make_batch(10))
    for _ in range(times):
        s3.fail_next("PUT", path, how)
    flush_until_it_works(sink)
    sink.put(make_batch(10, first_offset=10))
    flush_until_it_works(sink)
    assert sink.durable_offsets() == {TEST: 20}
    assert stored_offsets(location) == list(range(20))
    assert len(open_storage(location).list_files("frames")) == 2
    assert open_storage(location).list_files("staging") == []


@pytest.mark.parametrize("how", ["hang up", "503"])
def test_a_lost_answer_does_not_look_like_being_fenced(s3: "S3Server", location: str, how: str) -> None:
    storage = open_storage(location)
    storage.create("manifest/first", b"")
    s3.fail_next("PUT", "/manifest/second", how)
    assert storage.create("manifest/second", b"same"), "its own object was taken for a rival's"
    assert not open_storage(location).create("manifest/second", b"same")


def test_an_entry_that_moves_no_file_survives_a_lost_answer_too(s3: "S3Server", location: str) -> None:
    sink = open_sink(location)
    sink.put(make_batch(10))
    sink.flush()
    sink.alter_offsets({TEST: 0})
    sink.open(Assignment((TEST,), 2, "member-2", 0))
    sink.put(make_batch(10))
    for _ in range(MORE_THAN_IS_TRIED):
        s3.fail_next("PUT", r"/manifest/", "hang up")
    flush_until_it_works(sink)
    assert sink.durable_offsets() == {TEST: 10}


def test_an_entry_the_store_makes_after_it_was_given_up_does_not_list_files_that_are_gone(
    s3: "S3Server", location: str
) -> None:
    sink = open_sink(location)
    sink.put(make_batch(10))
    for _ in range(MORE_THAN_IS_TRIED):
        s3.fail_next("PUT", r"/manifest/.*1\.json$", "late")
    with pytest.raises(StorageUnavailable):
        sink.flush()
    s3.stop_failing()
    flush_until_it_works(sink)
    assert s3.came_late, "nothing arrived late"
    assert stored_offsets(location) == list(range(10))
    [chain] = list_chains(open_storage(location))
    assert [file.path for file in chain.files] == open_storage(location).list_files("frames")


def flush_until_it_works(sink: ParquetSink) -> None:
    for _ in range(5):
        try:
            return sink.flush()
        except StorageUnavailable:
            continue
    raise AssertionError("five times in vain")


def test_a_store_that_is_away_is_waited_for_and_nothing_is_lost(s3: "S3Server", location: str) -> None:
    sink = open_sink(location)
    sink.put(make_batch(10))
    sink.flush()
    sink.put(make_batch(10, first_offset=10))
    s3.stop()
    try:
        with pytest.raises(StorageUnavailable, match="object store"):
            sink.flush()
        with pytest.raises(StorageUnavailable):
            stored_offsets(location)
    finally:
        s3.start()
    assert stored_offsets(location) == list(range(10))
    flush_until_it_works(sink)
    assert stored_offsets(location) == list(range(20))
    assert open_storage(location).list_files("staging") == []


def test_a_store_that_goes_away_under_a_question_is_said_in_a_line(s3: "S3Server", location: str) -> None:
    sink = open_sink(location)
    sink.put(make_batch(10))
    sink.flush()
    with open_archive(location) as connection:
        s3.stop()
        try:
            with pytest.raises(StorageUnavailable, match="nobody answers") as failed:
                query(connection, "SELECT avg(y) FROM pose_landmarks")
        finally:
            s3.start()
        assert "Traceback" not in failed.value.message
        assert query(connection, "SELECT count(*) FROM frames")[1] == [(10,)]


@pytest.mark.servers
@pytest.mark.long
def test_the_service_archives_to_a_bucket_and_goes_on_after_the_store_was_away(
    s3: "S3Server", location: str, archive: Archive
) -> None:
    archive.bucket = location
    replica = archive.start("parquet")
    publish(archive.kafka, archive.topic, make_batch(600, starts_at_us=now_us()))
    archive.wait_until(lambda: archive.lag("parquet") == 0 and archive.rows("parquet") == 600)
    s3.stop()
    try:
        publish(archive.kafka, archive.topic, make_batch(600, first_offset=600, starts_at_us=now_us()))
        archive.wait_until(lambda: "object store failed" in archive.log.read_text())
        assert archive.lag("parquet") == 600, "committed what is not archived"
    finally:
        s3.start()
    archive.wait_until(lambda: archive.lag("parquet") == 0)
    replica.send_signal(signal.SIGTERM)
    assert replica.wait() == 0
    audited = audit_archive(archive.kafka, archive.topic, archive_root=location)
    assert audited.clean, audited
    assert archive.rows("parquet") == 1_200
    storage = open_storage(location)
    listed = sorted(file.path for chain in list_chains(storage) for file in chain.files)
    assert storage.list_files("frames") == listed
    assert storage.list_files("staging") == []
    assert "secret-of-tests" not in archive.log.read_text()
    assert "key-id-of-tests" not in archive.log.read_text()


@pytest.mark.servers
@pytest.mark.long
def test_a_slow_bucket_costs_no_frame_no_membership_and_the_other_store_nothing(
    s3: "S3Server", location: str, archive: Archive
) -> None:
    archive.bucket = location
    replica = archive.start(settings={"buffer.memory": 8 * 1024 * 1024})
    publish(archive.kafka, archive.topic, make_batch(FRAMES, starts_at_us=now_us()))
    archive.wait_until(archive.has_begun)
    archive.wait_until_caught_up()
    s3.answers_after_s = LONGER_THAN_A_SESSION_S
    for turn in range(1, TURNS):
        publish(archive.kafka, archive.topic, make_batch(FRAMES, first_offset=turn * FRAMES, starts_at_us=now_us()))
    archive.wait_until(lambda: archive.lag("postgres") == 0)
    slow_until = time.monotonic() + 3 * LONGER_THAN_A_SESSION_S
    archive.wait_until(lambda: time.monotonic() > slow_until)
    assert archive.lag("parquet") > 0, "it was never slow"
    s3.answers_after_s = 0.0
    archive.wait_until_caught_up()
    replica.send_signal(signal.SIGTERM)
    assert replica.wait() == 0
    audited = archive.audit()
    assert audited.clean, audited
    log = archive.log.read_text()
    for store in STORES:
        assert archive.rows(store) == TURNS * FRAMES
        assert log.count(f"partitions assigned  connector={archive.group(store)} ") == 1
        assert "partitions lost to the group" not in log


@pytest.mark.servers
@pytest.mark.long
def test_a_service_killed_while_it_writes_to_a_bucket_loses_and_doubles_nothing(
    s3: "S3Server", location: str, archive: Archive
) -> None:
    archive.bucket = location
    settings = {"rotate.interval.ms": 100, "flush.size": 50}
    for first in range(0, 3_000, 1_000):
        publish(archive.kafka, archive.topic, make_batch(1_000, first_offset=first, starts_at_us=now_us()))
        victim = archive.start("parquet", settings)
        uploads = count_uploads(s3)
        archive.wait_until(lambda uploads=uploads: count_uploads(s3) > uploads + 3)  # type: ignore[misc]
        victim.send_signal(signal.SIGKILL)
        victim.wait()
    archive.start("parquet", settings)
    archive.wait_until(lambda: archive.lag("parquet") == 0)
    audited = audit_archive(archive.kafka, archive.topic, archive_root=location)
    assert audited.clean, audited
    assert archive.rows("parquet") == 3_000
    storage = open_storage(location)
    sweep_orphans(storage, older_than_us=now_us() + 60_000_000, now_us=now_us())
    listed = sorted(file.path for chain in list_chains(storage) for file in chain.files)
    assert storage.list_files("frames") == listed


def count_uploads(s3: "S3Server") -> int:
    return sum(request.method == "PUT" and "/frames/" in request.path for request in s3.requests)


def now_us() -> int:
    return time.time_ns() // 1000


def test_a_bucket_that_is_not_there_is_said_at_once(s3: "S3Server") -> None:
    nowhere = "s3://no-such-bucket-anywhere/x"
    for attempt in (lambda: open_sink(nowhere), lambda: stored_offsets(nowhere)):
        with pytest.raises(SinkFailed, match="bucket does not exist") as failed:
            attempt()
        assert failed.value.hint is not None


def test_refused_credentials_are_said_and_not_shown(s3: "S3Server", location: str) -> None:
    storage = open_storage(location)
    for method, attempt in (
        ("PUT", lambda: storage.create("x", b"")),
        ("GET", lambda: storage.list_files("")),
        ("HEAD", lambda: storage.exists("x")),
    ):
        s3.fail_next(method, "", "403")
        with pytest.raises(SinkFailed, match="refuses access") as failed:
            attempt()
        error = failed.value
        said = f"{error.message} {error.hint} {error.fields} {error.__cause__} {error.__suppress_context__}"
        assert os.environ["AWS_ACCESS_KEY_ID"] not in said
        assert os.environ["AWS_SECRET_ACCESS_KEY"] not in said
        assert error.__suppress_context__


def test_a_store_that_cannot_refuse_to_overwrite_is_not_written_to(
    s3: "S3Server", location: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    s3.ignore_conditions = True
    try:
        with pytest.raises(SinkFailed, match="overwrites"):
            open_sink(location)
    finally:
        s3.ignore_conditions = False
    assert open_storage(location).list_files("") == []
