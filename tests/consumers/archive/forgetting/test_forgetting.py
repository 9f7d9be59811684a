"""One of three streams is forgotten while the archive runs; nothing that was left of it comes back."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import orjson
import pytest

from connect_runtime.redrive import read_dead_letters
from consumers.archive.parquet.location import open_storage
from consumers.archive.restore.run import RestoreRequest, execute_restore, plan_restore
from consumers.archive.restore.source import ParquetSource
from kafka_io.admin import delete_topic
from kafka_io.publisher import BoundedPublisher
from kafka_io.whole_topic import read_whole_topic
from keypoints.topics import dead_letter_topic, frame_headers
from tests.consumers.archive.conftest import STORES, Archive
from tests.consumers.archive.forgetting.forgettable import (
    Trio,
    count_rows_naming,
    environment_of,
    find_files_naming,
    read_others,
    run_cli,
)
from tests.consumers.archive.made_frames import publish

pytestmark = [pytest.mark.servers, pytest.mark.timeout(170)]
SOAK = pytest.mark.soak


def now_us() -> int:
    return time.time_ns() // 1000


def publish_rubbish(archive: Archive, trio: Trio) -> None:
    with BoundedPublisher(archive.kafka) as publisher:
        for name in trio.names:
            publisher.publish(archive.topic, name.encode(), b"rubbish of " + name.encode(), frame_headers())


def test_a_forgotten_stream_is_nowhere_and_stays_away(archive: Archive, tmp_path: Path) -> None:
    trio = Trio()
    publish(archive.kafka, archive.topic, trio.make(1_500, starts_at_us=now_us() - 90_000_000))
    publish_rubbish(archive, trio)
    process = archive.start()
    archive.wait_until_caught_up()
    # Records dated long before and ahead, and some that are being written while the rest is forgotten.
    publish(
        archive.kafka,
        archive.topic,
        trio.make(30, first_offset=1_500, starts_at_us=now_us() - 20 * 365 * 86_400_000_000),
    )
    archive.wait_until_caught_up()
    archive.wait_until(lambda: [archive.rows(store) for store in STORES] == [1_530, 1_530])
    publish(archive.kafka, archive.topic, trio.make(60, first_offset=1_530, starts_at_us=now_us() - 60_000_000))
    assert find_files_naming(archive, trio.forgotten)

    receipt_file = tmp_path / "receipt.json"
    shown = orjson.loads(run_cli(archive, "forget", trio.forgotten, "--json"))
    assert {place["place"]: place["records"] for place in shown["places"]}["Postgres"] >= 510
    run_cli(archive, "forget", trio.forgotten, "--execute", "--receipt", str(receipt_file), "--settle", "4")
    archive.wait_until_caught_up()

    receipt = orjson.loads(receipt_file.read_bytes())
    assert receipt["complete"]
    assert trio.forgotten not in receipt_file.read_text()
    removed = {place["place"]: place["removed"] for place in receipt["places"]}
    for store in ("Postgres", "Parquet"):
        assert 510 <= removed[store] <= 530, "what came after the ledger's entry was kept out"
    until = {one["place"]: one["until"] for one in receipt["remains"]}
    assert until[f"topic {archive.topic}"] > receipt["ended_at"]

    def assert_gone() -> None:
        assert find_files_naming(archive, trio.forgotten) == []
        assert count_rows_naming(archive.database_url, trio.forgotten) == {}
        assert [archive.rows(store) for store in STORES] == [1_060, 1_060]
        audited = archive.audit()
        assert audited.clean, audited
        for store in STORES:
            letters = read_dead_letters(archive.kafka, dead_letter_topic(archive.group(store)))
            assert {letter.key for letter in letters} == {trio.names[0].encode(), trio.names[2].encode()}

    assert_gone()
    run_cli(archive, "forget", trio.forgotten, "--verify", "--receipt", str(receipt_file))
    again = ("forget", trio.forgotten, "--execute", "--receipt", str(receipt_file))
    # How the frame around a message breaks it depends on the length of the path in it.
    said = run_cli(archive, *again, expected_code=2).replace("│", " ").split()
    assert "is there already" in " ".join(said)
    assert orjson.loads(receipt_file.read_bytes()) == receipt
    receipt_file.write_bytes(orjson.dumps({**receipt, "asked_by": "nobody"}))
    told = run_cli(archive, "forget", trio.forgotten, "--verify", "--receipt", str(receipt_file), expected_code=1)
    assert "changed" in told

    process.send_signal(signal.SIGTERM)
    assert process.wait() == 0
    for store in STORES:
        run_cli(archive, "replay", f"archive-{store}", "--from", "earliest", "--execute")
        run_cli(archive, "dlq", "redrive", archive.group(store), "--execute")
    archive.start()
    archive.wait_until_caught_up()
    archive.wait_until(lambda: len(read_dead_letters(archive.kafka, dead_letter_topic(archive.group("parquet")))) >= 4)
    assert_gone()

    restored = f"{archive.topic}-restored"
    source = ParquetSource(open_storage(archive.root))
    try:
        plan = plan_restore(archive.kafka, source, RestoreRequest(archive.topic, restored))
        assert execute_restore(archive.kafka, source, plan) == 1_060
        keys = {record.key for record in read_whole_topic(archive.kafka, restored)}
        assert keys == {trio.names[0].encode(), trio.names[2].encode()}
    finally:
        delete_topic(archive.kafka, restored)


def test_the_others_rows_are_what_they_were_and_the_stream_may_come_back(archive: Archive) -> None:
    trio = Trio()
    publish(archive.kafka, archive.topic, trio.make(900, starts_at_us=now_us() - 60_000_000))
    archive.start()
    archive.wait_until_caught_up()
    before = read_others(archive, trio.forgotten)
    run_cli(archive, "forget", trio.forgotten, "--execute", "--settle", "2")
    assert read_others(archive, trio.forgotten) == before
    publish(archive.kafka, archive.topic, trio.make(90, first_offset=900, starts_at_us=now_us()))
    archive.wait_until_caught_up()
    archive.wait_until(lambda: [archive.rows(store) for store in STORES] == [690, 690])
    assert archive.audit().clean
    run_cli(archive, "forget", trio.forgotten, "--verify")
    run_cli(archive, "forget", trio.forgotten, "--execute", "--for-ever", "--settle", "2")
    publish(archive.kafka, archive.topic, trio.make(90, first_offset=990, starts_at_us=now_us()))
    archive.wait_until_caught_up()
    archive.wait_until(lambda: [archive.rows(store) for store in STORES] == [720, 720])
    assert count_rows_naming(archive.database_url, trio.forgotten) == {}
    assert archive.audit().clean


def test_what_replicas_hold_in_memory_does_not_come_out_behind_the_eraser(archive: Archive) -> None:
    trio = Trio()
    for _ in range(2):
        archive.start(settings={"rotate.interval.ms": 600_000})
    # A change of owners would make them finish their files.
    archive.wait_until(archive.is_shared)
    publish(archive.kafka, archive.topic, trio.make(300, starts_at_us=now_us() - 60_000_000))
    archive.wait_until(lambda: archive.has_begun() and archive.rows("postgres") == 300)
    assert archive.rows("parquet") == 0
    receipt = orjson.loads(run_cli(archive, "forget", trio.forgotten, "--execute", "--json"))
    assert {place["place"]: place["removed"] for place in receipt["places"]}["Parquet"] == 100
    for replica in archive.replicas:
        replica.send_signal(signal.SIGTERM)
        assert replica.wait() == 0
    assert [archive.rows(store) for store in STORES] == [200, 200]
    assert find_files_naming(archive, trio.forgotten) == []
    assert archive.audit().clean


@pytest.mark.long
@pytest.mark.parametrize(
    "killed_after_s", [1.0, pytest.param(1.6, marks=SOAK), 2.2, pytest.param(2.8, marks=SOAK), 3.4]
)
def test_killed_in_the_middle_and_run_again_it_is_complete(archive: Archive, killed_after_s: float) -> None:
    trio = Trio()
    for hour in range(4):
        starts_at_us = now_us() - (hour + 1) * 3_600_000_000
        publish(archive.kafka, archive.topic, trio.make(600, first_offset=hour * 600, starts_at_us=starts_at_us))
    archive.start()
    archive.wait_until_caught_up()
    command = [sys.executable, "-m", "holistic_cli", "forget", trio.forgotten, "--execute", "--settle", "2"]
    killed = subprocess.Popen(command, env=environment_of(archive), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        killed.wait(timeout=killed_after_s)
    except subprocess.TimeoutExpired:
        killed.kill()
    killed.communicate()
    run_cli(archive, "forget", trio.forgotten, "--execute", "--settle", "2")
    assert find_files_naming(archive, trio.forgotten) == []
    assert count_rows_naming(archive.database_url, trio.forgotten) == {}
    assert [archive.rows(store) for store in STORES] == [1_600, 1_600]
    audited = archive.audit()
    assert audited.clean, audited
