"""The archive killed at each step of a transaction, and its database's disk full: each record is there once after."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from kafka_io.admin import group_offsets
from tests.consumers.archive.conftest import Archive, Replica
from tests.consumers.archive.made_frames import make_batch, publish
from tests.consumers.archive.postgres_proxy import Moment, OfWriting, proxy_postgres
from tests.consumers.archive.postgres_under_test import ask, run, run_alone

pytestmark = [pytest.mark.servers, pytest.mark.long, pytest.mark.timeout(170)]

FRAMES = 1_500
SMALL_CHUNKS = {"batch.size": 100, "consumer.override.max.poll.records": 100, "offset.flush.interval.ms": 500}
STEPS = {
    "before COPY": (Moment.ASKED, "COPY"),
    "during COPY": (Moment.SENDING, "COPY"),
    "after COPY": (Moment.ANSWERED, "COPY"),
    "before COMMIT": (Moment.ASKED, "COMMIT"),
    "after COMMIT, before the offsets are committed": (Moment.ANSWERED, "COMMIT"),
}
TRANSACTION = 4
DISK_BYTES = 24 * 1024 * 1024
TRIED_AGAIN = 3


def publish_frames(archive: Archive, count: int, first: int = 0) -> None:
    publish(archive.kafka, archive.topic, make_batch(count, first_offset=first, starts_at_us=time.time_ns() // 1000))


def committed(archive: Archive) -> int:
    return sum(group_offsets(archive.kafka, archive.group("postgres"), archive.topic).values())


def check_each_is_there_once(archive: Archive, count: int) -> None:
    audited = archive.audit().of_store("postgres")
    assert all(part.clean for part in audited), audited
    assert sum(part.rows for part in audited) == archive.rows("postgres") == count


@pytest.mark.parametrize("step", STEPS)
def test_killed_at_a_step_of_a_transaction_the_archive_goes_on_with_each_record_once(
    archive: Archive, step: str
) -> None:
    publish_frames(archive, FRAMES)
    moment, statement = STEPS[step]
    victims: list[Replica] = []
    watch = OfWriting(moment, statement, TRANSACTION, lambda: victims[0].send_signal(signal.SIGKILL))
    direct = archive.database_url
    with proxy_postgres(direct, watch) as proxied:
        archive.database_url = proxied
        victims.append(archive.start("postgres", {**SMALL_CHUNKS, "connections": 1}))
        archive.database_url = direct
        assert watch.reached.wait(60), archive.log.read_text()[-4000:]
        assert victims[0].wait() == -signal.SIGKILL
    done = TRANSACTION if step.startswith("after COMMIT") else TRANSACTION - 1
    assert ask(direct, "SELECT count(DISTINCT xmin::text) FROM frames_by_day") == [(done,)]
    offsets, rows = committed(archive), archive.rows("postgres")
    assert offsets < rows if done == TRANSACTION else offsets <= rows, "an offset was committed before its row"
    archive.replicas.clear()
    archive.start("postgres", SMALL_CHUNKS)
    archive.wait_until(lambda: archive.lag("postgres") == 0)
    check_each_is_there_once(archive, FRAMES)


@pytest.fixture
def small_disk(database_url: str) -> Iterator[tuple[str, Path]]:
    """A tablespace on a disk of its own of 24 MB, and where the disk is."""
    [(data_dir,)] = ask(database_url, "SHOW data_directory")
    if os.geteuid() != 0 or not Path(data_dir).is_dir():
        pytest.skip("needs root, and the database on this machine, to give it a small disk")
    owner = Path(data_dir).stat()
    # Not below the data directory, which Postgres warns of, and not below a directory only root may enter.
    disk = Path(tempfile.mkdtemp(prefix="holistic-small-disk-", dir="/tmp"))
    disk.chmod(0o755)
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES},mode=755", "tmpfs", str(disk)],
        check=False,
        capture_output=True,
    )
    if mounted.returncode != 0:
        disk.rmdir()
        pytest.skip(f"needs to mount a small disk: {mounted.stderr.decode().strip()}")
    tables = disk / "tables"
    tables.mkdir()
    os.chown(tables, owner.st_uid, owner.st_gid)
    name = f"small_{uuid.uuid4().hex[:8]}"
    try:
        run_alone(database_url, f"CREATE TABLESPACE {name} LOCATION '{tables}'")
        yield name, disk
        run(database_url, "DROP TABLE frames_by_day CASCADE")
        run_alone(database_url, f"ALTER DATABASE {database_url.rpartition('/')[2]} RESET default_tablespace")
        run_alone(database_url, f"DROP TABLESPACE {name}")
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)
        shutil.rmtree(disk, ignore_errors=True)


def test_a_full_disk_pauses_the_archive_until_there_is_space_again(
    archive: Archive, database_url: str, small_disk: tuple[str, Path]
) -> None:
    tablespace, disk = small_disk
    archive.database_url = database_url
    database = database_url.rpartition("/")[2]
    run_alone(database_url, f"ALTER DATABASE {database} SET default_tablespace = {tablespace}")
    run_alone(database_url, f"GRANT CREATE ON TABLESPACE {tablespace} TO holistic_days")
    ballast = disk / "ballast"
    ballast.write_bytes(b"\0" * (DISK_BYTES * 3 // 4))
    # Its faces alone are more than there is.
    publish_frames(archive, FRAMES)
    service = archive.start("postgres", SMALL_CHUNKS)
    archive.wait_until(lambda: "No space left on device" in archive.log.read_text())
    tried = sum(service.retries().values())
    archive.wait_until(lambda: sum(service.retries().values()) >= tried + TRIED_AGAIN)
    assert service.process.poll() is None
    kept = archive.rows("postgres")
    assert kept < FRAMES
    assert committed(archive) <= kept
    publish_frames(archive, 10, first=FRAMES)
    ballast.unlink()
    archive.wait_until(lambda: archive.lag("postgres") == 0)
    service.send_signal(signal.SIGTERM)
    assert service.wait() == 0
    check_each_is_there_once(archive, FRAMES + 10)
