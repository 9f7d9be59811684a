"""What makes a run over a file the same run, begun again."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeGuard

from producer_service.capture.captured import Source
from producer_service.capture.still_files import StillFiles
from producer_service.capture.video_file import VideoFile

FileSource = StillFiles | VideoFile

_DIGEST_CHARACTERS: Final = 40


def is_file_source(source: Source) -> TypeGuard[FileSource]:
    """Whether a source can be read again from its beginning, and gives the same pictures."""
    return isinstance(source, StillFiles | VideoFile)


@dataclass(frozen=True, slots=True)
class Target:
    """Where frames go: a topic by its name and by the UUID its cluster gave it, and whether sides are put right."""

    topic: str
    topic_id: str
    mirrored: bool


def identify(source: FileSource, model: str, target: Target) -> str:
    """A digest of all that must be the same: the files, their stream and time, what looks at them, and where they go.

    A file that was written to has another size or another time, and is another.
    """
    told = (source.stream_id, source.started_at_us, source.still, model, target.topic, target.topic_id, target.mirrored)
    return hashlib.sha256(repr((told, _describe(source.paths))).encode()).hexdigest()[:_DIGEST_CHARACTERS]


def _describe(paths: Sequence[Path]) -> list[tuple[str, int, int]]:
    """Each file as it is now; one that is gone, or cannot be looked at, has the size -1."""
    described = []
    for path in paths:
        resolved = path.resolve()
        try:
            status = resolved.stat()
        except OSError:
            described.append((str(resolved), -1, 0))
        else:
            described.append((str(resolved), status.st_size, status.st_mtime_ns))
    return described
