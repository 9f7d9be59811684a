"""`holistic audit`"""

from collections.abc import Iterable
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from holistic_cli.archive_stores import Directory

if TYPE_CHECKING:
    from consumers.archive.audit import ArchiveAudit
    from consumers.archive.parquet.offset_set import Run
    from consumers.archive.settings import ArchiveSettings

_RUNS_SHOWN = 20
_PLACE = "earliest, latest, a duration ago (2h), a time (2026-03-01T12:00), or offsets as JSON"


def audit(
    on: Annotated[list[str] | None, typer.Option(help="Store to audit (postgres, parquet); by default both.")] = None,
    topic: Annotated[str | None, typer.Option(help="Topic to compare with (HOLISTIC_TOPIC, else the suite's).")] = None,
    first: Annotated[str | None, typer.Option("--from", help=f"Offsets from there on: {_PLACE}.")] = None,
    end: Annotated[str | None, typer.Option("--to", help="Offsets before that; the same.")] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="What a connector has not committed yet is missing, not pending.")
    ] = False,
    directory: Directory = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Check that the archive holds each record of the topic once, partition by partition. Ends 1 if it does not.

    Not missing, but shown: dead letters of the archive's connectors; what retention or a wish to be forgotten removed;
    records the archive holds under another identity, as frames of images are; what a connector has yet to commit, for
    it will archive that. What the topic itself no longer holds is compared between the stores.
    """
    import time

    import orjson

    from connect_runtime.offsets.forms import Moment
    from consumers.archive.audit import AuditOptions, audit_archive
    from consumers.archive.connectors import find_dead_letter_topics
    from consumers.archive.settings import read_archive_settings
    from holistic_cli.connect import use_stack
    from holistic_cli.places import read_place_or_file
    from kafka_io.settings import read_kafka_settings

    stores = set(on or ("postgres", "parquet"))
    if unknown := stores - {"postgres", "parquet"}:
        raise typer.BadParameter(f"there is no store {', '.join(sorted(unknown))}: postgres or parquet")
    use_stack()
    settings = read_archive_settings(topic=topic, archive_dir=directory)
    now_ms = int(time.time() * 1000)
    begins, ends = (
        None if text is None else read_place_or_file(text, now_ms, (settings.topic,)) for text in (first, end)
    )
    if isinstance(begins, Moment) and isinstance(ends, Moment) and begins.timestamp_ms >= ends.timestamp_ms:
        # Of nothing at all it would say that it is clean.
        raise typer.BadParameter(f"{first} is not before {end}: the range is empty", param_hint="--from")
    options = AuditOptions(
        find_dead_letter_topics(settings),
        {} if strict else _find_groups(settings, stores),
        begins,
        ends,
    )
    audited = audit_archive(
        read_kafka_settings(),
        settings.topic,
        database_url=settings.require_database_url() if "postgres" in stores else None,
        archive_root=settings.archive_dir if "parquet" in stores else None,
        options=options,
    )
    if as_json:
        typer.echo(orjson.dumps({"clean": audited.clean, **asdict(audited)}, option=orjson.OPT_INDENT_2))
    else:
        _print_table(audited)
        _print_lists(audited)
    raise typer.Exit(0 if audited.clean else 1)


def _find_groups(settings: "ArchiveSettings", stores: Iterable[str]) -> dict[str, str]:
    from consumers.archive.settings import PARQUET_CONNECTOR, POSTGRES_CONNECTOR

    usual = {"postgres": POSTGRES_CONNECTOR, "parquet": PARQUET_CONNECTOR}
    return {store: str(settings.connector_config(usual[store]).get("name", usual[store])) for store in stores}


def _print_table(audited: "ArchiveAudit") -> None:
    from rich.table import Table

    from consumers.archive.audit import count_offsets
    from holistic_cli.whole_table import print_whole

    table = Table(
        title=f"{audited.topic} against the archive",
        caption="part: the partition; skipped: dead letters; removed: by retention, or forgotten; elsewhere: under the "
        "identity their origin header says; pending: not committed yet; twice: rows beyond one; beyond: the topic "
        "never had them",
    )
    table.add_column("part", justify="right", no_wrap=True)
    table.add_column("store", no_wrap=True)
    for name in ("in topic", "rows", "skipped", "removed", "elsewhere", "pending", "missing", "twice", "beyond"):
        table.add_column(name, justify="right", no_wrap=True)
    for partition in audited.partitions:
        for store in partition.stores:
            numbers = (
                partition.end_offset - partition.start_offset,
                store.rows,
                store.skipped,
                store.removed,
                store.elsewhere,
                count_offsets(store.pending),
                store.missing,
                store.duplicates,
                count_offsets(store.beyond),
            )
            table.add_row(str(partition.partition), store.store, *map(str, numbers))
    print_whole(table)


def _print_lists(audited: "ArchiveAudit") -> None:
    from rich.console import Console

    console = Console(emoji=False, highlight=False)
    for partition in audited.partitions:
        for store in partition.stores:
            where = f"{store.store}, partition {partition.partition}"
            for what, runs in (
                ("missing", store.gaps),
                ("there twice or more", store.doubled),
                ("beyond the topic", store.beyond),
                ("not committed yet", store.pending),
            ):
                if runs:
                    console.print(f"{where}: {what}: {_list_runs(runs)}")
        for only in partition.only_in:
            where = f"only in {only.store}, not in {only.not_in}, and gone from the topic"
            console.print(f"partition {partition.partition}: {where}: {_list_runs(only.runs)}")
    for run in audited.lost:
        count = run.last - run.first + 1
        console.print(
            f"lost to {run.connector}: {count} records of partition {run.partition}, offsets {run.first}–{run.last}: "
            "retention took them before they were read"
        )
    pending = any(store.pending for partition in audited.partitions for store in partition.stores)
    clean = "clean: every record is there once, or accounted for" + (", or yet to be archived" if pending else "")
    console.print(clean if audited.clean else "NOT clean", style="bold")


def _list_runs(runs: "Iterable[Run]") -> str:
    from consumers.archive.audit import count_offsets

    listed = list(runs)
    shown = ", ".join(str(first) if first == last else f"{first}–{last}" for first, last in listed[:_RUNS_SHOWN])
    more = f", and {len(listed) - _RUNS_SHOWN} runs more (--json lists all)" if len(listed) > _RUNS_SHOWN else ""
    count = count_offsets(listed)
    return f"{shown}{more} ({count} offset{'' if count == 1 else 's'})"
