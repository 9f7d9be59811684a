"""`holistic replay` on a real topic: shown, moved, refused, and run to an end beside the live archive."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import orjson
import psycopg2
import pytest
from kafka import TopicPartition
from typer.testing import CliRunner

from consumers.archive.audit import audit_archive
from consumers.archive.parquet.chain import list_chains
from consumers.archive.parquet.local_storage import LocalStorage
from consumers.archive.parquet.manifest import ListedFile
from consumers.archive.sql import ask_parquet, ask_postgres
from holistic_cli.main import app
from kafka_io.admin import group_lag, open_admin, topic_end_offsets
from kafka_io.group_offsets import committed_offsets
from kafka_io.settings import KafkaSettings
from keypoints.errors import HolisticError
from tests.connect_runtime.harness import wait_until
from tests.consumers.archive.made_frames import make_batch, publish

pytestmark = [pytest.mark.servers, pytest.mark.long, pytest.mark.timeout(170)]

FRAME_MS = 33.333


@dataclass
class Answer:
    """What the command line said, errors as `holistic` words them."""

    stdout: str
    stderr: str


@dataclass
class Suite:
    """One topic, database and folder, and the command line over them."""

    kafka: KafkaSettings
    topic: str
    database_url: str
    root: Path
    port: int
    suffix: str = field(default_factory=lambda: uuid.uuid4().hex[:8])
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "KAFKA_BOOTSTRAP_SERVERS": self.kafka.bootstrap_servers,
            "DATABASE_URL": self.database_url,
            "HOLISTIC_ARCHIVE_DIR": str(self.root),
            "HOLISTIC_TOPIC": self.topic,
            "HOLISTIC_HTTP_PORT": str(self.port),
            "HOLISTIC_ARCHIVE_POSTGRES_CONFIG": orjson.dumps({"name": self.group("postgres")}).decode(),
            "HOLISTIC_ARCHIVE_PARQUET_CONFIG": orjson.dumps(
                {"name": self.group("parquet"), "rotate.interval.ms": 500}
            ).decode(),
            "COLUMNS": "160",
        }

    def group(self, store: str) -> str:
        return f"archive-{store}-{self.suffix}"

    def replay(self, *arguments: str, code: int = 0) -> Answer:
        """The verb, in this process: starting another for each call would take most of the time."""
        done = CliRunner().invoke(app, ["replay", *arguments], env=self.environment())
        said = done.stderr
        if isinstance(done.exception, HolisticError):
            said += f"{done.exception.message} {done.exception.hint}"
        elif done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        assert done.exit_code == code, done.output + said
        return Answer(done.stdout, said)

    def replay_json(self, *arguments: str) -> Any:
        return orjson.loads(self.replay(*arguments, "--json").stdout)

    def archive(self, stores: str = "both") -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            [sys.executable, "-m", "holistic_cli", "archive", "--sink", stores], env=self.environment(),
            stderr=subprocess.DEVNULL,
        )  # fmt: skip
        self.processes.append(process)
        return process

    def publish(self, rows: int, first: int = 0) -> None:
        publish(self.kafka, self.topic, make_batch(rows, first_offset=first, starts_at_us=STARTED_US))

    def committed(self, store: str) -> dict[int, int]:
        return {partition: at for (_, partition), at in committed_offsets(self.kafka, self.group(store)).items()}

    def in_manifest(self) -> dict[int, int | None]:
        return {
            chain.identity.partition: chain.next_offset
            for chain in list_chains(LocalStorage(self.root))
            if chain.identity.topic == self.topic
        }

    def listed_files(self) -> list[ListedFile]:
        found = [file for chain in list_chains(LocalStorage(self.root)) for file in chain.files]
        return sorted(found, key=lambda file: file.path)

    def wait_until_caught_up(self, *stores: str) -> None:
        for store in stores or ("postgres", "parquet"):
            wait_until(
                f"{store} has caught up",
                lambda store=store: not any(group_lag(self.kafka, self.group(store), self.topic).values()),  # type: ignore[misc]
                timeout_s=60,
            )

    def state(self, store: str) -> str | None:
        try:
            answer = httpx.get(f"http://127.0.0.1:{self.port}/connectors/{self.group(store)}/status", timeout=5)
        except httpx.TransportError:
            return None
        state: str | None = answer.json().get("connector", {}).get("state")
        return state

    def assert_clean(self) -> None:
        audited = audit_archive(self.kafka, self.topic, database_url=self.database_url, archive_root=self.root)
        assert audited.clean, audited


STARTED_US = time.time_ns() // 1000 - 600_000_000


@pytest.fixture
def suite(
    kafka_settings: KafkaSettings, make_topic: Callable[..., str], make_database: Callable[[], str], tmp_path: Path
) -> Iterator[Suite]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    made = Suite(kafka_settings, make_topic(partitions=3, name="replay"), make_database(), tmp_path / "archive", port)
    yield made
    for process in made.processes:
        if process.poll() is None:
            process.kill()
        process.wait()


def captured_at(frame: int) -> str:
    """A time between this frame's and the one before, in ISO 8601."""
    return datetime.fromtimestamp((STARTED_US / 1000 + (frame - 0.5) * FRAME_MS) / 1000, UTC).isoformat()


