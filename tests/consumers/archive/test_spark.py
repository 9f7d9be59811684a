"""Spark on the Iceberg table: it counts what Postgres counts, opens only what it must, and sees what is replaced."""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, NoReturn

import orjson
import pytest
from sqlalchemy import make_url

from consumers.archive.iceberg.catalog import IcebergCatalog
from consumers.archive.parquet.location import open_storage
from consumers.archive.sql import ask_postgres
from local_stack.artifacts import fetch_artifacts
from local_stack.layout import default_cache_dir
from local_stack.progress import SilentProgress
from tests.conftest import in_ci
from tests.consumers.archive import spark_shell
from tests.consumers.archive.archived import Archived
from tests.consumers.archive.followed import HOUR_US, compact
from tests.consumers.archive.made_frames import FRAME_US, NOON_US, make_batch

pytestmark = [pytest.mark.servers, pytest.mark.long, pytest.mark.timeout(300)]

DAY_US = 24 * HOUR_US
JAVA_VERSIONS = (17, 21)


class Spark:
    """A Spark of one thread that finds the table by its JDBC catalog."""

    def __init__(self, java: Path, jars: list[Path], catalog: IcebergCatalog, database_url: str, scratch: Path) -> None:
        url = make_url(database_url)
        named = {
            "": "org.apache.iceberg.spark.SparkCatalog",
            ".type": "jdbc",
            ".uri": catalog.jdbc_url,
            ".jdbc.user": str(url.username),
            ".jdbc.password": str(url.password or ""),
            ".jdbc.schema-version": "V1",
            ".warehouse": catalog.url("iceberg"),
            # What is committed is to be seen at once.
            ".cache-enabled": "false",
        }
        settings = {
            "spark.master": "local[1]",
            "spark.driver.host": "127.0.0.1",
            "spark.driver.bindAddress": "127.0.0.1",
            "spark.ui.enabled": "false",
            "spark.sql.warehouse.dir": str(scratch / "warehouse"),
            "spark.local.dir": str(scratch),
            **{f"spark.sql.catalog.archive{name}": value for name, value in named.items()},
        }
        self._log = (scratch / "spark.log").open("wb")
        self._process = subprocess.Popen(
            [sys.executable, spark_shell.__file__, orjson.dumps(settings).decode()],
            env={
                **os.environ,
                "JAVA_HOME": str(java),
                "SPARK_LOCAL_IP": "127.0.0.1",
                "PYSPARK_SUBMIT_ARGS": f"--driver-memory 768m --jars {','.join(map(str, jars))} pyspark-shell",
            },
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
            cwd=scratch,
        )
        self.version = self._read_answer()[0][0]

    def ask(self, sql: str) -> list[list[Any]]:
        """Rows of an answer."""
        assert self._process.stdin is not None
        self._process.stdin.write(orjson.dumps({"sql": sql}).decode() + "\n")
        self._process.stdin.flush()
        return self._read_answer()

    def stop(self) -> None:
        self._process.communicate(timeout=60)
        self._log.close()

    def _read_answer(self) -> list[list[Any]]:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.startswith(spark_shell.ANSWER):
                answer = orjson.loads(line.removeprefix(spark_shell.ANSWER))
                assert "error" not in answer, answer["error"]
                rows: list[list[Any]] = answer["rows"]
                return rows
        raise AssertionError(Path(self._log.name).read_text()[-4000:])


def cannot_run(reason: str) -> NoReturn:
    if in_ci():
        pytest.fail(f"{reason}, and CI needs it")
    pytest.skip(f"needs Spark: {reason}")


@pytest.fixture(scope="session")
def java() -> Path:
    """The home of a Java that Spark runs on."""
    if importlib.util.find_spec("pyspark") is None:
        cannot_run("PySpark is not installed (make setup-spark)")
    on_path = shutil.which("java")
    homes = [
        *([Path(os.environ["JAVA_HOME"])] if os.environ.get("JAVA_HOME") else []),
        *([Path(on_path).resolve().parents[1]] if on_path else []),
        *(Path("/usr/lib/jvm").glob("java-*-openjdk-*")),
    ]
    for home in homes:
        if (home / "bin" / "java").exists():
            said = subprocess.run(
                [home / "bin" / "java", "-version"], capture_output=True, text=True, check=False
            ).stderr
            version = re.search(r'version "(\d+)', said)
            if version and int(version.group(1)) in JAVA_VERSIONS:
                return home
    cannot_run("there is no Java 17 or 21 (Debian: apt-get install openjdk-17-jre-headless)")


