"""`holistic compact`"""

import re
from typing import TYPE_CHECKING, Annotated, Final

import typer

from holistic_cli.archive_stores import Directory

if TYPE_CHECKING:
    import threading

    from consumers.archive.parquet.compaction import CompactionReport, Compactor, PlannedCompaction
    from consumers.archive.parquet.compaction_plan import CompactionLimits

_SIZE: Final = re.compile(r"(\d+(?:\.\d+)?) ?([kMG]i?)?B?")
_UNITS: Final = {"": 1, "k": 10**3, "ki": 2**10, "m": 10**6, "mi": 2**20, "g": 10**9, "gi": 2**30}
_LEAST_TARGET_BYTES: Final = 1_000_000


def compact(
    directory: Directory = None,
    older_than: Annotated[
        str, typer.Option(metavar="DURATION", help="Leave hours alone to which files came since then.")
    ] = "10m",
    target_size: Annotated[str, typer.Option(metavar="SIZE", help="Size of the files to make.")] = "128MB",
    grace: Annotated[
        str, typer.Option(metavar="DURATION", help="How long replaced files stay, for queries that read them.")
    ] = "10m",
    abandoned: Annotated[
        str, typer.Option(metavar="DURATION", help="How old must be what a crash left, to be swept up.")
    ] = "1h",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would be done.")] = False,
    every: Annotated[
        str | None, typer.Option(metavar="DURATION", help="Go on, as often as this, until Ctrl-C or SIGTERM.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object (one a line with --every).")] = False,
) -> None:
    """Join the small Parquet files of each partition and hour into large ones, each stream's rows together.

    Writers and queries go on meanwhile; several at once do no harm. The files replaced are deleted by the first run
    after the grace, and what a crash left is swept up. It takes about five times the target size of memory. Ends 1 when
    files could not be read or written; they are as they were.
    """
    from consumers.archive.connectors import read_clock_us
    from consumers.archive.parquet.compaction import Compactor
    from consumers.archive.parquet.compaction_plan import CompactionLimits
    from consumers.archive.parquet.location import open_storage
    from holistic_cli.archive_stores import find_store

    limits = CompactionLimits(
        target_bytes=_read_size(target_size),
        settled_us=_read_duration_us(older_than, "--older-than"),
        grace_us=_read_duration_us(grace, "--grace"),
        abandoned_us=_read_duration_us(abandoned, "--abandoned"),
    )
    pause_s = None if every is None else _read_duration_us(every, "--every") / 1e6
    if pause_s == 0:
        raise typer.BadParameter("it would never rest: 1s or more", param_hint="--every")
    compactor = Compactor(open_storage(find_store("parquet", directory).archive_dir), read_clock_us, limits)
    if dry_run:
        _show_plan(compactor.plan(), as_json=as_json)
        return
    raise typer.Exit(0 if _run(compactor, limits, pause_s, as_json=as_json) else 1)


def _run(compactor: "Compactor", limits: "CompactionLimits", pause_s: float | None, *, as_json: bool) -> bool:
    """Whether there was nothing to complain about."""
    import signal
    import threading

    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    while True:
        report = _run_with_progress(compactor, stop, show=not as_json)
        _show_report(report, limits, as_json=as_json, one_line=pause_s is not None)
        if pause_s is None or stop.wait(pause_s):
            return not report.failures


def _run_with_progress(compactor: "Compactor", stop: "threading.Event", *, show: bool) -> "CompactionReport":
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    if not show:
        return compactor.run(stop=stop)
    columns = (TextColumn("compacting"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    console = Console(emoji=False, stderr=True)
    hidden = not console.is_terminal
    with Progress(*columns, console=console, transient=True, disable=hidden) as progress:
        bar = progress.add_task("", total=compactor.plan().bytes_to_read)
        return compactor.run(lambda read: progress.update(bar, completed=read), stop)


def _show_plan(plan: "PlannedCompaction", *, as_json: bool) -> None:
    import orjson
    from rich.console import Console
    from rich.table import Table

    from consumers.archive.parquet.footer import show_time
    from consumers.archive.parquet.partition_files import HOUR_US

    merges = [
        {
            "topic": merge.key.identity.topic,
            "partition": merge.key.identity.partition,
            "hour": show_time(merge.key.hour * HOUR_US),
            "files": len(merge.files),
            "rows": sum(file.rows for file in merge.files),
            "bytes": merge.bytes,
        }
        for merge in plan.merges
    ]
    if as_json:
        plain = {"executed": False, "files": plan.files, "bytes": plan.bytes, "merges": merges}
        typer.echo(orjson.dumps(plain, option=orjson.OPT_INDENT_2))
        return
    table = Table(title=f"would be joined, of {plan.files} files with {_mb(plan.bytes)} in all")
    for name in ("topic", "part", "hour", "files", "rows", "size"):
        table.add_column(name, justify="left" if name in {"topic", "hour"} else "right")
    for merge, planned in zip(merges, plan.merges, strict=True):
        table.add_row(
            str(merge["topic"]), str(merge["partition"]), str(merge["hour"])[:13], str(merge["files"]),
            f"{merge['rows']:,}", _mb(planned.bytes),
        )  # fmt: skip
    Console(emoji=False).print(table)
    typer.echo("Nothing was changed: without --dry-run it is.")


def _show_report(report: "CompactionReport", limits: "CompactionLimits", *, as_json: bool, one_line: bool) -> None:
    from dataclasses import asdict

    import orjson

    if as_json:
        plain = {"executed": True, **asdict(report)}
        typer.echo(orjson.dumps(plain, option=0 if one_line else orjson.OPT_INDENT_2))
        return
    if report.merges:
        typer.echo(
            f"{report.files_before} files ({_mb(report.bytes_before)}) became {report.files_after} "
            f"({_mb(report.bytes_after)}), {report.rows:,} rows."
        )
        if limits.grace_us:
            typer.echo(f"Those replaced are deleted by the first run after {limits.grace_us / 60e6:g} minutes.")
    else:
        typer.echo("There is nothing to join.")
    if report.doubles:
        typer.echo(f"{report.doubles} rows were dropped that were there twice.")
    if report.overtaken:
        typer.echo(f"{report.overtaken} times somebody else was first: the next run looks again.")
    if report.deleted:
        typer.echo(f"{report.deleted} files were deleted that nobody needs any more.")
    for failure in report.failures:
        typer.secho(failure, fg="red", err=True)


def _mb(size: int) -> str:
    return f"{size / 1e6:.1f} MB"


def _read_size(text: str) -> int:
    found = _SIZE.fullmatch(text.strip())
    size = int(float(found.group(1)) * _UNITS[(found.group(2) or "").lower()]) if found else 0
    if size < _LEAST_TARGET_BYTES:
        raise typer.BadParameter(
            f"{text} is no size for files: write 128MB or 64MiB, at least 1MB", param_hint="--target-size"
        )
    return size


def _read_duration_us(text: str, option: str) -> int:
    from connect_runtime.offsets.forms import read_duration_ms

    duration_ms = 0 if text == "0" else read_duration_ms(text)
    if duration_ms is None:
        raise typer.BadParameter(f"{text} is no duration: write 90s, 10m or 1h30m", param_hint=option)
    return duration_ms * 1000
