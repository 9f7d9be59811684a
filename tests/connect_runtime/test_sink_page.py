"""The page for authors of sinks: its code is run as it stands there."""

from __future__ import annotations

import importlib
import os
import re
import signal
import sqlite3
import subprocess
import sys
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest

from kafka_io.admin import group_offsets
from kafka_io.settings import KafkaSettings
from tests.conftest import REPOSITORY
from tests.connect_runtime.harness import OnKafka, encode_empty_frame, wait_until

BLOCK = re.compile(r"^```python\n# (\S+\.py)\n(.*?)^```$", re.M | re.S)


@pytest.fixture
def page(tmp_path: Path) -> Path:
    """A folder with the files on the page."""
    blocks = BLOCK.findall((REPOSITORY / "docs" / "writing-a-sink.md").read_text(encoding="utf-8"))
    for name, code in blocks:
        (tmp_path / name).write_text(code, encoding="utf-8")
    assert [name for name, _ in blocks] == ["wrists.py", "test_wrists.py", "run_wrists.py"]
    return tmp_path


def test_the_sink_is_as_short_as_promised(page: Path) -> None:
    lines = (page / "wrists.py").read_text(encoding="utf-8").partition("class WristSink")[2].splitlines()
    assert sum(bool(line.strip()) for line in lines) <= 31


def test_the_page_s_own_test_passes(page: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(page))
    tried = importlib.import_module("test_wrists")
    try:
        tried.test_each_frame_is_stored_once_also_through_a_rebalance(str(page / "tried.db"))
    finally:
        for name in ("test_wrists", "wrists"):
            sys.modules.pop(name)


@pytest.mark.servers
def test_the_page_s_service_runs_and_drains(
    page: Path, kafka_settings: KafkaSettings, make_topic: Callable[..., str]
) -> None:
    topic = make_topic(partitions=2, name="wrists")
    OnKafka(kafka_settings, make_topic).publish(topic, 0, [encode_empty_frame(index) for index in range(20)])
    script = page / "run_wrists.py"
    # The group is a name of everybody's: this test needs one of its own.
    group = f"wrists-{uuid.uuid4().hex[:8]}"
    script.write_text(script.read_text(encoding="utf-8").replace('"wrists",', f'"{group}",'), encoding="utf-8")
    environment = os.environ | {
        "KAFKA_BOOTSTRAP_SERVERS": kafka_settings.bootstrap_servers,
        "PYTHONPATH": f"{REPOSITORY}{os.pathsep}{page}",
    }
    process = subprocess.Popen([sys.executable, script, topic, page / "run.db"], env=environment, cwd=page)
    try:
        wait_until("read", lambda: group_offsets(kafka_settings, group, topic) == {0: 20})
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    finally:
        process.kill()
        process.wait()
    with sqlite3.connect(page / "run.db") as store:
        assert store.execute("SELECT COUNT(*) FROM wrists").fetchone() == (0,)
    store.close()