def moved_to(answer: Any) -> dict[int, int]:
    return {move["partition"]: move["new"] for move in answer["moves"]}


def test_each_form_is_shown_first_and_then_moves_group_and_manifest_together(suite: Suite, tmp_path: Path) -> None:
    suite.publish(600)
    ends = topic_end_offsets(suite.kafka, suite.topic)
    partition, end = max(ends.items(), key=lambda one: one[1])
    middle = captured_at(300)
    offsets_file = tmp_path / "offsets.json"
    offsets_file.write_bytes(orjson.dumps({suite.topic: {str(partition): end - 1}}))

    shown = suite.replay("archive-parquet", "--from", "earliest")
    assert "would move" in shown.stdout
    assert "--execute" in shown.stdout
    assert (suite.committed("parquet"), suite.in_manifest()) == ({}, {})

    def move(*arguments: str) -> dict[int, int]:
        before = suite.committed("parquet")
        planned = suite.replay_json("archive-parquet", *arguments)
        assert (planned["executed"], suite.committed("parquet")) == (False, before)
        done = suite.replay_json("archive-parquet", *arguments, "--execute")
        new = moved_to(done)
        assert moved_to(planned) == new
        assert suite.committed("parquet") == suite.in_manifest() == before | new
        return new

    assert move("--from", "earliest") == dict.fromkeys(ends, 0)
    assert move("--to", "latest") == ends
    assert move("--shift-by", "-10") == {index: max(0, at - 10) for index, at in ends.items()}
    assert sum(move("--from", middle).values()) == 300
    assert move("--from", "24h") == dict.fromkeys(ends, 0)
    assert move("--from", "1s") == ends
    assert move("--from", orjson.dumps({str(partition): 7}).decode()) == {partition: 7}
    assert move("--from", str(offsets_file)) == {partition: end - 1}
    assert move("--from", f"@{offsets_file}") == {partition: end - 1}


def test_offsets_the_topic_does_not_hold_are_clamped_with_a_warning(suite: Suite) -> None:
    suite.publish(300)
    ends = topic_end_offsets(suite.kafka, suite.topic)
    partition = max(ends, key=lambda index: ends[index])
    with open_admin(suite.kafka, "deleting records") as admin:
        admin.delete_records({TopicPartition(suite.topic, partition): 20})
    for wanted, expected, complaint in ((5, 20, "begins at 20"), (10_000, ends[partition], "ends at")):
        done = suite.replay("archive-parquet", "--from", orjson.dumps({str(partition): wanted}).decode(), "--execute")
        assert complaint in done.stderr
        assert str(wanted) in done.stderr
        assert suite.committed("parquet") == {partition: expected}