@pytest.fixture(scope="session")
def jars() -> list[Path]:
    """Iceberg's runtime for Spark, and Postgres' JDBC driver."""
    return fetch_artifacts("iceberg-spark", default_cache_dir(), SilentProgress())


@pytest.fixture
def start_spark(java: Path, jars: list[Path], archived: Archived, tmp_path: Path) -> Iterator[Callable[[], Spark]]:
    started: list[Spark] = []
    scratch = tmp_path / "spark"
    scratch.mkdir()
    catalog = IcebergCatalog(archived.database_url, open_storage(archived.root))

    def start() -> Spark:
        started.append(Spark(java, jars, catalog, archived.database_url, scratch))
        return started[-1]

    yield start
    for spark in started:
        spark.stop()
    catalog.close()


ONE_DAY = "captured_at >= TIMESTAMP '2026-09-22 00:00:00Z' AND captured_at < TIMESTAMP '2026-09-23 00:00:00Z'"
WRIST_OF_ONE = f"SELECT captured_at, pose.left_wrist.y FROM archive.holistic.frames WHERE {ONE_DAY} AND stream_id ="


def test_spark_counts_what_postgres_counts_and_sees_what_is_replaced_meanwhile(
    archived: Archived, start_spark: Callable[[], Spark]
) -> None:
    write_days(archived, days=3, streams=2)
    archived.run("iceberg", "sync")
    spark = start_spark()
    for sql in (
        "SELECT stream_id, count(*), min({offset}), max({offset}) FROM {frames} GROUP BY 1 ORDER BY 1",
        "SELECT count(*), count(face), count(left_hand), count(DISTINCT captured_at) FROM {frames}",
        "SELECT round(avg({wrist}), 4) FROM {frames} WHERE stream_id = 'performer-1'",
    ):
        of_postgres = sql.format(offset='"offset"', frames="frames", wrist="pose[15 * 4 + 2]::float8::numeric")
        with ask_postgres(archived.database_url, of_postgres) as answer:
            in_postgres = [
                [float(value) if isinstance(value, Decimal) else value for value in row] for row in answer.rows
            ]
        of_spark = sql.format(offset="`offset`", frames="archive.holistic.frames", wrist="double(pose.left_wrist.y)")
        assert spark.ask(of_spark) == in_postgres
    compact(open_storage(archived.root))
    archived.keep(make_batch(200, topic=archived.topic, first_offset=1200))
    report = orjson.loads(archived.run("iceberg", "sync", "--json"))
    assert report["removed_files"] >= 6
    assert spark.ask("SELECT count(*), count(DISTINCT `offset`) FROM archive.holistic.frames") == [[1400, 1400]]
    operations = spark.ask("SELECT operation FROM archive.holistic.frames.snapshots ORDER BY committed_at")
    assert operations == [["append"], ["overwrite"]]


def test_spark_opens_only_the_files_of_the_day_and_the_stream(
    archived: Archived, start_spark: Callable[[], Spark]
) -> None:
    write_days(archived, days=3, streams=2)
    archived.run("iceberg", "sync")
    spark = start_spark()
    plan = spark.ask(f"EXPLAIN FORMATTED {WRIST_OF_ONE} 'performer-1'")[0][0]
    pushed_down = re.search(r"holistic\.frames \(branch=null\) \[filters=(.*), groupedBy", plan)
    assert pushed_down, plan
    assert "captured_at >= 1790035200000000, captured_at < 1790121600000000" in pushed_down.group(1)
    assert "stream_id = 'performer-1'" in pushed_down.group(1)
    # Whole days need no look at the rows.
    assert not re.search(r"Condition : .*captured_at", plan), plan
    [[needed]] = spark.ask(
        f"SELECT DISTINCT _file FROM archive.holistic.frames WHERE {ONE_DAY} AND stream_id = 'performer-1'"
    )
    for path in (archived.root / "frames").rglob("*.parquet"):
        if not needed.endswith(path.name):
            path.unlink()
    assert len(spark.ask(f"{WRIST_OF_ONE} 'performer-1'")) == 200


def write_days(archived: Archived, days: int, streams: int) -> None:
    """200 frames of each stream on each day, in a file of their own."""
    for number in range(days * streams):
        starts_at_us = NOON_US + number // streams * DAY_US - number * 200 * FRAME_US
        batch = make_batch(200, topic=archived.topic, first_offset=200 * number, starts_at_us=starts_at_us)
        batch.stream_id[:] = f"performer-{number % streams}"
        archived.keep(batch)
