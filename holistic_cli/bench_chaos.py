"""`holistic bench chaos`"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from proving.chaos.fault import Row
    from proving.chaos.report import ChaosReport


def chaos(
    seed: Annotated[
        int | None,
        typer.Option(min=0, help="Order of the faults, their moments and victims; by default another each time."),
    ] = None,
    only: Annotated[list[str] | None, typer.Option(metavar="NAME", help="Only this fault; may be given again.")] = None,
    rate: Annotated[float, typer.Option(min=1, help="Frames a second that are published meanwhile.")] = 200.0,
    streams: Annotated[int, typer.Option(min=1, help="How many performers they are of.")] = 20,
    home: Annotated[
        Path | None,
        typer.Option(help="Where the stack, the archive and the logs are kept; by default they are deleted."),
    ] = None,
    markdown: Annotated[
        Path | None, typer.Option(dir_okay=False, help="Page that gets the tables, between its marks if it has some.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print all of it as one JSON object.")] = False,
) -> None:
    """Break everything that can break while the suite works, and see that nothing is lost and nothing done twice.

    Starts a stack of its own with archive, analytics and avatar under a steady load, and injects one fault after the
    other: processes killed, frozen and told to end, broker and Postgres away, records nobody can read, a full disk,
    MediaPipe hanging. It measures how long effects stood still and how soon after the fault nobody was behind any more,
    and compares in the end what was acknowledged with what is there. Takes some ten minutes.

    Ends 0 when every row is green, 1 when one is not.
    """
    import json
    import random
    import sys
    import tempfile
    from contextlib import ExitStack

    from rich.console import Console

    from proving.chaos.report import write_markdown
    from proving.chaos.run import ChaosPlan, run_chaos

    chosen = random.SystemRandom().randrange(1_000_000) if seed is None else seed
    console = Console(emoji=False, stderr=True)
    console.print(f"seed {chosen}: `holistic bench chaos --seed {chosen}` does the same again", highlight=False)
    plan = ChaosPlan(seed=chosen, rate=rate, streams=streams, only=tuple(only or ()))
    with ExitStack() as held:
        place = home or Path(held.enter_context(tempfile.TemporaryDirectory(prefix="holistic-chaos-")))
        report = run_chaos(
            plan,
            place,
            lambda what: console.print(f"  {what}", style="dim", highlight=False),
            lambda row: _print_row(row, console),
        )
    if markdown is not None:
        write_markdown(report, markdown)
    if as_json:
        sys.stdout.write(json.dumps(report.as_dict(), indent=1) + "\n")
    else:
        _print_tables(report)
    raise typer.Exit(0 if report.ok else 1)


def _print_row(row: "Row", console: "Console") -> None:
    """One line as soon as a fault is over; what was lost is known only in the end."""
    from rich.markup import escape

    from proving.chaos.report import show_row

    name, _, lasted, stood_still, recovered, _, _, _, seen = show_row(row)
    colour = "green" if row.ok else "red"
    times = f"lasted {lasted:>7}, stood still {stood_still}, recovered in {recovered}"
    console.print(f"[{colour}]{name:22}[/] {times}; {escape(seen)}", highlight=False)


def _print_tables(report: "ChaosReport") -> None:
    from rich.table import Table

    from holistic_cli.whole_table import print_whole
    from proving.chaos.report import COLUMNS, show_row

    table = Table(title=f"{report.rate:g} frames/s of {report.streams} streams, seed {report.seed}")
    for column in COLUMNS:
        table.add_column(column)
    for row in report.rows:
        table.add_row(*show_row(row), style="green" if row.ok else "red")
    print_whole(table)
    ends = Table("in the end", "what was compared", "ok", "problems")
    for one in report.findings:
        problems = "\n".join(one.problems[:10])
        ends.add_row(one.name, one.figure, "yes" if one.ok else "NO", problems, style="green" if one.ok else "red")
    print_whole(ends)
