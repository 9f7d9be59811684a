"""`holistic forget`"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from holistic_cli.archive_stores import Directory

if TYPE_CHECKING:
    from connect_runtime.dead_letters import Place as Identity
    from connect_runtime.forgetting.letters import NoteGone
    from connect_runtime.forgetting.places import Found, Lingering, Place
    from consumers.archive.settings import ArchiveSettings
    from kafka_io.settings import KafkaSettings


def forget(
    stream: Annotated[str, typer.Argument(help="Whose records; `holistic streams` lists who there is.")],
    execute: Annotated[
        bool, typer.Option("--execute", help="Do it, for good. Without this it is only shown what there is.")
    ] = False,
    verify: Annotated[
        bool, typer.Option("--verify", help="Look again for what was forgotten. Ends 1 if anything is found.")
    ] = False,
    for_ever: Annotated[
        bool, typer.Option("--for-ever", help="Also keep out whatever comes of this stream later.")
    ] = False,
    receipt: Annotated[
        Path | None,
        typer.Option(dir_okay=False, help="File the receipt is written to; with --verify, the one to check."),
    ] = None,
    asked_by: Annotated[str | None, typer.Option("--by", help="Who asked, for the receipt (this user).")] = None,
    settle_s: Annotated[
        float, typer.Option("--settle", min=0.0, help="Seconds in which nothing more may turn up before it is done.")
    ] = 10.0,
    directory: Directory = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Erase a stream from both stores, the Iceberg table, analytics, roles, dead letters and retry topics, for good.

    A ledger keeps every service, replay, restore and redrive from bringing back what was captured or recorded before
    this moment; the stream may go on after it, unless **--for-ever**. A topic that only retention empties keeps its
    records until then: the receipt says when. Interrupted, run it again.
    """
    from consumers.archive.settings import read_archive_settings
    from holistic_cli.connect import use_stack
    from kafka_io.settings import read_kafka_settings
    from keypoints.topics import check_stream_id

    if execute and verify:
        raise typer.BadParameter("--execute verifies what it does; --verify is for later")
    if receipt is not None:
        _check_file(receipt, to_read=verify)
    use_stack()
    kafka, settings = read_kafka_settings(), read_archive_settings(archive_dir=directory)
    places = find_places(kafka, settings)
    if verify:
        _verify(kafka, check_stream_id(stream), places, receipt, as_json=as_json)
    elif execute:
        _execute(kafka, settings, places, (check_stream_id(stream), asked_by, for_ever, settle_s), receipt, as_json)
    else:
        _show(kafka, settings, check_stream_id(stream), places, as_json=as_json)


def _check_file(receipt: Path, *, to_read: bool) -> None:
    """Before anything is erased: what was found is known once only, and a receipt without a place is lost."""
    import os

    if to_read:
        if not (receipt.is_file() and os.access(receipt, os.R_OK)):
            raise typer.BadParameter(f"{receipt} cannot be read", param_hint="--receipt")
    elif receipt.exists():
        raise typer.BadParameter(
            f"{receipt} is there already, and may be the only proof of what it says: name another file",
            param_hint="--receipt",
        )
    elif not os.access(receipt.absolute().parent, os.W_OK):
        raise typer.BadParameter(f"{receipt} cannot be written", param_hint="--receipt")


def find_places(kafka: "KafkaSettings", settings: "ArchiveSettings") -> "list[Place]":
    """Everywhere a stream's records are kept that can be erased, the database where one is configured."""
    from connect_runtime.forgetting.letters import Letters, find_letter_topics
    from consumers.analytics.forgetting import AnalyticsTables
    from consumers.archive.connectors import find_dead_letter_topics, read_clock_us
    from consumers.archive.forgetting.iceberg_history import IcebergHistory
    from consumers.archive.forgetting.parquet_rows import ParquetRows
    from consumers.archive.forgetting.postgres_rows import PostgresRows
    from consumers.archive.parquet.location import open_storage
    from consumers.archive.settings import PARQUET_CONNECTOR, POSTGRES_CONNECTOR
    from consumers.avatar.cast.forgetting import AvatarRoles

    storage = open_storage(settings.archive_dir)
    named = {topic for topic in find_dead_letter_topics(settings).values() if topic}
    connectors = [
        str(settings.connector_config(usual).get("name", usual)) for usual in (POSTGRES_CONNECTOR, PARQUET_CONNECTOR)
    ]
    letters = sorted({*find_letter_topics(kafka, connectors), *named})
    note_gone = _make_note(kafka, settings)
    places: list[Place] = [ParquetRows(storage, read_clock_us)]
    if settings.database_url is not None:
        database_url = settings.require_database_url()
        # Files before the table that describes them.
        places = [PostgresRows(database_url), *places, IcebergHistory(settings.archive_dir, database_url),
                  AnalyticsTables(database_url)]  # fmt: skip
    return [*places, AvatarRoles(kafka), *(Letters(kafka, topic, note_gone) for topic in letters)]


