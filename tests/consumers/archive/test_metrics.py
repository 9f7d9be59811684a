"""What the archive counts of its stores, as Prometheus reads it."""

import shutil
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from connect_runtime.sink import Assignment, TopicPartition
from consumers.archive.metrics import watch_disk
from consumers.archive.parquet.local_storage import LocalStorage
from consumers.archive.parquet.sink import ParquetSink
from observability.metrics import Metrics
from tests.consumers.archive.made_frames import NOON_US, make_batch
from tests.consumers.archive.postgres_under_test import open_sink

TEST = TopicPartition("test", 0)


def read(registry: CollectorRegistry, name: str) -> float:
    value = registry.get_sample_value(name)
    assert value is not None, f"{name} is not told"
    return value


def test_files_rows_and_bytes_count_once_they_are_listed(tmp_path: Path) -> None:
    metrics = Metrics()
    now_us = iter(range(NOON_US, NOON_US + 1_000_000_000, 50_000))
    sink = ParquetSink(LocalStorage(tmp_path), "group", lambda _: "id", lambda: next(now_us), metrics=metrics)
    sink.open(Assignment((TEST,), 1, "member", 0))
    sink.put(make_batch(20))
    assert read(metrics.registry, "holistic_parquet_files_total") == 0
    sink.flush()
    sink.flush()
    files = list((tmp_path / "frames").rglob("*.parquet"))
    assert read(metrics.registry, "holistic_parquet_files_total") == len(files) == 1
    assert read(metrics.registry, "holistic_parquet_rows_total") == 20
    assert read(metrics.registry, "holistic_parquet_bytes_total") == files[0].stat().st_size
    assert read(metrics.registry, "holistic_parquet_finish_seconds_count") == 1
    assert read(metrics.registry, "holistic_parquet_finish_seconds_sum") >= 0.05


def test_the_disk_is_told_of_before_the_archive_has_a_folder(tmp_path: Path) -> None:
    registry = Metrics().registry
    watch_disk(registry, tmp_path / "to" / "come")
    usage = shutil.disk_usage(tmp_path)
    assert read(registry, "holistic_archive_disk_size_bytes") == usage.total
    assert read(registry, "holistic_archive_disk_free_bytes") == pytest.approx(usage.free, rel=0.05)


@pytest.mark.servers
def test_rows_put_aside_for_their_date_are_counted_apart(database_url: str) -> None:
    metrics = Metrics()
    with open_sink(database_url, metrics=metrics) as sink:
        sink.put(make_batch(7, starts_at_us=0))
        sink.put(make_batch(5, first_offset=7))
        sink.flush()
    assert read(metrics.registry, "holistic_postgres_rows_out_of_range_total") == 7
    assert read(metrics.registry, "holistic_postgres_rows_total") == 12
    assert 1 <= read(metrics.registry, "holistic_postgres_write_seconds_count") <= 2
