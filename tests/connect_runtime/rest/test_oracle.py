"""The script that recorded a real Kafka Connect worker, run against the archive: it must answer the same."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kafka_io.publisher import BoundedPublisher
from tests.connect_runtime.harness import encode_empty_frame
from tests.consumers.archive.conftest import Archive, archive

__all__ = ["archive"]
pytestmark = [pytest.mark.servers, pytest.mark.long, pytest.mark.timeout(240)]

PLUGIN = "holistic.archive.PostgresSinkConnector"
PARTITIONS = 3
# What the oracle itself notes: Connect answers 500 where the request is wrong.
WRONG_REQUESTS = {
    "POST /connectors {not json": 400,
    "PATCH /connectors/archive-oracle/offsets {oops": 400,
    "PATCH /connectors/archive-oracle/offsets negative": 400,
}
# Connectors are what a service was deployed with (decision 0211): none is made or deleted while it runs.
CREATED_AND_DELETED = {
    "POST /connectors #1": 409,
    "DELETE /connectors/archive-oracle #1": 405,
    "GET /connectors/archive-oracle deleted": 200,
}
EXCEPTIONS = {**WRONG_REQUESTS, **CREATED_AND_DELETED}
# Members of these objects are names of connectors, settings and loggers.
MAPS = {"config", "GET /admin/loggers", "GET /connectors/archive-oracle/config"}

Call = dict[str, Any]


def name_calls(calls: list[Call]) -> dict[str, Call]:
    """Each call under what tells it from the others: request, raw body or note, and how often it came before."""
    named: dict[str, Call] = {}
    for call in calls:
        name = call["request"]
        known_notes = (
            "deleted",
            "again",
            "paused",
            "resumed",
            "stopped",
            "while RUNNING",
            "after",
            "numbers",
            "negative",
        )
        note = next((word for word in known_notes if word in call.get("note", "")), None)
        if note is None and call.get("body") == negative(call):
            note = "negative"
        suffix = call.get("raw") or note
        name = f"{name} {suffix}" if suffix else name
        turn = 1
        while f"{name} #{turn}" in named:
            turn += 1
        named[f"{name} #{turn}"] = call
    return named


def negative(call: Call) -> Any:
    """The body of the call with a negative offset, whose note the oracle replaced by its remark."""
    for one in (call.get("body") or {}).get("offsets") or ():
        if isinstance(one, dict) and (one.get("offset") or {}).get("kafka_offset") == -5:
            return call["body"]
    return object()


def shape(value: Any, inside: str = "") -> Any:
    """What keys and kinds of values there are, whatever the values."""
    if isinstance(value, dict):
        if inside in MAPS:
            return {"*": merge([shape(one) for one in value.values()])}
        return {key: shape(one, key) for key, one in value.items()}
    if isinstance(value, list):
        return [merge([shape(one) for one in value])]
    return {"null"} if value is None else {type(value).__name__}


def merge(shapes: list[Any]) -> Any:
    """One shape for the elements of a list."""
    merged: Any = None
    for one in shapes:
        if merged is None:
            merged = one
        elif isinstance(merged, dict) and isinstance(one, dict):
            keys = merged.keys() | one.keys()
            merged = {key: merge([part[key] for part in (merged, one) if key in part]) for key in keys}
        elif isinstance(merged, set) and isinstance(one, set):
            merged = merged | one
        elif isinstance(merged, list) and isinstance(one, list):
            merged = [merge([part for part in (merged[0], one[0]) if part is not None])]
    return merged


def differences(ours: Any, theirs: Any, path: str = "") -> list[str]:
    """Where two shapes differ; what is empty on one side fits anything."""
    if ours is None or theirs is None:
        return []
    if isinstance(ours, dict) and isinstance(theirs, dict):
        found = [f"{path}: {sorted(ours.keys() ^ theirs.keys())}"] if ours.keys() != theirs.keys() else []
        for key in ours.keys() & theirs.keys():
            found += differences(ours[key], theirs[key], f"{path}.{key}")
        return found
    if isinstance(ours, list) and isinstance(theirs, list):
        return differences(ours[0], theirs[0], f"{path}[]")
    if isinstance(ours, set) and isinstance(theirs, set):
        return [] if ours <= theirs | {"null"} or theirs == {"null"} else [f"{path}: {ours} is not {theirs}"]
    return [f"{path}: {ours} is not {theirs}"]


@pytest.fixture
def oracle(shared_data: Path) -> Path:
    """The recording and its script."""
    directory = shared_data.parent / "oracle"
    if not (directory / "connect-rest.json").is_file():
        pytest.skip(f"needs the recording of Kafka Connect in {directory}")
    return directory


@pytest.fixture
def recorded(archive: Archive, oracle: Path) -> Iterator[list[Call]]:
    """How the archive answered the script."""
    with BoundedPublisher(archive.kafka) as publisher:
        for sequence in range(10):
            for partition in range(PARTITIONS):
                publisher.publish(archive.topic, b"ada", encode_empty_frame(sequence), partition=partition)
    replica = archive.start("postgres", {"tasks.max": 2})
    archive.wait_until(lambda: is_ready(replica.port))
    archive.wait_until(lambda: archive.lag("postgres") == 0)
    name = archive.group("postgres")
    create = json.dumps({"connector.class": PLUGIN, "tasks.max": "2", "topics": archive.topic})
    script = [sys.executable, str(oracle / "record_connect_rest.py"), f"http://127.0.0.1:{replica.port}"]
    ended = subprocess.run(
        [*script, name, archive.topic, PLUGIN, create], capture_output=True, text=True, timeout=200, check=False
    )
    assert ended.returncode == 0, ended.stderr
    yield json.loads(ended.stdout.replace(name, "archive-oracle").replace(archive.topic, "oracle-topic"))
    replica.send_signal(signal.SIGTERM)
    assert replica.wait() == 0


def is_ready(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5):
            return True
    except (urllib.error.URLError, OSError):
        return False


def test_every_call_is_answered_as_kafka_connect_answers_it(recorded: list[Call], oracle: Path) -> None:
    theirs = name_calls(json.loads((oracle / "connect-rest.json").read_text())["calls"])
    ours = name_calls(recorded)
    theirs = {name.replace("FileStreamSinkConnector", "PostgresSinkConnector"): call for name, call in theirs.items()}
    assert len(theirs) > 70
    problems = [f"not asked: {name}" for name in theirs.keys() - ours.keys()]
    used: set[str] = set()
    for name, expected in theirs.items():
        if name not in ours:
            continue
        answered = ours[name]
        exception = next((key for key in (name, name.rpartition(" #")[0]) if key in EXCEPTIONS), None)
        if exception is not None:
            used.add(exception)
            if answered["status"] != EXCEPTIONS[exception]:
                problems.append(f"{name}: {answered['status']} is not the excepted {EXCEPTIONS[exception]}")
            continue
        if answered["status"] != expected["status"]:
            problems.append(f"{name}: {answered['status']} is not {expected['status']}: {answered['response']}")
            continue
        if expected["content_type"] is not None and answered["content_type"] != expected["content_type"]:
            problems.append(f"{name}: {answered['content_type']} is not {expected['content_type']}")
        request = expected["request"]
        problems += [
            f"{name}{found}"
            for found in differences(shape(answered["response"], request), shape(expected["response"], request))
        ]
    assert not problems, "\n".join(problems)
    assert used == EXCEPTIONS.keys(), "an exception is none any more"
