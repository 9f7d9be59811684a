"""`holistic backup`: make, verify, restore"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from consumers.archive.backup.record import BackupRecord
    from consumers.archive.settings import ArchiveSettings
    from kafka_io.settings import KafkaSettings

backup = typer.Typer(no_args_is_help=True, rich_markup_mode="markdown", add_completion=False)

Place = Annotated[str, typer.Argument(metavar="BACKUP", help="Where the backup is: a folder or s3://bucket/prefix.")]
Directory = Annotated[
    str | None,
    typer.Option("--dir", help="Where the archive is: a folder or s3://bucket/prefix (HOLISTIC_ARCHIVE_DIR)."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


@backup.callback()
def describe() -> None:
    """The archive's Parquet files, and the small topics, kept in another place.

    A backup is an archive itself: `holistic sql --on parquet`, `audit` and `files` read it with `--dir`. Postgres has
    tools of its own for its part: see docs/backup.md for both together, and for the drill.
    """


@backup.command()
def make(
    destination: Place,
    topics: Annotated[
        bool, typer.Option(help="Save settings, roles, schemas and the ledger of forgotten streams too.")
    ] = True,
    directory: Directory = None,
    as_json: AsJson = False,
) -> None:
    """Bring a backup up to what the archive is now, while the archive goes on.

    Only files it lacks are copied; those that were compacted or erased since are removed from it. Interrupted, run it
    again. It refuses an archive that lacks what the backup has, so that one that was lost does not empty it.
    """
    from dataclasses import asdict

    from consumers.archive.backup.run import make_backup
    from consumers.archive.backup.topics import save_topics
    from consumers.archive.connectors import read_clock_us
    from consumers.archive.parquet.location import open_storage
    from holistic_cli.archive_stores import find_store
    from holistic_cli.connect import use_stack
    from kafka_io.settings import read_kafka_settings

    archive = open_storage(find_store("parquet", directory).archive_dir)
    saved = None
    if topics:
        use_stack()
        saved = save_topics(read_kafka_settings())
    with _progress("copying", quiet=as_json) as tell:
        report = make_backup(archive, open_storage(destination), read_clock_us, saved, tell)
    if as_json:
        _print_json(asdict(report))
        return
    typer.echo(
        f"{destination} has {report.files:,} files with {report.rows:,} frames ({_size(report.bytes)}): "
        f"{report.copied_files:,} copied ({_size(report.copied_bytes)}), {report.removed:,} removed"
    )
    for topic, records in report.topics.items():
        typer.echo(f"{topic}: {records:,} records")


@backup.command()
def verify(place: Place, as_json: AsJson = False) -> None:
    """Read every file of a backup again, and compare it with what was copied. Ends 1 if anything is wrong."""
    from dataclasses import asdict

    from consumers.archive.backup.run import verify_backup
    from consumers.archive.parquet.location import open_storage

    with _progress("reading", quiet=as_json) as tell:
        verdict = verify_backup(open_storage(place), tell)
    if as_json:
        _print_json({**asdict(verdict), "is_whole": verdict.is_whole})
    else:
        for path in verdict.damaged:
            typer.secho(f"damaged: {path}", fg="red")
        for path in verdict.missing:
            typer.secho(f"missing: {path}", fg="red")
        typer.echo(f"made {_time(verdict.made_at_us)}: {verdict.files:,} files, {_size(verdict.bytes)}")
        typer.secho("it is whole" if verdict.is_whole else "NOT whole: run `holistic backup make` again", bold=True)
    raise typer.Exit(0 if verdict.is_whole else 1)


@backup.command()
def restore(
    place: Place,
    execute: Annotated[bool, typer.Option("--execute", help="Do it. Without this it is only shown.")] = False,
    files: Annotated[bool, typer.Option(help="Make an archive of the files in --dir, which must be empty.")] = True,
    topics: Annotated[bool, typer.Option(help="Publish what the small topics lack, the ledger first.")] = True,
    forgotten: Annotated[bool, typer.Option(help="Erase again what the ledger says is to be nowhere.")] = True,
    replication: Annotated[
        int | None, typer.Option(min=1, help="Copies of topics that have to be made (the brokers' default).")
    ] = None,
    directory: Directory = None,
    as_json: AsJson = False,
) -> None:
    """Put a backup back, before the services are started: files, topics, and then what must not come back is erased.

    Restore Postgres first, so that forgotten streams are erased from it too. Each step may be left out, and may be run
    again. A key that a topic has is newer than the backup's, and stays.
    """
    from consumers.archive.backup.run import require_record, restore_files
    from consumers.archive.backup.topics import find_missing, restore_topics
    from consumers.archive.connectors import read_clock_us
    from consumers.archive.parquet.location import open_storage
    from consumers.archive.settings import read_archive_settings
    from holistic_cli.connect import use_stack
    from kafka_io.settings import read_kafka_settings

    use_stack()
    settings, kafka = read_archive_settings(archive_dir=directory), read_kafka_settings()
    source = open_storage(place)
    record = require_record(source)
    answer: dict[str, Any] = {"made_at_us": record.made_at_us, "archive": settings.archive_dir, "executed": execute}
    if files:
        answer["files"] = len(record.files)
        if execute:
            with _progress("copying", quiet=as_json) as tell:
                target = open_storage(settings.archive_dir)
                answer["frames"] = restore_files(source, target, read_clock_us, tell).rows
    if topics:
        answer["topics"] = (
            restore_topics(kafka, record.topics, replication=replication)
            if execute
            else find_missing(kafka, record.topics)
        )
    if forgotten and execute:
        answer["erased_again"] = _erase_again(kafka, settings, record)
    if as_json:
        _print_json(answer)
    else:
        _print_answer(answer)


def _erase_again(kafka: "KafkaSettings", settings: "ArchiveSettings", record: "BackupRecord") -> dict[str, Any]:
    from dataclasses import asdict

    from connect_runtime.forgetting.ledger import read_forgotten
    from consumers.archive.backup.erasing import erase_forgotten
    from holistic_cli.forget import find_places

    ledger = read_forgotten(kafka)
    if not ledger.entries:
        return {"streams": 0, "records": {}}
    return asdict(erase_forgotten(ledger, _list_names(settings, record), find_places(kafka, settings)))


def _list_names(settings: "ArchiveSettings", record: "BackupRecord") -> set[str]:
    """Every stream that a restored place may hold rows of."""
    from consumers.analytics.forgetting import AnalyticsTables
    from consumers.archive.backup.topics import list_keys
    from consumers.archive.streams import list_parquet_streams, list_postgres_streams
    from keypoints.topics import AVATAR_ROLES_TOPIC

    names = set(list_keys(record.topics, AVATAR_ROLES_TOPIC))
    names |= {stream.stream_id for stream in list_parquet_streams(settings.archive_dir)}
    if settings.database_url is not None:
        database_url = settings.require_database_url()
        names |= {stream.stream_id for stream in list_postgres_streams(database_url)}
        names |= AnalyticsTables(database_url).list_streams()
    return names


@contextmanager
def _progress(doing: str, *, quiet: bool) -> "Iterator[Callable[[int, int], None]]":
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(emoji=False, stderr=True)
    columns = (TextColumn(doing), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=quiet or not console.is_terminal) as progress:
        task = progress.add_task(doing, total=None)
        yield lambda done, of: progress.update(task, completed=done, total=of)


def _print_answer(answer: dict[str, Any]) -> None:
    typer.echo(f"the backup was made {_time(answer['made_at_us'])}")
    if "files" in answer:
        typer.echo(f"{answer['files']:,} files to {answer['archive']}")
    for topic, records in answer.get("topics", {}).items():
        typer.echo(f"{topic}: {records:,} records it lacks")
    erased = answer.get("erased_again")
    if erased is not None:
        typer.echo(f"forgotten streams that had come back: {erased['streams']:,}")
        for place, records in erased["records"].items():
            if records:
                typer.echo(f"{place}: {records:,} records erased again")
    typer.secho("restored" if answer["executed"] else "nothing is done yet: add --execute", bold=True)


def _print_json(value: object) -> None:
    import orjson

    typer.echo(orjson.dumps(value, option=orjson.OPT_INDENT_2).decode())


def _size(size: int) -> str:
    return f"{size / 1e9:.2f} GB" if size >= 1e9 else f"{size / 1e6:.1f} MB"


def _time(at_us: int) -> str:
    from connect_runtime.forgetting.receipt import show_time

    return str(show_time(at_us))
