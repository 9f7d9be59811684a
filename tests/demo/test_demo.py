"""The whole journey, with real parts, as `holistic demo` runs it."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from local_stack import Endpoints

pytestmark = [pytest.mark.servers, pytest.mark.mediapipe, pytest.mark.timeout(240)]


def run_demo(stack: Endpoints, archive_dir: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {
        **os.environ,
        "KAFKA_BOOTSTRAP_SERVERS": stack.kafka_bootstrap_servers,
        "DATABASE_URL": stack.database_url,
        "HOLISTIC_ARCHIVE_DIR": str(archive_dir),
        # A message with a path in it is not to be broken in the middle of it.
        "COLUMNS": "300",
    }
    return subprocess.run(
        [sys.executable, "-m", "holistic_cli", "demo", *arguments],
        env=environment,
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )


def read_result(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def test_a_recorded_video_arrives_everywhere_once(stack: Endpoints, shared_data: Path, tmp_path: Path) -> None:
    done = run_demo(stack, tmp_path, str(shared_data / "videos" / "hoy_001.mp4"), "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    result = read_result(done)
    for name in ("frames_read", "published", "acknowledged", "postgres_rows", "parquet_rows"):
        assert result[name] == 64, name
    assert result["frames_with_person"] == 64
    assert (result["gaps"], result["duplicates"]) == (0, 0)
    assert result["avatar_packets"] > 0
    thumbs_down = [event for event in result["gesture_events"] if event["kind"] == "thumbs_down"]
    assert [event["hand"] for event in thumbs_down] == ["right"]
    for latency in result["latency_ms"].values():
        assert 0 < latency["p50"] <= latency["p99"]
        assert latency["mean"] > 0


def test_without_a_source_a_photograph_and_a_performer_are_sent(stack: Endpoints, tmp_path: Path) -> None:
    done = run_demo(stack, tmp_path, "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    result = read_result(done)
    assert result["frames_read"] == result["postgres_rows"] == result["parquet_rows"] > 300
    assert any(event["kind"] == "thumbs_up" and event["hand"] == "right" for event in result["gesture_events"])


def test_a_source_that_cannot_be_read_is_named_and_ends_1(stack: Endpoints, tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.mp4"
    damaged.write_bytes(b"no video at all")
    done = run_demo(stack, tmp_path / "archive", str(damaged), "--json")
    assert done.returncode == 1
    assert any("damaged.mp4" in problem for problem in read_result(done)["problems"])


def test_a_source_that_is_not_there_is_wrong_usage(stack: Endpoints, tmp_path: Path) -> None:
    done = run_demo(stack, tmp_path, str(tmp_path / "missing.mp4"))
    assert done.returncode == 2
    assert "missing.mp4" in done.stderr
