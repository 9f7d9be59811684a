"""Files that are there whole or not at all."""

import errno
import os
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from keypoints.errors import Terminal, Transient


class FileExists(Terminal):
    """A file of that name is there already. Fields: path."""


class FileNotWritten(Transient):
    """The disk is full, or the folder cannot be written to. Fields: path, errno."""


@contextmanager
def write_together(paths: Sequence[Path], *, overwrite: bool) -> Iterator[list[BinaryIO]]:
    """Files to be filled in the block, under other names until it ends well; then they appear, the first one last.

    Raises FileExists at once, unless they may be overwritten, and FileNotWritten.
    """
    drafts = [path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.part") for path in paths]
    files: list[BinaryIO] = []
    try:
        for path in paths:
            if path.exists() and not overwrite:
                raise FileExists(f"{path} is there already", hint="--force replaces it", path=str(path))
        files.extend(draft.open("w+b") for draft in drafts)
        yield files
        for file in files:
            file.flush()
            os.fsync(file.fileno())
            file.close()
        for draft, path in reversed(list(zip(drafts, paths, strict=True))):
            draft.replace(path)
    except OSError as error:
        hint = "does the folder exist, and is there space on the disk?"
        if error.errno == errno.ENAMETOOLONG:
            hint = "name a file with a shorter name"
        raise FileNotWritten(
            f"{paths[0]}: {error.strerror or error}", hint=hint, path=str(paths[0]), errno=error.errno
        ) from error
    finally:
        for file in files:
            with suppress(OSError):
                file.close()
        for draft in drafts:
            with suppress(OSError):
                draft.unlink(missing_ok=True)
