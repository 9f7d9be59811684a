"""Which of the archive's stores a verb asks, and where it is."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from consumers.archive.settings import ArchiveSettings

StoreName = Literal["postgres", "parquet"]
On = Annotated[StoreName, typer.Option("--on", help="Which store to ask.")]
Directory = Annotated[
    str | None,
    typer.Option("--dir", help="Where the Parquet files are: a folder or s3://bucket/prefix (HOLISTIC_ARCHIVE_DIR)."),
]


def find_store(on: StoreName, directory: str | None) -> "ArchiveSettings":
    """The archive's settings, once the store is known to be somewhere.

    The files of a local stack can be read while it is down; its database cannot: then it raises NoServers.
    """
    from consumers.archive.settings import read_archive_settings
    from holistic_cli.connect import NoServers, use_stack

    if directory is not None and "://" not in directory and not Path(directory).is_dir():
        # The archive may not have begun; or its name is misspelt.
        typer.secho(f"there is no folder {directory}: nothing is archived there", fg="yellow", err=True)

    try:
        use_stack()
    except NoServers:
        if on == "postgres":
            raise
        from local_stack import default_data_dir

        os.environ.setdefault("HOLISTIC_ARCHIVE_DIR", str(default_data_dir() / "archive"))
    return read_archive_settings(archive_dir=directory)
