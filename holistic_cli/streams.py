"""`holistic streams`"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from holistic_cli.archive_stores import Directory, On

if TYPE_CHECKING:
    from consumers.archive.streams import StreamSummary


def streams(
    on: On = "postgres",
    directory: Directory = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """List who is in the archive: since when, how many frames, and in how many of them each part was seen.

    A session is a run of frames over which tracking was never begun anew (an epoch). The rate is frames a second within
    sessions.
    """
    from consumers.archive.streams import list_parquet_streams, list_postgres_streams
    from holistic_cli.archive_stores import find_store

    settings = find_store(on, directory)
    if on == "parquet":
        found = list_parquet_streams(settings.archive_dir)
    else:
        found = list_postgres_streams(settings.require_database_url())
    if as_json:
        _print_json(found)
    else:
        _print_table(found)


def _print_json(found: "Sequence[StreamSummary]") -> None:
    import orjson

    streams = [
        {
            "stream_id": stream.stream_id,
            "first_captured_at": show_time(stream.first_captured_at_us),
            "last_captured_at": show_time(stream.last_captured_at_us),
            "frames": stream.frames,
            "sessions": stream.sessions,
            "seconds": stream.seconds,
            "rate": stream.rate,
            "seen": stream.seen,
        }
        for stream in found
    ]
    typer.echo(orjson.dumps({"streams": streams}, option=orjson.OPT_INDENT_2))


def _print_table(found: "Sequence[StreamSummary]") -> None:
    import sys

    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from holistic_cli.whole_table import show_controls
    from keypoints.landmarks import PART_SHAPES

    table = Table(header_style="bold", caption="times in UTC; a part's column: share of the frames it was seen in")
    table.add_column("stream", overflow="fold")
    for name in ("first", "last"):
        table.add_column(name, no_wrap=True)
    for name in ("frames", "sessions", "a second", *(part.value.replace("_", " ") for part in PART_SHAPES)):
        table.add_column(name, justify="right")
    for stream in found:
        table.add_row(
            escape(show_controls(stream.stream_id)),
            show_time(stream.first_captured_at_us, precision="s"),
            show_time(stream.last_captured_at_us, precision="s"),
            f"{stream.frames:,}",
            f"{stream.sessions:,}",
            "∅" if stream.rate is None else f"{stream.rate:.1f}",
            *(f"{stream.seen[part.value]:.0%}" for part in PART_SHAPES),
        )
    console = Console(emoji=False) if sys.stdout.isatty() else Console(emoji=False, width=160)
    console.print(table)
    frames = sum(stream.frames for stream in found)
    console.print(f"{len(found)} stream{'' if len(found) == 1 else 's'}, {frames:,} frames", style="dim")


def show_time(at_us: int, precision: str = "us") -> str:
    """A time in UTC as ISO 8601, to the microsecond or the second (`s`); any year there can be."""
    import numpy as np

    return f"{np.datetime64(at_us, 'us').astype(f'datetime64[{precision}]')}Z"
