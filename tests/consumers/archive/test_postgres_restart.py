"""The database killed under a writing archive: it comes back, and nothing is lost or there twice."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from kafka_io.admin import create_topics
from kafka_io.settings import KafkaSettings
from keypoints.topics import TopicSpec
from local_stack import start_stack, stop_stack
from local_stack.layout import Layout
from local_stack.status import read_status
from tests.consumers.archive.conftest import Archive
from tests.consumers.archive.made_frames import make_batch, publish

pytestmark = [pytest.mark.servers, pytest.mark.timeout(240)]

ROWS = 1_500
KILLS = 2


@pytest.fixture
def doomed(tmp_path: Path) -> Iterator[tuple[Path, Archive]]:
    """A stack of this test's own, for it kills its database, and an archive on it."""
    data_dir = Path(tempfile.mkdtemp(prefix="holistic-crash-"))
    try:
        stack = start_stack(data_dir)
        kafka = KafkaSettings(bootstrap_servers=stack.kafka_bootstrap_servers)
        create_topics(kafka, [TopicSpec("frames", 3)])
        archive = Archive(kafka, "frames", stack.database_url, tmp_path / "archive", tmp_path / "log")
        try:
            yield data_dir, archive
        finally:
            for replica in archive.replicas:
                replica.process.kill()
                replica.process.wait()
    finally:
        stop_stack(data_dir)
        shutil.rmtree(data_dir, ignore_errors=True)


def postgres_pid(data_dir: Path) -> int | None:
    status = read_status(Layout(data_dir))
    part = status.part("postgres") if status else None
    return part.pid if part is not None and part.state == "running" else None


def is_back(data_dir: Path, before: int) -> bool:
    return postgres_pid(data_dir) not in (None, before)


def test_a_killed_database_costs_no_row_and_doubles_none(doomed: tuple[Path, Archive]) -> None:
    data_dir, archive = doomed
    service = archive.start()
    for turn in range(KILLS):
        pid = postgres_pid(data_dir)
        assert pid is not None
        publish(
            archive.kafka,
            archive.topic,
            make_batch(ROWS, first_offset=turn * ROWS, starts_at_us=time.time_ns() // 1000 - 3_600_000_000),
        )
        archive.wait_until(lambda: archive.lag("postgres") < ROWS)
        os.kill(pid, signal.SIGKILL)
        archive.wait_until(partial(is_back, data_dir, pid))
    last = make_batch(ROWS, first_offset=KILLS * ROWS, starts_at_us=time.time_ns() // 1000 - 600_000_000)
    publish(archive.kafka, archive.topic, last)
    archive.wait_until_caught_up()
    assert archive.rows("postgres") == archive.rows("parquet") == (KILLS + 1) * ROWS
    audited = archive.audit()
    assert audited.clean, audited
    service.send_signal(signal.SIGTERM)
    assert service.wait() == 0
