"""`holistic sql "…"`"""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from holistic_cli.archive_stores import Directory, On

if TYPE_CHECKING:
    from consumers.archive.settings import ArchiveSettings
    from holistic_cli.sql_asking import Ask


def sql(
    statement: Annotated[
        str | None, typer.Argument(metavar="[SQL]", help="The question, e.g. 'SELECT count(*) FROM frames'.")
    ] = None,
    on: On = "postgres",
    directory: Directory = None,
    file: Annotated[
        Path | None,
        typer.Option("--file", "-f", exists=True, dir_okay=False, help="File of questions, each ended by a semicolon."),
    ] = None,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Ask the archive in SQL: one question, a file of them, those piped in, or again and again at a prompt.

    Both stores have the views **frames**, **pose_landmarks**, **pose_world_landmarks**, **hand_landmarks**,
    **face_landmarks**, **joints**, **world_joints** and **streams**, and the functions
    **pose_landmark(pose, 'left_wrist')**, **hand_landmark**, **face_landmark**, **pose_angle** and **pose_distance**.
    Postgres has what analytics found as well: **gesture_events**, **movement_counts**, **anomalies**,
    **activity_by_minute** and **webhook_deliveries**.
    Nothing is ever changed. Of several questions, the first that fails ends it, with exit code 1. JSON is an array a
    question.
    """
    from consumers.archive.sql_script import split_statements
    from holistic_cli.answer_format import choose_format
    from holistic_cli.archive_stores import find_store
    from holistic_cli.sql_asking import ask_and_show

    if statement is not None and file is not None:
        raise typer.BadParameter("either SQL or --file")
    show = choose_format(as_csv=as_csv, as_json=as_json)
    text = statement if file is None else file.read_text(encoding="utf-8")
    if text is None and not sys.stdin.isatty():
        text = sys.stdin.read()
    ask = _ask_store(on, find_store(on, directory))
    if text is None:
        from holistic_cli.sql_prompt import SqlPrompt

        SqlPrompt(on, ask, show if as_csv or as_json else None).run()
        return
    questions = split_statements(text).all
    if not questions:
        raise typer.BadParameter("there is no question", param_hint="SQL")
    for question in questions:
        ask_and_show(ask, question, show)


def _ask_store(on: str, settings: "ArchiveSettings") -> "Ask":
    from consumers.archive.sql import ask_parquet, ask_postgres

    if on == "parquet":
        return lambda question, canceller: ask_parquet(settings.archive_dir, question, canceller)
    database_url = settings.require_database_url()
    return lambda question, canceller: ask_postgres(database_url, question, canceller)
