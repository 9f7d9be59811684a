"""Finding modules by what is written in them, so that pages miss none."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

REPOSITORY: Final = Path(__file__).resolve().parents[1]
ROOMS: Final = (
    "keypoints", "kafka_io", "observability", "performers", "connect_runtime", "consumers", "producer_service",
    "local_stack", "demo", "proving", "holistic_cli",
)  # fmt: skip
"""Packages of the suite, in the order of their imports."""


def find_sources() -> Iterator[Path]:
    """Python files of the suite's rooms, in a steady order."""
    for room in ROOMS:
        yield from sorted((REPOSITORY / room).rglob("*.py"))


def find_modules(text: str) -> list[str]:
    """Names of the modules whose source has `text` in it."""
    return [
        ".".join(path.relative_to(REPOSITORY).with_suffix("").parts)
        for path in find_sources()
        if text in path.read_text(encoding="utf-8")
    ]