def test_wrong_usage_and_what_cannot_be_end_with_their_exit_codes(suite: Suite) -> None:
    suite.publish(1)
    assert "--from" in suite.replay("archive-parquet", code=2).stderr
    assert "--bounded" in suite.replay("archive-parquet", "--from", "earliest", "--to", "latest", code=2).stderr
    suite.replay("archive-parquet", "--bounded", "--to", "latest", code=2)
    assert "no place" in suite.replay("archive-parquet", "--from", "banana", code=1).stderr
    assert "does not read" in suite.replay("archive-parquet", "--from", '{"99": 1}', code=1).stderr
    assert "no connector" in suite.replay("nobody", "--from", "earliest", code=1).stderr
    assert "committed no offset" in suite.replay("archive-parquet", "--shift-by", "1", code=1).stderr
    analytics = suite.replay("analytics", "--from", "earliest", "--bounded", "--rewrite", code=1).stderr
    assert "without --rewrite" in analytics
    unreachable = suite.replay("archive-parquet", "--from", "earliest", "--rest-url", "http://127.0.0.1:1", code=1)
    assert "no service answers" in unreachable.stderr


def test_a_live_connector_is_stopped_moved_and_resumed_or_else_left_alone(suite: Suite) -> None:
    suite.publish(600)
    suite.archive()
    suite.wait_until_caught_up()
    ends = topic_end_offsets(suite.kafka, suite.topic)
    port, suite.port = suite.port, 0
    refused = suite.replay("archive-postgres", "--from", "earliest", "--execute", code=1)
    assert "member" in refused.stderr
    assert "--rest-url" in refused.stderr
    assert suite.committed("postgres") == ends
    suite.port = port

    with psycopg2.connect(suite.database_url) as connection, connection.cursor() as cursor:
        cursor.execute("DELETE FROM frames_by_day")
    connection.close()
    for store in ("postgres", "parquet"):
        suite.replay(f"archive-{store}", "--from", "earliest", "--execute")
    wait_until("both run again", lambda: suite.state("postgres") == suite.state("parquet") == "RUNNING", timeout_s=60)
    suite.wait_until_caught_up()
    suite.assert_clean()

    httpx.put(f"http://127.0.0.1:{suite.port}/connectors/{suite.group('parquet')}/pause", timeout=10)
    wait_until("it is paused", lambda: suite.state("parquet") == "PAUSED")
    suite.replay("archive-parquet", "--shift-by", "-5", "--execute")
    wait_until("it is paused again", lambda: suite.state("parquet") == "PAUSED")
    assert suite.committed("parquet") == {index: max(0, at - 5) for index, at in ends.items()}


def test_a_bounded_replay_beside_the_live_group_fills_what_was_missing_and_nothing_twice(suite: Suite) -> None:
    suite.publish(900)
    # The live group begins in the middle: what is before is not archived.
    middle = captured_at(450)
    for store in ("postgres", "parquet"):
        suite.replay(f"archive-{store}", "--from", middle, "--execute")
    live = suite.archive()
    suite.wait_until_caught_up()
    audited = audit_archive(suite.kafka, suite.topic, database_url=suite.database_url, archive_root=suite.root)
    for store in ("postgres", "parquet"):
        assert sum(one.missing for one in audited.of_store(store)) == 450

    for round_ in range(2):
        publisher = subprocess.Popen(
            [sys.executable, "-m", "holistic_cli", "load", "--rate", "100", "--seconds", "6", "--streams", "5",
             "--topic", suite.topic, "--json"],
            env=suite.environment(), stdout=subprocess.DEVNULL,
        )  # fmt: skip
        suite.processes.append(publisher)
        for store in ("postgres", "parquet"):
            done = suite.replay_json(f"archive-{store}", "--from", "earliest", "--bounded", "--execute")
            assert re.fullmatch(rf"{suite.group(store)}-replay-[0-9a-f]{{8}}", done["group"])
            assert done["records"] >= 900
            assert committed_offsets(suite.kafka, done["group"]) == {}, "its group is left behind"
        assert publisher.wait(60) == 0
        suite.wait_until_caught_up()
        suite.assert_clean()
        assert live.poll() is None, f"the live archive died in round {round_}"

    files = sorted(path for path in suite.root.rglob("*.parquet"))
    rows = count_rows(suite.database_url)
    for store in ("postgres", "parquet"):
        suite.replay(f"archive-{store}", "--from", "earliest", "--bounded", "--execute")
    assert sorted(path for path in suite.root.rglob("*.parquet")) == files
    assert count_rows(suite.database_url) == rows == sum(topic_end_offsets(suite.kafka, suite.topic).values())
    live.send_signal(signal.SIGTERM)
    assert live.wait(30) == 0


