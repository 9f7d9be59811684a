"""`holistic dlq`: list, show, redrive"""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

if TYPE_CHECKING:
    from connect_runtime.dead_letters import DeadLetter
    from connect_runtime.redrive import Planned
    from kafka_io.settings import KafkaSettings

_PREVIEW_BYTES: Final = 512
_PLACES_SHOWN: Final = 5

dlq = typer.Typer(no_args_is_help=True, rich_markup_mode="markdown", add_completion=False)

Connector = Annotated[str, typer.Argument(help="Name of the connector, say archive-postgres.")]
Topic = Annotated[str | None, typer.Option("--topic", help="Its topic of dead letters (holistic-dlq-CONNECTOR).")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


@dlq.callback()
def describe() -> None:
    """Records a connector could not use: what they are, why, and how they are given to it again."""


@dlq.command("list")
def list_letters(connector: Connector, topic: Topic = None, as_json: AsJson = False) -> None:
    """Count a connector's dead letters by what was wrong, where, and when."""
    from rich.table import Table

    from connect_runtime.redrive import read_past
    from holistic_cli.whole_table import print_whole

    kafka, letters = _read(connector, topic)
    past = read_past(kafka, connector, letters)
    groups: dict[tuple[str, str], list[DeadLetter]] = {}
    for letter in letters:
        groups.setdefault((letter.error_class, letter.errors.get("stage", "?")), []).append(letter)
    rows = [_summarise(error, stage, found, past.attempts) for (error, stage), found in sorted(groups.items())]
    if as_json:
        records = len({(letter.identity, letter.timestamp_ms) for letter in letters})
        _print_json({"connector": connector, "letters": len(letters), "records": records, "groups": rows})
        return
    table = Table(title=f"{len(letters)} dead letters of {connector}", caption="records: a record may have several")
    table.add_column("error", no_wrap=True)
    table.add_column("stage", no_wrap=True)
    for name in ("letters", "records", "redriven"):
        table.add_column(name, justify="right")
    for name in ("first", "last", "places"):
        table.add_column(name, overflow="fold")
    for row in rows:
        table.add_row(*(", ".join(cell) if isinstance(cell, list) else str(cell) for cell in row.values()))
    print_whole(table)


@dlq.command()
def show(
    connector: Connector,
    offset: Annotated[int, typer.Argument(help="Offset of the dead letter in its topic.")],
    topic: Topic = None,
    as_json: AsJson = False,
) -> None:
    """Show one dead letter: what was wrong, its headers, and the beginning of its value."""
    from keypoints.errors import Terminal

    _, letters = _read(connector, topic)
    letter = next((one for one in letters if one.offset == offset), None)
    if letter is None:
        raise Terminal(f"{connector} has no dead letter {offset}", hint=f"`holistic dlq list {connector}` counts them")
    described = _describe(letter)
    if as_json:
        _print_json(described)
        return
    for name, value in described.items():
        if isinstance(value, dict):
            typer.secho(name, bold=True)
            for part, text in value.items():
                typer.echo(f"  {part}: {text}")
        else:
            typer.secho(f"{name}: ", bold=True, nl=False)
            typer.echo(value)


@dlq.command()
def redrive(
    connector: Connector,
    topic: Topic = None,
    error: Annotated[str | None, typer.Option(help="Only where the error's class or message has this in it.")] = None,
    stage: Annotated[str | None, typer.Option(help="Only of this stage: VALUE_CONVERTER or TASK_PUT.")] = None,
    from_offset: Annotated[int | None, typer.Option(help="Only from this dead letter on.")] = None,
    to_offset: Annotated[int | None, typer.Option(help="Only up to this dead letter.")] = None,
    since: Annotated[
        datetime | None, typer.Option(help="Only what failed since then (UTC), say 2026-01-31T12:00:00.")
    ] = None,
    values: Annotated[
        Path | None,
        typer.Option(
            exists=True, file_okay=False, help="Folder of repaired values, each in a file named by its dead letter."
        ),
    ] = None,
    max_attempts: Annotated[int, typer.Option(min=1, help="How often a record may be redriven in all.")] = 3,
    execute: Annotated[bool, typer.Option("--execute", help="Do it; without this it is only shown.")] = False,
    as_json: AsJson = False,
) -> None:
    """Give dead letters to their connector again, through its own retry topic; each only once.

    Records keep their identity, so what has an effect already has no second one. A record that fails again is a new
    dead letter.
    """
    from connect_runtime.redrive import Choice, execute_redrive, plan_redrive, read_past

    kafka, letters = _read(connector, topic)
    choice = Choice(
        error=error, stage=stage, first_offset=from_offset, last_offset=to_offset,
        since_ms=None if since is None else int(since.replace(tzinfo=since.tzinfo or UTC).timestamp() * 1000),
        attempts=max_attempts, repairs=None if values is None else _read_values(values),
    )  # fmt: skip
    planned = plan_redrive(letters, read_past(kafka, connector, letters), choice)
    published = execute_redrive(kafka, connector, planned, choice) if execute else 0
    _print_plan(connector, planned, published if execute else None, as_json=as_json)


def _read(connector: str, topic: str | None) -> "tuple[KafkaSettings, list[DeadLetter]]":
    from connect_runtime.redrive import read_dead_letters
    from holistic_cli.connect import use_stack
    from kafka_io.settings import read_kafka_settings
    from keypoints.topics import dead_letter_topic

    use_stack()
    kafka = read_kafka_settings()
    return kafka, read_dead_letters(kafka, topic or dead_letter_topic(connector))


def _read_values(folder: Path) -> dict[int, bytes]:
    values = {int(path.stem): path.read_bytes() for path in folder.iterdir() if path.stem.isdecimal()}
    if not values:
        raise typer.BadParameter(f"{folder} has no files named by a dead letter's offset", param_hint="--values")
    return values


def _summarise(error: str, stage: str, letters: "Sequence[DeadLetter]", attempts: Any) -> dict[str, Any]:
    records = {(letter.identity, letter.timestamp_ms): letter.attempt for letter in letters}
    times = [letter.failed_at_ms for letter in letters if letter.failed_at_ms is not None]
    places = Counter(f"{letter.source[0]}-{letter.source[1]}" for letter in letters)
    return {
        "error": error,
        "stage": stage,
        "letters": len(letters),
        "records": len(records),
        "redriven": sum(attempts.get(record, 0) > attempt for record, attempt in records.items()),
        "first": _show_time(min(times, default=None)),
        "last": _show_time(max(times, default=None)),
        "places": [place for place, _ in places.most_common(_PLACES_SHOWN)],
    }


def _describe(letter: "DeadLetter") -> dict[str, Any]:
    value = letter.value or b""
    topic, partition, offset = letter.identity
    return {
        "offset": letter.offset,
        "record": f"{topic}-{partition} offset {offset}",
        "failed at": _show_time(letter.failed_at_ms),
        "timestamp": _show_time(letter.timestamp_ms if letter.timestamp_ms >= 0 else None),
        "redriven": letter.attempt,
        "key": "∅" if letter.key is None else letter.key.decode("utf-8", "backslashreplace"),
        "errors": letter.errors,
        "headers": {
            name: "∅" if content is None else content.decode("utf-8", "backslashreplace")
            for name, content in letter.headers
        },
        "value bytes": letter.omitted_bytes if letter.omitted_bytes is not None else len(value),
        "value": _preview(letter.value),
    }


def _preview(value: bytes | None) -> str:
    """Text where it is text, else hex, 16 bytes a line; only the beginning."""
    if value is None:
        return "∅"
    head = value[:_PREVIEW_BYTES]
    more = f"\n… {len(value) - len(head)} bytes more" if len(value) > len(head) else ""
    text = head.decode("utf-8", "replace")
    if head.lstrip()[:1] in {b"{", b"["} or (head and text.isprintable() and "\N{REPLACEMENT CHARACTER}" not in text):
        return text + more
    lines = [f"{at:06x}  {head[at : at + 16].hex(' ')}" for at in range(0, len(head), 16)]
    return "\n" + "\n".join(lines) + more


def _print_plan(connector: str, planned: "Sequence[Planned]", published: int | None, *, as_json: bool) -> None:
    fates = Counter(one.fate.value for one in planned)
    if as_json:
        letters = [{"offset": one.letter.offset, "record": one.letter.identity, "fate": one.fate} for one in planned]
        _print_json({"connector": connector, "published": published, "fates": dict(fates), "letters": letters})
        return
    for fate, count in fates.most_common():
        typer.echo(f"{count:>8}  {fate}")
    if published is not None:
        typer.secho(f"{published} dead letters of {connector} are published again", bold=True)
    elif not fates:
        typer.secho("no dead letter is like that", bold=True)
    else:
        typer.secho("nothing is done yet: add --execute", bold=True)


def _print_json(answer: dict[str, Any]) -> None:
    import orjson

    typer.echo(orjson.dumps(answer, option=orjson.OPT_INDENT_2))


def _show_time(at_ms: int | None) -> str:
    if at_ms is None:
        return "?"
    try:
        return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(sep=" ", timespec="seconds")
    except (OverflowError, ValueError, OSError):
        return f"{at_ms} ms"
