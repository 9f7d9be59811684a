"""The process an operator starts: its health, its metrics, its end, and what it says when it cannot begin."""

import os
import subprocess
import sys
import urllib.error
import urllib.request

import pytest

from tests.conftest import REPOSITORY
from tests.producer_service.image_topic.conftest import ImageTopic
from tests.producer_service.image_topic.processes import member
from tests.producer_service.waiting import wait_until


def ask(port: int, path: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


@pytest.mark.servers
def test_a_process_is_ready_once_it_has_its_partitions_counts_and_ends_well(images: ImageTopic) -> None:
    images.send(["ada", "bob"] * 3)
    with member(images) as process:
        assert process.stdout is not None
        port = int(process.stdout.readline())
        assert ask(port, "/livez")[0] == 200
        wait_until(lambda: ask(port, "/readyz")[0] == 200)
        wait_until(lambda: "holistic_images_published_total 6.0" in ask(port, "/metrics")[1])
        said = ask(port, "/metrics")[1]
        assert "holistic_images_partitions 6.0" in said
        assert "holistic_images_dead_letters_total 0.0" in said
        assert "holistic_producer_workers_replaced_total 0.0" in said
        assert 'holistic_producer_pictures_total{outcome="acknowledged",reason=""} 6.0' in said
        assert "process_cpu_seconds_total" in said
        process.terminate()
        assert process.wait(30) == 0
        assert "'adds_up': True" in process.stdout.read()
    images.check_each_once()
    assert images.all_committed()


def test_what_keeps_it_from_beginning_is_one_clear_line() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "producer_service.image_topic", "--to-end"],
        env={**os.environ, "HOLISTIC_IMAGES_WORKERS": "0"},
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert "HOLISTIC_IMAGES_WORKERS" in done.stderr
    assert "Traceback" not in done.stderr