def test_a_rewritten_range_has_new_files_and_the_same_rows_beside_the_live_group(suite: Suite) -> None:
    suite.publish(600)
    live = suite.archive()
    suite.wait_until_caught_up()
    suite.assert_clean()
    before, rows, written_at = suite.listed_files(), read_rows(suite), read_archived_at(suite)
    assert "--bounded" in suite.replay("archive-parquet", "--from", "earliest", "--rewrite", code=2).stderr
    assert "keeps nothing" in suite.replay("avatar", "--from", "1h", "--bounded", "--rewrite", code=1).stderr

    middle = captured_at(300)
    for _ in range(2):
        files = suite.listed_files()
        for store in ("postgres", "parquet"):
            done = suite.replay_json(f"archive-{store}", "--from", middle, "--bounded", "--rewrite", "--execute")
            assert done["records"] >= 300
            assert committed_offsets(suite.kafka, done["group"]) == {}, "its group is left behind"
        suite.publish(30, first=600)
        suite.wait_until_caught_up()
        suite.assert_clean()
        assert not {file.path for file in files if is_of(file, middle)} & {file.path for file in suite.listed_files()}
        assert {file for file in before if not is_of(file, middle)} <= set(suite.listed_files()), "it was not replayed"
    assert {store: found[:600] for store, found in read_rows(suite).items()} == rows
    assert read_archived_at(suite)[:300] == written_at[:300]
    assert min(read_archived_at(suite)[300:600]) > max(written_at)
    live.send_signal(signal.SIGTERM)
    assert live.wait(30) == 0


def is_of(file: ListedFile, since: str) -> bool:
    """Whether it holds frames captured since then."""
    return file.captured_to_us >= datetime.fromisoformat(since).timestamp() * 1e6


def read_rows(suite: Suite) -> dict[str, list[tuple[Any, ...]]]:
    """Store → who each frame is and where a nose was, in the order the frames were made."""
    sql = 'SELECT sequence, "partition", "offset", stream_id, captured_at, {} FROM frames ORDER BY 1, 2, 3'
    with ask_parquet(suite.root, sql.format("pose.nose.x")) as parquet:
        in_parquet = list(parquet.rows)
    with ask_postgres(suite.database_url, sql.format("pose[1]")) as postgres:
        in_postgres = list(postgres.rows)
    return {"parquet": in_parquet, "postgres": in_postgres}


def read_archived_at(suite: Suite) -> list[datetime]:
    """When each row in Postgres was written, in the order the frames were made."""
    with ask_postgres(
        suite.database_url, 'SELECT archived_at FROM frames_by_day ORDER BY sequence, "offset"'
    ) as answer:
        return [at for (at,) in answer.rows]


def count_rows(database_url: str) -> int:
    connection = psycopg2.connect(database_url)
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM frames")
            [[count]] = cursor.fetchall()
            return int(count)
    finally:
        connection.close()
