"""The generated pages, and which of them no longer say what the code does."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from handbook.commands import write_commands
from handbook.connectors import write_connectors
from handbook.environment import write_environment
from handbook.metrics import write_metrics
from handbook.routes import write_routes
from handbook.sources import REPOSITORY
from handbook.tables import write_tables
from handbook.topics import write_topics

DIRECTORY: Final = REPOSITORY / "docs" / "reference"
TABLES: Final = "tables.md"
WRITERS: Final[dict[str, Callable[[], str]]] = {
    "commands.md": write_commands,
    "connectors.md": write_connectors,
    "environment.md": write_environment,
    "metrics.md": write_metrics,
    "routes.md": write_routes,
    "topics.md": write_topics,
}
"""Each page and what writes it; `tables.md` beside them needs a database."""


def write_pages(database_url: str | None) -> Iterator[tuple[Path, str]]:
    """Each page's file and what is to be in it; that of the tables only with a database to make them in."""
    for name, write in WRITERS.items():
        yield DIRECTORY / name, write()
    if database_url is not None:
        yield DIRECTORY / TABLES, write_tables(database_url)


def find_stale(database_url: str | None) -> list[Path]:
    """Pages that say something else than the code."""
    return [path for path, text in write_pages(database_url) if read_page(path) != text]


def read_page(path: Path) -> str | None:
    """What is in a page's file; None where there is none."""
    return path.read_text(encoding="utf-8") if path.is_file() else None
