"""`holistic report`"""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from sqlalchemy import Engine

_TIME = "a time (2026-03-01T12:00), or a duration ago (2h)"


def report(
    stream: Annotated[str, typer.Argument(metavar="STREAM", help="The stream's name.", show_default=False)],
    first: Annotated[str | None, typer.Option("--from", help=f"From there on: {_TIME}.")] = None,
    end: Annotated[str | None, typer.Option("--to", help="To before that; the same.")] = None,
    last: Annotated[
        str | None, typer.Option(help="So long before the stream's newest frame, or before --to: 2h, 90s, 1h30m.")
    ] = None,
    epoch: Annotated[int | None, typer.Option(help="Only this epoch; by default all.")] = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="FILE.html", help="Where to write it; - is standard output.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as one JSON object, and no page.")] = False,
    opens: Annotated[bool, typer.Option("--open", help="Open the page in a browser.")] = False,
) -> None:
    """Write a page about one stream: how much was seen of it, and everything that was found, along time and in tables.

    One file of HTML that needs nothing else: to read, to print, to send. It is made of what **holistic analytics** has
    in Postgres alone; what is not known is said to be so. The same data gives the same page, byte for byte.

    By default it is **report-STREAM.html** in this directory, with other characters than letters and digits as `_`.
    Of whatever reaches into the time asked for, all is told.
    """
    from consumers.analytics.report.figures import Period
    from consumers.analytics.report.reading import read_report

    to_standard_output = out == Path("-")
    if as_json and (out is not None or opens):
        raise typer.BadParameter(
            "it prints figures, and writes no page: leave out --out and --open", param_hint="--json"
        )
    if opens and to_standard_output:
        raise typer.BadParameter("there is no file to open", param_hint="--open")
    if first is not None and last is not None:
        raise typer.BadParameter("either --from or --last", param_hint="--last")
    begins_at, ends_at = _read_time(first, "--from"), _read_time(end, "--to")
    if begins_at is not None and ends_at is not None and begins_at >= ends_at:
        raise typer.BadParameter(f"{first} is not before {end}: the range is empty", param_hint="--from")
    period = Period(begins_at=begins_at, ends_at=ends_at, last=_read_duration(last), epoch=epoch)
    engine = _connect()
    try:
        figures = read_report(engine, stream, period)
    finally:
        engine.dispose()
    if as_json:
        import orjson

        typer.echo(orjson.dumps(figures, option=orjson.OPT_INDENT_2 | orjson.OPT_UTC_Z))
        return
    from consumers.analytics.report.page import write_page

    page = write_page(figures)
    if to_standard_output:
        typer.echo(page.encode(), nl=False)
        return
    path = out or Path(f"report-{re.sub(r'[^A-Za-z0-9-]+', '_', stream)}.html")
    try:
        path.write_bytes(page.encode())
    except OSError as error:
        raise typer.BadParameter(f"{path} cannot be written: {error.strerror}", param_hint="--out") from error
    typer.echo(f"{path} is written")
    if opens:
        typer.launch(path.absolute().as_uri())


def _read_time(given: str | None, option: str) -> datetime | None:
    import time

    from connect_runtime.offsets.forms import Moment, read_place

    if given is None:
        return None
    place = read_place(given, int(time.time() * 1000), ())
    if not isinstance(place, Moment):
        raise typer.BadParameter(f"{given!r} is no time: {_TIME}", param_hint=option)
    try:
        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=place.timestamp_ms)
    except OverflowError as error:
        raise typer.BadParameter(f"{given!r} is beyond the years 1 to 9999", param_hint=option) from error


def _read_duration(given: str | None) -> timedelta | None:
    from connect_runtime.offsets.forms import read_duration_ms

    if given is None:
        return None
    length_ms = read_duration_ms(given)
    if not length_ms:
        raise typer.BadParameter(f"{given!r} is no duration: 2h, 90s, 1h30m", param_hint="--last")
    return timedelta(milliseconds=length_ms)


def _connect() -> "Engine":
    import os

    from consumers.analytics.database import connect
    from holistic_cli.connect import NoServers, use_stack

    # Kafka is not needed.
    if not os.environ.get("DATABASE_URL"):
        use_stack()
    url = os.environ.get("DATABASE_URL")
    if not url:
        raise NoServers("no database is configured", hint="set DATABASE_URL, or start the local stack: `holistic up`")
    return connect(url)