def _make_note(kafka: "KafkaSettings", settings: "ArchiveSettings") -> "NoteGone":
    from functools import partial

    from consumers.archive.connectors import read_clock_us
    from consumers.archive.forgetting.erased import ErasedFromParquet, ErasedFromPostgres, group_identities
    from consumers.archive.parquet.location import open_storage
    from kafka_io.admin import topic_id

    find_topic_id = partial(topic_id, kafka)
    stores: list[ErasedFromParquet | ErasedFromPostgres] = [
        ErasedFromParquet(open_storage(settings.archive_dir), find_topic_id, read_clock_us)
    ]
    if settings.database_url is not None:
        stores.append(ErasedFromPostgres(settings.require_database_url(), find_topic_id))

    def note(identities: "Sequence[Identity]") -> None:
        for store in stores:
            store.note(group_identities(identities))

    return note


def _find_lingering(kafka: "KafkaSettings", settings: "ArchiveSettings", newest_us: int) -> "list[Lingering]":
    from connect_runtime.forgetting.topics import find_lingering, list_restored_topics
    from consumers.archive.connectors import read_clock_us
    from keypoints.topics import GESTURE_TOPIC, IMAGES_TOPIC

    # Frames are stamped with their capture, all else with when it was sent.
    sent_us = max(newest_us, read_clock_us())
    newest = {topic.strip(): newest_us for topic in settings.topic.split(",")}
    newest |= dict.fromkeys([GESTURE_TOPIC, IMAGES_TOPIC, *list_restored_topics(kafka)], sent_us)
    found = (find_lingering(kafka, topic, at_us) for topic, at_us in newest.items())
    return [one for one in found if one is not None]


def _execute(
    kafka: "KafkaSettings",
    settings: "ArchiveSettings",
    places: "Sequence[Place]",
    asked: tuple[str, str | None, bool, float],
    path: Path | None,
    as_json: bool,
) -> None:
    import time

    import orjson
    from rich.console import Console

    from connect_runtime.forgetting.run import Around, ForgetRequest, forget
    from consumers.archive.connectors import read_clock_us

    stream, asked_by, for_ever, settle_s = asked
    with Console(emoji=False, stderr=True, quiet=as_json).status("beginning") as status:
        receipt = forget(
            kafka,
            ForgetRequest(stream, asked_by or _name_user(), for_ever, settle_s),
            places,
            lambda newest_us: _find_lingering(kafka, settings, newest_us),
            Around(read_clock_us, time.sleep, status.update),
        )
    written = orjson.dumps(receipt, option=orjson.OPT_INDENT_2)
    try:
        if path is not None:
            path.write_bytes(written)
    except OSError as error:
        # It is given once only.
        typer.echo(written)
        typer.secho(f"{path} cannot be written ({error.strerror}): this is the receipt, keep it", fg="red", err=True)
        raise typer.Exit(1) from error
    if as_json:
        typer.echo(written)
    else:
        _print_receipt(receipt, path)
    raise typer.Exit(0 if receipt["complete"] else 1)


