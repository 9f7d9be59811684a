"""`holistic audit`"""

from typing import Annotated, Any

import typer


def audit(
    on: Annotated[list[str] | None, typer.Option(help="Store to audit (postgres, parquet); by default both.")] = None,
    topic: Annotated[str | None, typer.Option(help="Topic to compare with (HOLISTIC_TOPIC, else the suite's).")] = None,
    directory: Annotated[
        str | None,
        typer.Option(
            "--dir", help="Where the Parquet files are: a folder or s3://bucket/prefix (HOLISTIC_ARCHIVE_DIR)."
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Check that the archive holds each record of the topic once, partition by partition. Ends 1 if it does not.

    Records that could not be used and are dead letters of the archive's connectors are shown, and are not missing.
    """
    import orjson

    from consumers.archive.audit import audit_archive
    from consumers.archive.connectors import find_dead_letter_topics
    from consumers.archive.settings import read_archive_settings
    from holistic_cli.connect import use_stack
    from kafka_io.settings import read_kafka_settings

    stores = set(on or ("postgres", "parquet"))
    if unknown := stores - {"postgres", "parquet"}:
        raise typer.BadParameter(f"there is no store {', '.join(sorted(unknown))}: postgres or parquet")
    use_stack()
    settings = read_archive_settings(topic=topic, archive_dir=directory)
    audited = audit_archive(
        read_kafka_settings(),
        settings.topic,
        database_url=settings.require_database_url() if "postgres" in stores else None,
        archive_root=settings.archive_dir if "parquet" in stores else None,
        dead_letter_topics=find_dead_letter_topics(settings),
    )
    if as_json:
        typer.echo(orjson.dumps({"clean": audited.clean, **_as_plain(audited)}, option=orjson.OPT_INDENT_2))
    else:
        _print_table(audited)
    raise typer.Exit(0 if audited.clean else 1)


def _as_plain(audited: Any) -> dict[str, object]:
    from dataclasses import asdict

    return asdict(audited)


def _print_table(audited: Any) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(
        title=f"{audited.topic} against the archive",
        caption="part: the partition; skipped: dead letters; twice: rows beyond one",
    )
    table.add_column("part", justify="right")
    table.add_column("store", no_wrap=True)
    for name in ("in topic", "rows", "skipped", "missing", "twice", "beyond"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("first gaps")
    for partition in audited.partitions:
        for store in partition.stores:
            gaps = ", ".join(f"{first}–{last}" for first, last in store.gaps[:5])
            in_topic = partition.end_offset - partition.start_offset
            numbers = (in_topic, store.rows, store.skipped, store.missing, store.duplicates)
            beyond = sum(last - first + 1 for first, last in store.beyond)
            table.add_row(str(partition.partition), store.store, *map(str, numbers), str(beyond), gaps)
    console = Console()
    console.print(table)
    for run in audited.lost:
        count = run.last - run.first + 1
        console.print(
            f"lost to {run.connector}: {count} records of partition {run.partition}, offsets {run.first}–{run.last}: "
            "retention took them before they were read"
        )
    console.print("clean: every record is there once, or a dead letter" if audited.clean else "NOT clean", style="bold")
