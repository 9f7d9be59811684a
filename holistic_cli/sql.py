"""`holistic sql "…"`"""

from typing import Annotated

import typer

from holistic_cli.archive_stores import Directory, On


def sql(
    statement: Annotated[str, typer.Argument(metavar="SQL", help="The question, e.g. 'SELECT count(*) FROM frames'.")],
    on: On = "postgres",
    directory: Directory = None,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Ask the archive in SQL.

    Both stores have the views **frames**, **pose_landmarks**, **pose_world_landmarks**, **hand_landmarks**,
    **face_landmarks** and **joints**, and the functions **pose_landmark(pose, 'left_wrist')**, **hand_landmark** and
    **face_landmark**. Nothing is ever changed.
    """
    from consumers.archive.sql import ask_parquet, ask_postgres
    from holistic_cli.answer_format import choose_format
    from holistic_cli.archive_stores import find_store

    show = choose_format(as_csv=as_csv, as_json=as_json)
    settings = find_store(on, directory)
    if on == "parquet":
        asked = ask_parquet(settings.archive_dir, statement)
    else:
        asked = ask_postgres(settings.require_database_url(), statement)
    with asked as answer:
        show(answer.columns, answer.rows)
