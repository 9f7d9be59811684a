"""`holistic archive`"""

from pathlib import Path
from typing import Annotated, Literal

import typer


def archive(
    sink: Annotated[Literal["postgres", "parquet", "both"], typer.Option(help="Which store to fill.")] = "both",
    topic: Annotated[str | None, typer.Option(help="Topic to archive (HOLISTIC_TOPIC, else the suite's own).")] = None,
    directory: Annotated[
        str | None,
        typer.Option(
            "--dir", help="Where the Parquet files are: a folder or s3://bucket/prefix (HOLISTIC_ARCHIVE_DIR)."
        ),
    ] = None,
    config_files: Annotated[
        list[Path] | None,
        typer.Option("--config", metavar="FILE", help="File of connector settings (properties or JSON)."),
    ] = None,
) -> None:
    """Keep every frame: as rows in Postgres and as Parquet files, each record once. Ends on Ctrl-C or SIGTERM."""
    from consumers.archive.connectors import Store
    from consumers.archive.run import run_archive
    from consumers.archive.settings import read_archive_settings
    from holistic_cli.connect import name_files, use_stack

    use_stack()
    settings = read_archive_settings(config_files=name_files(config_files), topic=topic, archive_dir=directory)
    raise typer.Exit(run_archive(tuple(Store) if sink == "both" else (Store(sink),), settings))
