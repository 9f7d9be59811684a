"""`holistic gestures`: evaluate; and teach, list, remove, export, import, which are in `gestures_taught`"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from holistic_cli import gestures_taught

if TYPE_CHECKING:
    from collections.abc import Callable

    from consumers.analytics.learning.evaluation import Evaluation

gestures = typer.Typer(no_args_is_help=True, rich_markup_mode="markdown", add_completion=False)

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


@gestures.callback()
def describe() -> None:
    """Gestures: how well they are told apart, and teaching your own."""


gestures.command("teach")(gestures_taught.teach)
gestures.command("list")(gestures_taught.list_taught)
gestures.command("remove")(gestures_taught.remove)
gestures.command("export")(gestures_taught.export)
gestures.command("import")(gestures_taught.import_taught)


@gestures.command()
def evaluate(
    file: Annotated[
        Path, typer.Argument(exists=True, dir_okay=False, help="Labelled rows to measure on (CSV).", show_default=False)
    ],
    train: Annotated[
        Path | None,
        typer.Option(
            exists=True,
            dir_okay=False,
            help="Labelled rows to learn from first, in the same layout.",
            show_default=False,
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Measure how many labelled rows are told right: accuracy, confusion, and recall of each class.

    The layout is told from the file: **hands** (label, then 21 landmarks' x, y from the wrist), **motion** (label, then
    16 points' x, y of a fingertip's way) or **squats** (a header, then label and named landmarks' x, y, z, v).

    Without --train the suite's own rules are measured; motion has none. With it they are left aside, and what is
    learned from those rows is measured instead: a second or two, the same each time.
    """
    from rich.console import Console

    with Console(emoji=False, stderr=True).status("reading") as status:
        evaluation = _measure(file, train, status.update)
    if as_json:
        _print_evaluation_json(evaluation)
    else:
        _print_evaluation(evaluation)


def _measure(file: Path, train: Path | None, say: "Callable[[str], None]") -> "Evaluation":
    from consumers.analytics.learning.measure import measure_learned, measure_rules
    from consumers.analytics.learning.rows import Layout, tell_layout

    layout = tell_layout(file)
    if layout is Layout.SQUATS:
        from consumers.analytics.exercises.labelled import evaluate_squats

        say("counting squats")
        return evaluate_squats(file, train)
    if train is not None:
        return measure_learned(file, train, say)
    if layout is Layout.MOTION:
        raise typer.BadParameter(
            "single windows of motion have no rules to measure: give rows to learn from", param_hint="--train"
        )
    return measure_rules(file)


def _print_evaluation_json(evaluation: "Evaluation") -> None:
    import orjson

    figures = {
        "accuracy": evaluation.accuracy,
        "rows": evaluation.rows,
        "classes": evaluation.classes,
        "confusion": evaluation.confusion,
        "recall": evaluation.recall,
        "precision": evaluation.precision,
        **evaluation.extra,
    }
    typer.echo(orjson.dumps(figures, option=orjson.OPT_INDENT_2).decode())


def _print_evaluation(evaluation: "Evaluation") -> None:
    from rich.markup import escape
    from rich.table import Table

    from holistic_cli.whole_table import print_whole, show_controls

    names = [escape(show_controls(name)) for name in evaluation.classes]
    table = Table(
        title=f"{evaluation.accuracy:.1%} of {evaluation.rows:,} rows told right",
        caption="rows by their label (down) and what was said of them (across)",
    )
    table.add_column("label", no_wrap=True)
    for name in (*names, "recall", "precision"):
        table.add_column(name, justify="right", no_wrap=True)
    shares = zip(evaluation.recall.values(), evaluation.precision.values(), strict=True)
    for name, row, of_class in zip(names, evaluation.confusion, shares, strict=True):
        if any(row):
            table.add_row(name, *map(str, row), *("∅" if share is None else f"{share:.1%}" for share in of_class))
    print_whole(table)
    for name, value in evaluation.extra.items():
        typer.echo(f"{name.replace('_', ' ')}: {value}")
