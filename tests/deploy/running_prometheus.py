"""A real Prometheus on loopback that reads services as ours does, only more often."""

from __future__ import annotations

import json
import subprocess
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from demo.services import find_free_port
from tests.deploy.expressions import PROMETHEUS, RULE_FILES


class RunningPrometheus:
    """Asked over HTTP, as Grafana does."""

    def __init__(self, port: int) -> None:
        self._address = f"http://127.0.0.1:{port}"

    def ask(self, expr: str) -> list[dict[str, Any]]:
        """The series an expression has now, but for those that are no number."""
        query = urllib.parse.urlencode({"query": expr})
        with urllib.request.urlopen(f"{self._address}/api/v1/query?{query}", timeout=30) as answer:
            said = json.load(answer)["data"]
        found: list[dict[str, Any]] = said["result"] if said["resultType"] == "vector" else [said]
        return [series for series in found if series.get("value", (0, "0"))[1] != "NaN"]

    def is_ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self._address}/-/ready", timeout=2) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False


@contextmanager
def running_prometheus(program: str, targets: Mapping[str, str], home: Path) -> Iterator[RunningPrometheus]:
    """Reads `targets` (job → host:port) once a second, with all our rules. Stopped at the end of the block."""
    port = find_free_port()
    config = yaml.safe_load((PROMETHEUS / "prometheus.yml").read_text(encoding="utf-8"))
    config["global"] |= {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"}
    config["rule_files"] = [str(path) for path in RULE_FILES]
    for job in config["scrape_configs"]:
        job.pop("dns_sd_configs", None)
        job["static_configs"] = [{"targets": [targets.get(job["job_name"], f"127.0.0.1:{port}")]}]
    (home / "prometheus.yml").write_text(yaml.safe_dump(config), encoding="utf-8")
    command = [
        program, f"--config.file={home / 'prometheus.yml'}", f"--storage.tsdb.path={home / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}", "--log.level=warn",
    ]  # fmt: skip
    with (home / "prometheus.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
    try:
        prometheus = RunningPrometheus(port)
        deadline_s = time.monotonic() + 60
        while not prometheus.is_ready():
            assert process.poll() is None, (home / "prometheus.log").read_text()
            assert time.monotonic() < deadline_s, "Prometheus does not come up"
            time.sleep(0.1)
        yield prometheus
    finally:
        process.terminate()
        process.wait(30)
