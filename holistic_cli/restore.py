"""`holistic restore`"""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from holistic_cli.archive_stores import Directory, On

if TYPE_CHECKING:
    from consumers.archive.restore.run import RestorePlan
    from consumers.archive.restore.source import RestoreSource
    from consumers.archive.settings import ArchiveSettings
    from kafka_io.settings import KafkaSettings

_TIME = "a duration ago (2h, 1h30m) or a time (2026-03-01T12:00)"


def restore(
    first: Annotated[str | None, typer.Option("--from", help=f"Captured from then on: earliest, {_TIME}.")] = None,
    end: Annotated[str | None, typer.Option("--to", help=f"Captured before then: latest, {_TIME}.")] = None,
    stream: Annotated[str | None, typer.Option(help="Only this stream's records.")] = None,
    topic: Annotated[
        str | None, typer.Option(help="Topic the records came from (HOLISTIC_TOPIC, else the suite's own).")
    ] = None,
    to_topic: Annotated[
        str | None, typer.Option(help="Topic to publish to, made if it is not there (TOPIC-restored).")
    ] = None,
    into_live: Annotated[
        bool, typer.Option("--into-live", help="Allow the very topic they came from, which drops what is too old.")
    ] = False,
    on: On = "parquet",
    directory: Directory = None,
    execute: Annotated[bool, typer.Option("--execute", help="Do it. Without this it is only shown.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Publish archived records again, say after the topic dropped them.

    Key, headers, timestamp and partition are what they were; a header says who each record was, so that no archive
    counts it twice. What is in the topic already is not published again: after an interruption, run it once more.
    """
    import time

    from consumers.archive.capture_range import read_capture_range
    from consumers.archive.restore.run import RestoreRequest, plan_restore
    from consumers.archive.settings import read_archive_settings
    from holistic_cli.connect import use_stack
    from kafka_io.settings import read_kafka_settings
    from keypoints.topics import RESTORED_SUFFIX

    use_stack()
    settings = read_archive_settings(topic=topic, archive_dir=directory)
    captured = read_capture_range(first, end, int(time.time() * 1000))
    kafka, source = read_kafka_settings(), _open_source(on, settings)
    target = to_topic or f"{settings.topic}{RESTORED_SUFFIX}"
    plan = plan_restore(kafka, source, RestoreRequest(settings.topic, target, captured, stream, into_live))
    restored = _execute(kafka, source, plan, quiet=as_json) if execute else None
    if as_json:
        import orjson

        typer.echo(orjson.dumps(_as_plain(plan, restored), option=orjson.OPT_INDENT_2))
    else:
        _print_table(plan, restored)


def _open_source(on: str, settings: "ArchiveSettings") -> "RestoreSource":
    if on == "postgres":
        from consumers.archive.restore.from_postgres import PostgresSource

        return PostgresSource(settings.require_database_url())
    from consumers.archive.parquet.location import open_storage
    from consumers.archive.restore.source import ParquetSource

    return ParquetSource(open_storage(settings.archive_dir))


def _execute(kafka: "KafkaSettings", source: "RestoreSource", plan: "RestorePlan", *, quiet: bool) -> int:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from consumers.archive.restore.run import execute_restore

    columns = (TextColumn("restoring"), BarColumn(), MofNCompleteColumn(), TextColumn("records"), TimeRemainingColumn())
    console = Console(emoji=False, stderr=True)
    hidden = quiet or not console.is_terminal
    with Progress(*columns, console=console, transient=True, disable=hidden) as progress:
        bar = progress.add_task("", total=plan.left.records)
        return execute_restore(kafka, source, plan, lambda done, of: progress.update(bar, completed=done, total=of))


def _as_plain(plan: "RestorePlan", restored: int | None) -> dict[str, Any]:
    return {
        "topic": plan.wanted.topic,
        "topic_id": plan.wanted.topic_id,
        "to_topic": plan.request.to_topic,
        "makes_topic": plan.makes_topic,
        "partitions": [
            {
                "partition": found.partition,
                "to_restore": len(found.offsets),
                "restored_before": plan.restored_before[found.partition],
            }
            for found in plan.left.partitions
        ],
        "forgotten": plan.left.forgotten,
        "restored": restored,
    }


def _print_table(plan: "RestorePlan", restored: int | None) -> None:
    from rich.console import Console
    from rich.table import Table

    made = " (to be made)" if plan.makes_topic and restored is None else ""
    table = Table(title=f"{plan.wanted.topic} → {plan.request.to_topic}{made}")
    for name in ("partition", "records to restore", "restored before"):
        table.add_column(name, justify="right")
    for found in plan.left.partitions:
        table.add_row(str(found.partition), f"{len(found.offsets):,}", f"{plan.restored_before[found.partition]:,}")
    console = Console(emoji=False)
    console.print(table)
    if not plan.left.partitions:
        of = "" if plan.request.stream_id is None else f" of {plan.request.stream_id}"
        console.print(f"there are no records{of} in that range; `holistic streams` says who is in the archive",
                      markup=False, highlight=False)  # fmt: skip
    if plan.left.forgotten:
        console.print(f"{plan.left.forgotten:,} records of forgotten streams are left out")
    if restored is None and plan.left.partitions:
        console.print("nothing is done yet: add --execute", style="bold")
    elif restored is not None:
        console.print(f"{restored:,} records are restored", style="bold")
