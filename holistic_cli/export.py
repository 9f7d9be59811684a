"""`holistic export`"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, Literal

import typer

from holistic_cli.archive_stores import Directory, On

if TYPE_CHECKING:
    from consumers.archive.export.run import ExportReport, ExportRequest
    from consumers.archive.export.source import FrameSource
    from consumers.archive.settings import ArchiveSettings

_FORM_OF_ENDING: Final[dict[str, Literal["pose", "kaggle", "csv", "jsonl"]]] = {
    ".pose": "pose",
    ".parquet": "kaggle",
    ".csv": "csv",
    ".jsonl": "jsonl",
}
_TIME = "a duration ago (2h, 1h30m) or a time (2026-03-01T12:00)"


def export(
    stream: Annotated[str, typer.Argument(help="Whose frames; `holistic streams` lists who there is.")],
    output: Annotated[
        Path, typer.Option("--output", "-o", dir_okay=False, help="File to write; a side file goes beside it.")
    ],
    form: Annotated[
        Literal["pose", "kaggle", "csv", "jsonl"] | None,
        typer.Option(
            "--as",
            help="What to write: .pose, Kaggle's long layout (.parquet or .csv), CSV, JSON lines; by default what "
            "OUTPUT ends in (.pose, .parquet, .csv, .jsonl).",
        ),
    ] = None,
    first: Annotated[str | None, typer.Option("--from", help=f"Captured from then on: earliest, {_TIME}.")] = None,
    end: Annotated[str | None, typer.Option("--to", help=f"Captured before then: latest, {_TIME}.")] = None,
    on: On = "postgres",
    directory: Directory = None,
    force: Annotated[bool, typer.Option("--force", help="Replace files that are there already.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print what was written as one JSON object.")] = False,
) -> None:
    """Write a stream's frames to a file that other programs read, in order of capture time.

    **pose**: binary .pose 0.2, as pose-format reads it. **kaggle**: frame, row_id, type, landmark_index, x, y, z.
    **csv**: a row a frame, a column a coordinate. **jsonl**: an object a frame, in the classic form. The first two have
    no place for times: OUTPUT.times.csv says when each frame was captured, and which record it was.
    """
    import time

    from consumers.archive.capture_range import read_capture_range
    from consumers.archive.export.run import ExportRequest, Format
    from holistic_cli.archive_stores import find_store

    form = form or _FORM_OF_ENDING.get(output.suffix.lower())
    if form is None:
        raise typer.BadParameter(f"what is {output.name} to be? .pose, .parquet, .csv, .jsonl, or --as says it")
    if output.name == "-" or (output.exists() and not output.is_file()):
        raise typer.BadParameter("whole files are written, and nothing else", param_hint="--output")
    if form == "kaggle" and output.suffix.lower() not in {".parquet", ".csv"}:
        raise typer.BadParameter("Kaggle's layout is written as .parquet or .csv", param_hint="--output")
    request = ExportRequest(
        stream, read_capture_range(first, end, int(time.time() * 1000)), Format(form), output, overwrite=force
    )
    settings = find_store(on, directory)
    with _open_source(on, settings) as source:
        report = _export_with_progress(source, request, quiet=as_json)
    _print_report(report, as_json=as_json)


@contextmanager
def _open_source(on: str, settings: "ArchiveSettings") -> "Iterator[FrameSource]":
    if on == "parquet":
        from consumers.archive.export.from_parquet import ParquetSource

        yield ParquetSource(settings.archive_dir)
        return
    from consumers.archive.export.from_postgres import PostgresSource

    with PostgresSource(settings.require_database_url()) as database:
        yield database


def _export_with_progress(source: "FrameSource", request: "ExportRequest", *, quiet: bool) -> "ExportReport":
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from consumers.archive.export.run import export_stream

    columns = (TextColumn("exporting"), BarColumn(), MofNCompleteColumn(), TextColumn("frames"), TimeRemainingColumn())
    console = Console(emoji=False, stderr=True)
    hidden = quiet or not console.is_terminal
    with Progress(*columns, console=console, transient=True, disable=hidden) as progress:
        bar = progress.add_task("", total=None)
        return export_stream(source, request, lambda done, of: progress.update(bar, completed=done, total=of))


def _print_report(report: "ExportReport", *, as_json: bool) -> None:
    from holistic_cli.streams import show_time

    first, last = show_time(report.first_us), show_time(report.last_us)
    if as_json:
        import orjson

        files = [str(path) for path in report.paths]
        answer = {"frames": report.frames, "first_captured_at": first, "last_captured_at": last, "rate": report.rate,
                  "files": files}  # fmt: skip
        typer.echo(orjson.dumps(answer, option=orjson.OPT_INDENT_2))
        return
    rate = "" if report.rate is None else f", {report.rate:.4g} a second"
    typer.echo(f"{report.frames} frames, {first} to {last}{rate}")
    for path in report.paths:
        typer.echo(path)
