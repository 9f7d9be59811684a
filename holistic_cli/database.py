"""`holistic database`: migrate, downgrade, status, retire"""

from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from consumers.archive.postgres.overview import Overview
    from consumers.archive.postgres.retention import DayTable

database = typer.Typer(no_args_is_help=True, rich_markup_mode="markdown", add_completion=False)

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


@database.callback()
def describe() -> None:
    """The archive's tables in Postgres (DATABASE_URL): their shape, their roles, their days."""


@database.command()
def migrate(as_json: AsJson = False) -> None:
    """Bring the tables to the shape this version needs, and give the archive's roles their rights.

    `holistic archive` does the same when it starts, if its login may. Run it as a superuser, as the database's owner
    with CREATEROLE, or, once the roles are there, as a member of **holistic_migrator**. Repeating it is harmless.
    """
    import orjson

    from consumers.archive.postgres.migrate import migrate as migrate_database

    migrated = migrate_database(_find_database(), grant_again=True)
    if as_json:
        answer = {"before": migrated.before, "after": migrated.after, "without": migrated.without}
        typer.echo(orjson.dumps(answer))
        return
    if migrated.changed:
        typer.echo(f"migrated from {migrated.before or 'nothing'} to {migrated.after}")
    else:
        typer.echo(f"nothing to do: the tables are at {migrated.after}")
    if migrated.without:
        typer.echo("the roles are not complete:\n  " + "\n  ".join(migrated.without), err=True)


@database.command()
def downgrade(
    archive: Annotated[
        str | None, typer.Option(metavar="REVISION", help="Where the archive's tables are to be.")
    ] = None,
    analytics: Annotated[
        str | None, typer.Option(metavar="REVISION", help="Where those of analytics are to be.")
    ] = None,
    execute: Annotated[bool, typer.Option("--execute", help="Do it; otherwise the steps are only named.")] = False,
    as_json: AsJson = False,
) -> None:
    """Undo the newest steps of `migrate`, for an older version that is to run again.

    Run the newer version's command, with its services stopped, before the older one is started: an older version does
    not know how to undo what came after it. What a step had added is lost; frames and results stay.
    """
    import orjson

    from consumers.analytics.database import connect
    from consumers.analytics.database import downgrade as downgrade_analytics
    from consumers.archive.postgres.migrate import downgrade as downgrade_archive

    if archive is None and analytics is None:
        raise typer.BadParameter("say how far back: --archive REVISION, --analytics REVISION")
    database_url = _find_database()
    undone: dict[str, list[str]] = {}
    if archive is not None:
        undone["archive"] = downgrade_archive(database_url, archive, execute=execute)
    if analytics is not None:
        undone["analytics"] = downgrade_analytics(connect(database_url), analytics, execute=execute)
    if as_json:
        typer.echo(orjson.dumps({"executed": execute, **undone}))
        return
    for tables, steps in undone.items():
        for step in steps:
            typer.echo(f"{tables}: {'undone' if execute else 'would be undone'}: {step}")
        if not steps:
            typer.echo(f"{tables}: nothing to undo")
    if not execute:
        typer.echo("nothing was changed: repeat with --execute")


@database.command()
def status(as_json: AsJson = False) -> None:
    """Show the revision of the tables, the days with their sizes, and how much is out of range. Ends 1 if not migrated.

    Rows are as Postgres last estimated them; `SELECT count(*)` would read them all.
    """
    import orjson

    from consumers.archive.postgres.overview import look_over

    found = look_over(_find_database())
    if as_json:
        typer.echo(orjson.dumps({"up_to_date": found.up_to_date, **_as_plain(found)}, option=orjson.OPT_INDENT_2))
    else:
        _print_overview(found)
    raise typer.Exit(0 if found.up_to_date else 1)


@database.command()
def retire(
    keep_days: Annotated[int, typer.Option(min=1, help="Days to keep before today (UTC).", show_default=False)],
    execute: Annotated[bool, typer.Option("--execute", help="Remove them; otherwise they are only shown.")] = False,
    as_json: AsJson = False,
) -> None:
    """Remove days that are older, as `retention.days` has the service do, for those who rather do it by hand.

    Their frames are gone from Postgres for good. Frames out of range that are as old go as well.
    """
    from contextlib import closing

    import orjson

    from consumers.archive.connectors import read_clock_us
    from consumers.archive.postgres.connection import connect
    from consumers.archive.postgres.days import DayWindow
    from consumers.archive.postgres.retention import list_days, retire_days

    now_us = read_clock_us()
    first_retained = DayWindow(retention_days=keep_days).first_retained_day(now_us)
    assert first_retained is not None  # noqa: S101 - there is a retention
    with closing(connect(_find_database(), "holistic-database")) as connection:
        old = [table for table in list_days(connection) if table.day < first_retained]
        removed = 0
        if execute:
            retired = retire_days(first_retained, now_us, connection)
            old = [table for table in old if table.day in retired.days]
            removed = retired.rows_out_of_range
    if as_json:
        days = [str(table.day) for table in old]
        typer.echo(orjson.dumps({"executed": execute, "days": days, "rows_out_of_range": removed}))
        return
    _print_days(old, "removed" if execute else "would be removed")
    typer.echo(f"{removed} frames out of range removed" if execute else "nothing was removed: repeat with --execute")


def _find_database() -> str:
    import os

    from consumers.archive.settings import read_archive_settings
    from holistic_cli.connect import use_stack

    # Kafka is not needed here.
    if not os.environ.get("DATABASE_URL"):
        use_stack()
    return read_archive_settings().require_database_url()


def _as_plain(found: "Overview") -> dict[str, Any]:
    from dataclasses import asdict

    return asdict(found)


def _print_overview(found: "Overview") -> None:
    from rich.filesize import decimal

    if found.revision is None:
        typer.echo("there is no archive in this database yet: run `holistic database migrate`")
        return
    newest = "the newest" if found.up_to_date else f"this version needs {found.newest_revision}: `… migrate`"
    typer.echo(f"revision {found.revision}, {newest}")
    _print_days(found.days, "days")
    out_of_range = decimal(found.out_of_range_bytes)
    typer.echo(f"out of range: {found.rows_out_of_range:,} frames ({out_of_range}); retired: {found.frames_retired:,}")


def _print_days(days: "tuple[DayTable, ...] | list[DayTable]", title: str) -> None:
    from rich.console import Console
    from rich.filesize import decimal
    from rich.table import Table

    table = Table(title=title)
    table.add_column("day", no_wrap=True)
    table.add_column("state")
    table.add_column("frames, about", justify="right")
    table.add_column("size", justify="right")
    for day in days:
        table.add_row(str(day.day), day.state, f"{day.rows_estimated:,}", decimal(day.size_bytes))
    total = sum(day.size_bytes for day in days)
    if len(days) > 1:
        table.add_section()
        table.add_row(f"{len(days)} days", "", f"{sum(day.rows_estimated for day in days):,}", decimal(total))
    Console(emoji=False).print(table)
