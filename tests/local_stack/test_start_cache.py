"""The cache that makes Kafka's later starts fast: taken over only when whole, and never a reason to fail."""

from __future__ import annotations

from pathlib import Path

import pytest

from local_stack.layout import Layout
from local_stack.start_cache import keep_start_cache, start_cache_options


@pytest.fixture
def jars(tmp_path: Path) -> list[Path]:
    (tmp_path / "cache").mkdir()
    return [tmp_path / "cache" / "kafka.jar", tmp_path / "cache" / "clients.jar"]


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    layout = Layout(tmp_path / "home")
    layout.kafka_dir.mkdir(parents=True)
    return layout


def made_by(options: list[str]) -> Path:
    [option] = options
    assert option.startswith("-XX:AOTCacheOutput=")
    return Path(option.partition("=")[2])


def test_a_finished_cache_serves_every_later_start_with_the_same_jars(jars: list[Path], layout: Layout) -> None:
    made_by(start_cache_options(jars, layout)).write_bytes(b"cache")
    assert keep_start_cache(jars, layout)
    [option] = start_cache_options(jars, layout)
    assert option.startswith("-XX:AOTCache=")
    assert Path(option.partition("=")[2]).read_bytes() == b"cache"
    other_jars = [jars[0], jars[1].with_name("clients-2.jar")]
    assert made_by(start_cache_options(other_jars, layout)).parent == layout.kafka_dir


def test_a_cache_that_was_cut_off_is_not_taken(jars: list[Path], layout: Layout) -> None:
    made = made_by(start_cache_options(jars, layout))
    made.write_bytes(b"half")
    made.with_name(made.name + ".config").write_bytes(b"")
    assert not keep_start_cache(jars, layout)
    assert made_by(start_cache_options(jars, layout)) == made
    assert not made.exists()


def test_a_place_that_cannot_be_written_costs_only_the_speed(jars: list[Path], layout: Layout) -> None:
    made_by(start_cache_options(jars, layout)).write_bytes(b"cache")
    jars[0].parent.rmdir()
    assert not keep_start_cache(jars, layout)
    assert made_by(start_cache_options(jars, layout))
