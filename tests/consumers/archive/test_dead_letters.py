"""Bad records among good ones on their way into the archive: accounted for, and repaired ones land once."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import orjson
import pytest

from connect_runtime.dead_letters import DeadLetter
from connect_runtime.redrive import read_dead_letters
from kafka_io.publisher import BoundedPublisher
from keypoints.codec import encode_avro
from keypoints.topics import dead_letter_topic, frame_headers, record_key
from tests.connect_runtime.test_dead_letters import TEN_HEADERS
from tests.consumers.archive.conftest import STORES, Archive
from tests.consumers.archive.made_frames import make_batch, publish

pytestmark = [pytest.mark.servers, pytest.mark.long, pytest.mark.timeout(170)]

GOOD, BAD = 10_000, 100


def publish_mixed(archive: Archive) -> dict[bytes, bytes]:
    """Publish good frames with damaged ones spread among them; returns damaged value → what it should have been."""
    starts_at_us = time.time_ns() // 1000 - (GOOD + BAD) * 33_333
    batch = make_batch(GOOD + BAD, starts_at_us=starts_at_us)
    publish(archive.kafka, archive.topic, batch.take([0]))
    damaged: dict[bytes, bytes] = {}
    spacing = (GOOD + BAD) // BAD
    with BoundedPublisher(archive.kafka) as publisher:
        for row in range(1, GOOD + BAD):
            frame = batch.frame(row)
            value = encode_avro(frame)
            if row % spacing == spacing // 2:
                whole, value = value, value[: len(value) // 2]
                damaged[value] = whole
            publisher.publish(
                archive.topic, record_key(frame.stream_id), value, frame_headers(), frame.captured_at_us // 1000
            )
        publisher.flush()
        assert publisher.counts().failed == 0
    assert len(damaged) == BAD
    return damaged


def letters_of(archive: Archive, store: str) -> list[DeadLetter]:
    return read_dead_letters(archive.kafka, dead_letter_topic(archive.group(store)))


def run_dlq(archive: Archive, *arguments: str) -> dict[str, object]:
    done = subprocess.run(
        [sys.executable, "-m", "holistic_cli", "dlq", *arguments, "--json"],
        env={**os.environ, "KAFKA_BOOTSTRAP_SERVERS": archive.kafka.bootstrap_servers, "DATABASE_URL": "unused"},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    answer: dict[str, object] = orjson.loads(done.stdout)
    return answer


def test_killed_in_the_middle_every_bad_record_is_a_dead_letter_and_repaired_ones_land_once(
    archive: Archive, tmp_path: Path
) -> None:
    damaged = publish_mixed(archive)
    replica = archive.start()
    archive.wait_until(archive.has_begun)
    archive.wait_until(lambda: archive.rows("postgres") >= 2_000)
    replica.send_signal(signal.SIGKILL)
    replica.wait()
    assert archive.rows("postgres") < GOOD, "it was done before it was killed"
    replica = archive.start()
    archive.wait_until_caught_up()

    audited = archive.audit()
    assert audited.clean, audited
    for store in STORES:
        assert archive.rows(store) == GOOD
        assert sum(part.skipped for part in audited.of_store(store)) == BAD
        letters = letters_of(archive, store)
        assert len({letter.identity for letter in letters}) == BAD
        assert {letter.value for letter in letters} == damaged.keys()
        assert all(letter.errors.keys() == TEN_HEADERS for letter in letters)
        listed = run_dlq(archive, "list", archive.group(store))
        assert listed["records"] == BAD

    for store in STORES:
        values = tmp_path / f"repaired-{store}"
        values.mkdir()
        for letter in letters_of(archive, store):
            assert letter.value is not None
            (values / f"{letter.offset}.bin").write_bytes(damaged[letter.value])
        redrive = ("redrive", archive.group(store), "--values", str(values))
        assert run_dlq(archive, *redrive)["published"] is None
        assert run_dlq(archive, *redrive, "--error", "NoSuchError", "--execute")["published"] == 0
        assert run_dlq(archive, *redrive, "--execute")["published"] == BAD
        assert run_dlq(archive, *redrive, "--execute")["published"] == 0
    archive.wait_until(lambda: all(archive.rows(store) == GOOD + BAD for store in STORES))
    replica.send_signal(signal.SIGTERM)
    assert replica.wait() == 0
    audited = archive.audit()
    assert audited.clean, audited
    for store in STORES:
        assert sum(part.skipped for part in audited.of_store(store)) == 0
        assert sum(part.duplicates for part in audited.of_store(store)) == 0


def test_a_record_that_fails_again_is_a_new_dead_letter_until_its_attempts_are_used_up(archive: Archive) -> None:
    with BoundedPublisher(archive.kafka) as publisher:
        publisher.publish(archive.topic, b"ada", b"rubbish", frame_headers(), None)
    archive.start("postgres")
    group = archive.group("postgres")
    for attempt in range(2):
        archive.wait_until(lambda attempt=attempt: len(letters_of(archive, "postgres")) == attempt + 1)  # type: ignore[misc]
        done = run_dlq(archive, "redrive", group, "--execute", "--max-attempts", "2")
        assert done["published"] == 1
    archive.wait_until(lambda: len(letters_of(archive, "postgres")) == 3)
    done = run_dlq(archive, "redrive", group, "--execute", "--max-attempts", "2")
    assert done["published"] == 0
    assert done["fates"] == {"redriven before": 2, "attempts used up": 1}
    letters = letters_of(archive, "postgres")
    assert [letter.attempt for letter in letters] == [0, 1, 2]
    assert len({letter.identity for letter in letters}) == 1
    shown = run_dlq(archive, "show", group, str(letters[0].offset))
    assert shown["value"] == "rubbish"
    assert isinstance(shown["errors"], dict)
    assert shown["errors"].keys() == TEN_HEADERS
