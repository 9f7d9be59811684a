"""`holistic iceberg`: sync, show, expire"""

import contextlib
import time
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from consumers.archive.iceberg.catalog import IcebergCatalog
    from consumers.archive.iceberg.summary import TableSummary
    from consumers.archive.iceberg.sync import IcebergSync
    from keypoints.errors import Terminal

iceberg = typer.Typer(no_args_is_help=True, rich_markup_mode="markdown", add_completion=False)

Directory = Annotated[
    str | None,
    typer.Option("--dir", help="Where the Parquet files are: a folder or s3://bucket/prefix (HOLISTIC_ARCHIVE_DIR)."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON: an object, or one a line where there are several.")]


@iceberg.callback()
def describe() -> None:
    """The archive's Parquet files as an Apache Iceberg table, for Spark, Trino and Flink.

    The table names the very same files and is read only: the archive's manifest is the truth, and the table follows
    it. Its catalog is in Postgres. `HOLISTIC_ARCHIVE_ICEBERG=true holistic archive` keeps it up to date by itself.
    """


@iceberg.command()
def sync(
    every: Annotated[
        str | None, typer.Option(metavar="DURATION", help="Do it again and again, say every 30s, until Ctrl-C.")
    ] = None,
    rebuild: Annotated[
        bool, typer.Option("--rebuild", help="First drop the table and its history; the archive's files stay.")
    ] = False,
    directory: Directory = None,
    as_json: AsJson = False,
) -> None:
    """Bring the table up to the manifest: one commit with the files it lacks, without those that were replaced."""
    from consumers.archive.iceberg.history import drop_table
    from consumers.archive.iceberg.sync import IcebergSync

    interval_s = None if every is None else _read_seconds(every)
    if interval_s == 0:
        raise typer.BadParameter("it would never rest: 1s or more", param_hint="--every")
    with _opened(directory) as catalog:
        if rebuild:
            drop_table(catalog)
        syncing = IcebergSync(catalog)
        if interval_s is None:
            _sync_once(syncing, as_json=as_json)
            return
        with contextlib.suppress(KeyboardInterrupt):
            _sync_again_and_again(syncing, interval_s, as_json=as_json)


@iceberg.command()
def show(directory: Directory = None, as_json: AsJson = False) -> None:
    """Say what the table holds, how far it follows each partition, and how engines find it. Ends 1 without a table."""
    import orjson

    from consumers.archive.iceberg.summary import summarise_table

    with _opened(directory) as catalog:
        summary = summarise_table(catalog)
    if summary is None:
        raise _no_table()
    if as_json:
        typer.echo(orjson.dumps(asdict(summary), option=orjson.OPT_INDENT_2))
    else:
        _print_summary(summary)


@iceberg.command()
def expire(
    older_than: Annotated[
        str, typer.Option(metavar="DURATION", help="Age from which snapshots go, say 7d or 12h; 0s: all but the last.")
    ] = "7d",
    directory: Directory = None,
    as_json: AsJson = False,
) -> None:
    """Forget old snapshots, and remove the metadata only they held. The current one and named ones stay."""
    import orjson

    from consumers.archive.iceberg.history import expire_snapshots

    before_us = time.time_ns() // 1000 - int(_read_seconds(older_than) * 1e6)
    with _opened(directory) as catalog:
        report = expire_snapshots(catalog, before_us)
    if report is None:
        raise _no_table()
    if as_json:
        typer.echo(orjson.dumps(asdict(report)))
    else:
        typer.echo(
            f"{report.expired_snapshots} snapshots expired, {report.removed_metadata_files} metadata files removed; "
            f"{report.snapshots} snapshots are left"
        )


@contextlib.contextmanager
def _opened(directory: str | None) -> "Iterator[IcebergCatalog]":
    from consumers.archive.iceberg.catalog import IcebergCatalog
    from consumers.archive.parquet.location import open_storage
    from consumers.archive.settings import read_archive_settings
    from holistic_cli.connect import use_stack

    use_stack()
    settings = read_archive_settings(archive_dir=directory)
    catalog = IcebergCatalog(settings.require_database_url(), open_storage(settings.archive_dir))
    with contextlib.closing(catalog):
        yield catalog


def _sync_again_and_again(syncing: "IcebergSync", interval_s: float, *, as_json: bool) -> None:
    from keypoints.errors import Transient

    while True:
        try:
            _sync_once(syncing, as_json=as_json)
        except Transient as error:
            typer.secho(f"{error.message}; it is tried again", fg="red", err=True)
        time.sleep(interval_s)


def _sync_once(syncing: "IcebergSync", *, as_json: bool) -> None:
    import orjson

    began_s = time.monotonic()
    report = syncing.sync()
    seconds = time.monotonic() - began_s
    if as_json:
        typer.echo(orjson.dumps({**asdict(report), "seconds": round(seconds, 3)}))
        return
    done = (
        "it holds everything already"
        if report.snapshot_id is None
        else f"{report.added_files} files added ({report.added_frames:,} frames), "
        f"{report.removed_files} taken out ({report.removed_frames:,}), in {seconds:.1f} s"
    )
    typer.echo(f"{report.frames:,} frames in the table: {done}")


def _print_summary(summary: "TableSummary") -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(title=f"{summary.catalog}.{summary.namespace}.{summary.table}: how far it follows each partition")
    table.add_column("partition", overflow="fold")
    table.add_column("last entry", justify="right")
    table.add_column("next offset", justify="right")
    for partition, followed in summary.followed.items():
        table.add_row(partition, str(followed.entry), "" if followed.next_offset is None else str(followed.next_offset))
    console = Console(emoji=False)
    console.print(table)
    committed = (
        "never"
        if summary.committed_at_ms is None
        else f"{datetime.fromtimestamp(summary.committed_at_ms / 1000, UTC):%F %T} UTC"
    )
    for name, value in {
        "frames": f"{summary.frames:,} in {summary.files:,} files, {summary.bytes:,} bytes",
        "last commit": committed,
        "snapshots": summary.snapshots,
        "location": summary.location,
        "engines": f"JDBC catalog named {summary.catalog}, at {summary.jdbc_url}",
    }.items():
        console.print(f"[bold]{name}[/]: {value}", highlight=False, soft_wrap=True)


def _read_seconds(duration: str) -> float:
    from connect_runtime.offsets.forms import read_duration_ms

    milliseconds = read_duration_ms(duration)
    if milliseconds is None:
        raise typer.BadParameter(f"{duration!r} is no duration: write 30s, 12h or 7d")
    return milliseconds / 1000


def _no_table() -> "Terminal":
    from keypoints.errors import Terminal

    return Terminal("there is no Iceberg table yet", hint="`holistic iceberg sync` makes it")
