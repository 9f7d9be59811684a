"""Answers of a database as a table for people, as CSV, or as JSON."""

import csv
import itertools
import math
import sys
from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime, time
from typing import Any, Final

import orjson
import typer

from holistic_cli.whole_table import show_controls

Rows = Iterator[tuple[Any, ...]]

_ROWS_SHOWN: Final = 200
_CELL_WIDTH: Final = 60
_ALL_DIGITS: Final = 17


def print_table(columns: Sequence[str], rows: Rows, longest: int = _CELL_WIDTH) -> None:
    """A table on the terminal: the first 200 rows, values cut at `longest` letters, numbers to the right."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    shown = list(itertools.islice(rows, _ROWS_SHOWN))
    more = next(rows, None) is not None
    table = Table(header_style="bold", row_styles=["", "dim"] if len(shown) > 5 else None)
    for index, name in enumerate(columns):
        numeric = bool(shown) and all(isinstance(row[index], int | float | None) for row in shown)
        table.add_column(name, justify="right" if numeric else "left", overflow="fold")
    for row in shown:
        table.add_row(*(escape(show_controls(_shorten(show_value(value), longest), keep_lines=True)) for value in row))
    # Piped elsewhere, nothing may be folded to a width nobody chose.
    console = Console(emoji=False) if sys.stdout.isatty() else Console(emoji=False, width=max(80, 24 * len(columns)))
    console.print(table)
    count = _count_rows(len(shown))
    console.print(f"the first {count}; --csv and --json give all" if more else count, style="dim")


def print_expanded(columns: Sequence[str], rows: Rows) -> None:
    """A line a value, for rows too wide for a table: the first 200 rows, long values cut."""
    width = max((len(name) for name in columns), default=0)
    count = 0
    for count, row in enumerate(itertools.islice(rows, _ROWS_SHOWN), start=1):
        typer.echo(f"─[ {count} ]".ljust(width + 20, "─"))
        for name, value in zip(columns, row, strict=True):
            typer.echo(f"{name:<{width}} │ {show_controls(_shorten(show_value(value)), keep_lines=True)}")
    more = next(rows, None) is not None
    typer.echo(f"the first {_count_rows(count)}; --csv and --json give all" if more else _count_rows(count))


def print_csv(columns: Sequence[str], rows: Rows) -> None:
    """CSV with a line of names; an absent value is an empty cell."""
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([show_value(value, absent="", digits=_ALL_DIGITS) for value in row] for row in rows)


def print_json(columns: Sequence[str], rows: Rows) -> None:
    """A JSON array of objects, one a line. JSON has no NaN and no infinities: they become null."""
    names = _tell_apart(columns)
    typer.echo("[", nl=False)
    for number, row in enumerate(rows):
        line = orjson.dumps(dict(zip(names, row, strict=True)), default=show_value, option=orjson.OPT_NON_STR_KEYS)
        typer.echo(("\n" if number == 0 else ",\n") + line.decode(), nl=False)
    typer.echo("\n]")


def choose_format(*, as_csv: bool, as_json: bool) -> Callable[[Sequence[str], Rows], None]:
    """The printer the options ask for. Raises BadParameter for both at once."""
    if as_csv and as_json:
        raise typer.BadParameter("--csv and --json exclude each other")
    if as_csv:
        return print_csv
    return print_json if as_json else print_table


def show_value(value: object, absent: str = "∅", digits: int = 6) -> str:
    """A value as text: bytes as hex, times in UTC as ISO 8601, absent ones as `absent`."""
    if value is None:
        return absent
    if isinstance(value, bytes | bytearray | memoryview):
        return f"\\x{bytes(value).hex()}"
    if isinstance(value, float):
        return repr(value) if digits >= _ALL_DIGITS or not math.isfinite(value) else f"{value:.{digits}g}"
    if isinstance(value, datetime | date | time):
        return value.isoformat(sep=" ") if isinstance(value, datetime) else value.isoformat()
    if isinstance(value, list | tuple):
        return "{" + ", ".join(show_value(item, absent, digits) for item in value) + "}"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name}: {show_value(item, absent, digits)}" for name, item in value.items()) + "}"
    return str(value)


def _tell_apart(columns: Sequence[str]) -> list[str]:
    """Two columns of one name would be one in a JSON object: count, count_2."""
    names: list[str] = []
    for name in columns:
        candidates = itertools.chain([name], (f"{name}_{number}" for number in itertools.count(2)))
        names.append(next(candidate for candidate in candidates if candidate not in names))
    return names


def _count_rows(count: int) -> str:
    return f"{count} row{'' if count == 1 else 's'}"


def _shorten(text: str, longest: int = _CELL_WIDTH) -> str:
    return text if len(text) <= longest else text[: longest - 1] + "…"