def _verify(
    kafka: "KafkaSettings", stream: str, places: "Sequence[Place]", path: Path | None, *, as_json: bool
) -> None:
    import orjson

    from connect_runtime.forgetting.ledger import read_forgotten
    from connect_runtime.forgetting.places import Subject
    from connect_runtime.forgetting.receipt import check_receipt, show_time
    from connect_runtime.forgetting.run import look
    from keypoints.errors import Terminal

    forgotten = read_forgotten(kafka)
    entry = forgotten.find(stream)
    if entry is None:
        raise Terminal(f"{stream} is not in the ledger", hint="`holistic forget STREAM --execute` enters it")
    if path is not None:
        check_receipt(_read_receipt(path), stream, forgotten)
    found = look(places, Subject(stream, entry.until_us))
    gone = not any(one.records for one in found)
    if as_json:
        answer = {"gone": gone, "forgotten_until": show_time(entry.until_us), "places": _as_plain(places, found)}
        typer.echo(orjson.dumps(answer, option=orjson.OPT_INDENT_2))
    else:
        _print_found(f"forgotten until {show_time(entry.until_us) or 'for ever'}", places, found)
        typer.secho("nothing is left" if gone else "NOT gone: run it again with --execute", bold=True)
        if path is not None:
            typer.echo("the receipt is as it was given")
    raise typer.Exit(0 if gone else 1)


def _read_receipt(path: Path) -> dict[str, Any]:
    import orjson

    from keypoints.errors import Terminal

    try:
        receipt = orjson.loads(path.read_bytes())
    except orjson.JSONDecodeError as error:
        raise Terminal(f"{path} is no receipt: {error}", hint="name the file --execute --receipt wrote") from error
    if not isinstance(receipt, dict):
        raise Terminal(f"{path} is no receipt", hint="name the file --execute --receipt wrote")
    return receipt


def _show(
    kafka: "KafkaSettings", settings: "ArchiveSettings", stream: str, places: "Sequence[Place]", *, as_json: bool
) -> None:
    import orjson

    from connect_runtime.forgetting.places import Subject, newest_of
    from connect_runtime.forgetting.receipt import show_time
    from connect_runtime.forgetting.run import look
    from consumers.archive.connectors import read_clock_us

    found = look(places, Subject(stream, None))
    lingering = _find_lingering(kafka, settings, newest_of(found) or read_clock_us())
    if as_json:
        remains = [{"place": one.place, "until": show_time(one.until_us), "why": one.why} for one in lingering]
        answer = {"places": _as_plain(places, found), "remains": remains}
        typer.echo(orjson.dumps(answer, option=orjson.OPT_INDENT_2))
        return
    _print_found("what there is", places, found)
    for one in lingering:
        typer.echo(f"{one.place}: would stay until {show_time(one.until_us) or 'it is deleted'}")
    if not any(one.records for one in found):
        typer.secho(f"there is nothing of {stream} here: is the name right? `holistic streams` lists them", fg="yellow")
    typer.secho("nothing is done yet: add --execute", bold=True)


def _as_plain(places: "Sequence[Place]", found: "Sequence[Found]") -> list[dict[str, Any]]:
    return [
        {"place": place.name, "records": one.records, "details": dict(one.details)}
        for place, one in zip(places, found, strict=True)
    ]


def _print_found(title: str, places: "Sequence[Place]", found: "Sequence[Found]") -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(title=title)
    table.add_column("place")
    table.add_column("records", justify="right")
    for place, one in zip(places, found, strict=True):
        table.add_row(place.name, f"{one.records:,}")
    Console(emoji=False).print(table)


def _print_receipt(receipt: dict[str, Any], path: Path | None) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(title=f"forgotten until {receipt['forgotten_until']}")
    table.add_column("place")
    for name in ("found", "removed", "left"):
        table.add_column(name, justify="right")
    for place in receipt["places"]:
        table.add_row(place["place"], *(f"{place[name]:,}" for name in ("found", "removed", "left")))
    console = Console(emoji=False)
    console.print(table)
    for one in receipt["remains"]:
        console.print(f"{one['place']}: until {one['until']}; {one['why']}", highlight=False)
    for one in receipt["not_covered"]:
        console.print(f"not covered: {one}", style="dim", highlight=False)
    console.print(f"SHA-256 {receipt['sha256']}" + (f", written to {path}" if path else ""), highlight=False)
    console.print(
        "all that can be erased is erased" if receipt["complete"] else "NOT complete: run it again", style="bold"
    )


def _name_user() -> str:
    import getpass
    import socket

    try:
        return f"{getpass.getuser()}@{socket.gethostname()}"
    except (KeyError, OSError):
        return socket.gethostname()
