"""Places in a topic, as they are given on the command line: as text, or in a file."""

from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from connect_runtime.offsets.forms import Place


def read_place_or_file(text: str, now_ms: int, topics: tuple[str, ...]) -> "Place":
    """What `read_place` reads, or the content of the file of that name (`@name` is always one)."""
    from connect_runtime.offsets.forms import read_place

    path = Path(text.removeprefix("@"))
    if text.startswith("@") or (not text.startswith("{") and path.is_file()):
        try:
            text = path.read_text(encoding="utf-8")
        except OSError as error:
            raise typer.BadParameter(f"the file of offsets cannot be read: {error}") from error
    return read_place(text, now_ms, topics)
