"""`holistic gestures`: evaluate"""

from pathlib import Path
from typing import Annotated

import typer

gestures = typer.Typer(no_args_is_help=True, rich_markup_mode="markdown", add_completion=False)

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


@gestures.callback()
def describe() -> None:
    """Gestures: how well they are told apart."""


@gestures.command()
def evaluate(
    file: Annotated[Path, typer.Argument(help="Labelled rows to measure on (CSV).", show_default=False)],
    train: Annotated[
        Path | None, typer.Option(help="Labelled rows to learn from first, in the same layout.", show_default=False)
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Measure how many labelled rows are told right: accuracy, confusion, and recall of each class.

    The layout is told from the file: **hands** (label, then 21 landmarks' x, y from the wrist), **motion** (label, then
    16 points' x, y of a fingertip's way) or **squats** (a header, then label and named landmarks' x, y, z, v).
    """
    raise typer.BadParameter(f"nothing can be measured yet, not {file} with {train}; json: {as_json}")
