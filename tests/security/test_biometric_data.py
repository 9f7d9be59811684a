"""What docs/biometric-data.md promises of logs, metrics and disks, held to by the source itself."""

from __future__ import annotations

import ast
import importlib
from collections.abc import Iterator
from pathlib import Path

from keypoints.topics import DEAD_LETTER_ROOM_BYTES, IMAGES_TOPIC, SUITE_TOPICS
from observability.metrics import CounterDef, GaugeDef, HistogramDef
from tests.conftest import REPOSITORY

ROOMS = ("keypoints", "kafka_io", "observability", "connect_runtime", "consumers", "producer_service")
HARMLESS_LABELS = {
    "category", "connector", "kind", "of", "outcome", "phase", "reason", "rule", "state", "task", "version", "topic",
    "partition", "error", "why", "what", "target", "profile", "form", "group", "store", "stage", "method", "status",
}  # fmt: skip
"""Of a bounded number of values, none of them a person's."""
LANDMARKS = {"pose", "pose_world", "face", "left_hand", "right_hand", "landmarks", "frame", "batch", "image", "pixels"}
WRITES_FILES = {
    "producer_service/access/key_file.py": "API keys: names and digests",
    "producer_service/landmarks/native_noise.py": "what libraries say to standard error, caught for a moment",
    "producer_service/isolation/picture_memory.py": "anonymous memory that two processes share; gone with them",
    "producer_service/progress/journal.py": "how far a file is: numbers",
    "producer_service/rpc/schema.py": "the compiled interface, for a moment",
    "producer_service/spill/segments.py": "frames that wait for Kafka, readable by their owner",
    "producer_service/spill/store.py": "the spill's marker and lock",
}
_OPENERS = {"open", "fdopen", "write_bytes", "write_text", "memfd_create", "mkstemp", "NamedTemporaryFile",
            "TemporaryFile", "SharedMemory"}  # fmt: skip


def find_sources(*rooms: str) -> Iterator[tuple[str, ast.Module]]:
    for room in rooms:
        for path in sorted((REPOSITORY / room).rglob("*.py")):
            yield str(path.relative_to(REPOSITORY)), ast.parse(path.read_text(encoding="utf-8"))


def find_calls(tree: ast.Module) -> Iterator[tuple[str, ast.Call]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            function = node.func
            yield (function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")), node


def test_no_metric_has_a_label_of_a_stream_or_a_person() -> None:
    kinds = (CounterDef, GaugeDef, HistogramDef)
    found: dict[str, tuple[str, ...]] = {}
    for name, tree in find_sources(*ROOMS):
        if any(called in {kind.__name__ for kind in kinds} for called, _ in find_calls(tree)):
            module = importlib.import_module(name.removesuffix(".py").replace("/", "."))
            found |= {one.name: one.labels for one in vars(module).values() if isinstance(one, kinds)}
    assert len(found) > 40
    assert {name: labels for name, labels in found.items() if not set(labels) <= HARMLESS_LABELS} == {}


def is_written(call: ast.Call) -> bool:
    """Whether an `open` may write: its mode says so, or is not to be seen here."""
    given = [*call.args, *(keyword.value for keyword in call.keywords if keyword.arg == "mode")]
    modes = [one.value for one in given if isinstance(one, ast.Constant) and isinstance(one.value, str)]
    return any(set(mode) <= set("rwaxbt+") and set(mode) & set("wax+") for mode in modes)


def test_the_producer_writes_no_picture_to_a_disk() -> None:
    writing = set()
    for name, tree in find_sources("producer_service"):
        for called, call in find_calls(tree):
            owner = getattr(getattr(call.func, "value", None), "id", "")
            if called in _OPENERS and (called != "open" or owner == "os" or is_written(call)):
                writing.add(name)
    assert writing <= WRITES_FILES.keys(), "say in docs/biometric-data.md what it keeps"


def test_no_line_of_a_log_holds_landmarks_or_pixels() -> None:
    levels = {"debug", "info", "warning", "error", "exception", "critical", "log"}
    telling = []
    for name, tree in find_sources(*ROOMS):
        for called, call in find_calls(tree):
            if called in levels and getattr(getattr(call.func, "value", None), "id", "") == "log":
                told = [*call.args[1:], *(keyword.value for keyword in call.keywords if keyword.arg == "extra")]
                values = [value for one in told for value in (one.values if isinstance(one, ast.Dict) else [one])]
                telling += [
                    f"{name}:{call.lineno}"
                    for value in values
                    if (isinstance(value, ast.Name) and value.id in LANDMARKS)
                    or (isinstance(value, ast.Attribute) and value.attr in LANDMARKS)
                ]
    assert telling == []


def test_pictures_on_their_topic_are_kept_for_a_day() -> None:
    [images] = [spec for spec in SUITE_TOPICS if spec.name == IMAGES_TOPIC]
    assert images.configs["retention.ms"] == str(24 * 60 * 60 * 1000)
    assert DEAD_LETTER_ROOM_BYTES < 1024 * 1024


def test_the_page_names_every_topic_and_every_file_that_is_kept() -> None:
    page = (REPOSITORY / "docs" / "biometric-data.md").read_text(encoding="utf-8")
    for spec in SUITE_TOPICS:
        assert f"`{spec.name}`" in page, spec.name
    for words in ("HOLISTIC_SPILL_DIR", "HOLISTIC_AVATAR_MEMORY", "holistic-dlq-", "retention.days", ".holistic"):
        assert words in page, words
    assert Path(REPOSITORY / "docs" / "forget.md").exists()
