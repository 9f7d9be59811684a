"""`holistic sql "…"`"""

import os
from pathlib import Path
from typing import Annotated, Literal

import typer


def sql(
    statement: Annotated[str, typer.Argument(metavar="SQL", help="The question, e.g. 'SELECT count(*) FROM frames'.")],
    on: Annotated[Literal["postgres", "parquet"], typer.Option(help="Which store to ask.")] = "postgres",
    directory: Annotated[
        Path | None, typer.Option("--dir", help="Folder of the Parquet files (HOLISTIC_ARCHIVE_DIR).")
    ] = None,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Ask the archive in SQL.

    Both stores have the views **frames**, **pose_landmarks**, **pose_world_landmarks**, **hand_landmarks**,
    **face_landmarks** and **joints**, and the functions **pose_landmark(pose, 'left_wrist')**, **hand_landmark** and
    **face_landmark**. Nothing is ever changed.
    """
    from consumers.archive.settings import read_archive_settings
    from consumers.archive.sql import ask_parquet, ask_postgres
    from holistic_cli.answer_format import choose_format

    show = choose_format(as_csv=as_csv, as_json=as_json)
    _find_stores(on)
    settings = read_archive_settings(archive_dir=directory)
    if on == "parquet":
        asked = ask_parquet(settings.archive_dir, statement)
    else:
        asked = ask_postgres(settings.require_database_url(), statement)
    with asked as answer:
        show(answer.columns, answer.rows)


def _find_stores(on: str) -> None:
    """The files of a local stack can be read while it is down; its database cannot."""
    from holistic_cli.connect import NoServers, use_stack

    try:
        use_stack()
    except NoServers:
        if on == "postgres":
            raise
        from local_stack import default_data_dir

        os.environ.setdefault("HOLISTIC_ARCHIVE_DIR", str(default_data_dir() / "archive"))
