"""`holistic record STREAM…`."""

import re
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

if TYPE_CHECKING:
    from holistic_cli.recordings.recorder import RecordReport, RecordRequest
    from kafka_io.settings import KafkaSettings

_TIME: Final = "a duration ago (2h, 1h30m) or a time (2026-03-01T12:00)"
_UNSAFE: Final = re.compile(r"[^\w.-]+")
# A file system takes 255 bytes, of which four may be one letter.
_LONGEST_NAME: Final = 50


def record(
    streams: Annotated[
        list[str] | None, typer.Argument(metavar="STREAM…", help="Whose records; or --all.", show_default=False)
    ] = None,
    everyone: Annotated[bool, typer.Option("--all", help="All records of the topic.")] = False,
    to: Annotated[
        Path | None,
        typer.Option(
            dir_okay=False, help="File to write; by default the stream's name and .holistic.", show_default=False
        ),
    ] = None,
    begin: Annotated[str, typer.Option("--from", help=f"now, earliest, {_TIME}.")] = "now",
    seconds: Annotated[float | None, typer.Option(min=0.001, help="How long, from there on.")] = None,
    until: Annotated[str | None, typer.Option(help=f"Records before then: now, {_TIME}.")] = None,
    topic: Annotated[str | None, typer.Option(help="Topic to read; by default the suite's own.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there already.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print what was recorded as one JSON object.")] = False,
) -> None:
    """Write streams' records to a file, with key, headers, time and place: `holistic play` publishes them again.

    Without --seconds or --until it goes on until Ctrl-C, which ends it well. The file appears when it is whole. Ends 1
    when there was nothing of a stream.
    """
    from holistic_cli.connect import use_stack
    from holistic_cli.recordings.container import SUFFIX
    from kafka_io.settings import read_kafka_settings
    from keypoints.topics import TRACKING_TOPIC

    names = tuple(dict.fromkeys(streams or ()))
    if bool(names) == everyone:
        raise typer.BadParameter("name the streams to record, or say --all", param_hint="STREAM…")
    if seconds is not None and until is not None:
        raise typer.BadParameter("there are either --seconds or --until", param_hint="--until")
    request = _read_request(topic or TRACKING_TOPIC, names, begin, until, seconds)
    path = to or Path(f"{_UNSAFE.sub('_', names[0])[:_LONGEST_NAME] if len(names) == 1 else 'recording'}{SUFFIX}")
    use_stack()
    report = _record_with_progress(read_kafka_settings(), request, path, force=force, quiet=as_json)
    missing = [name for name in names if name not in report.by_stream]
    _print_report(report, path, missing, as_json=as_json)
    raise typer.Exit(1 if missing else 0)


def _read_request(
    topic: str, names: tuple[str, ...], begin: str, until: str | None, seconds: float | None
) -> "RecordRequest":
    import time

    from consumers.archive.capture_range import read_capture_range
    from holistic_cli.recordings.recorder import RecordRequest

    now_ms = int(time.time() * 1000)
    captured = read_capture_range(None if begin == "now" else begin, None if until in {None, "now"} else until, now_ms)
    from_ms = now_ms if begin == "now" else None if captured.from_us is None else captured.from_us // 1000
    until_ms = now_ms if until == "now" else None if captured.to_us is None else captured.to_us // 1000
    if from_ms is not None and until_ms is not None and from_ms >= until_ms:
        raise typer.BadParameter(f"{begin} is not before {until}", param_hint="--until")
    return RecordRequest(topic, names, from_ms, until_ms, seconds)


def _record_with_progress(
    settings: "KafkaSettings", request: "RecordRequest", path: Path, *, force: bool, quiet: bool
) -> "RecordReport":
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    from consumers.archive.export.files import write_together
    from holistic_cli.recordings.container import RecordingWriter
    from holistic_cli.recordings.recorder import record_streams
    from kafka_io.schema_topic import TopicSchemaLookup

    console = Console(emoji=False, stderr=True)
    hidden = quiet or not console.is_terminal
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with (
        stop_when_asked() as stop,
        Progress(*columns, console=console, transient=True, disable=hidden, refresh_per_second=4) as progress,
        write_together([path], overwrite=force) as [file],
    ):
        task = progress.add_task("waiting for the first record", total=None)
        writer = RecordingWriter(file)

        def show(report: "RecordReport") -> None:
            if report.records:
                done = (
                    f"{report.records:,} records, {report.lasts_s:.1f} s, {writer.bytes / 1e6:.1f} MB; Ctrl-C ends it"
                )
                progress.update(task, description=done)

        return record_streams(settings, request, writer, TopicSchemaLookup(settings), stop, show)


@contextmanager
def stop_when_asked() -> Iterator[threading.Event]:
    """An event that Ctrl-C and SIGTERM set, instead of what they do otherwise, while the block runs."""
    stop = threading.Event()
    before = {number: signal.signal(number, lambda *_: stop.set()) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _print_report(report: "RecordReport", path: Path, missing: list[str], *, as_json: bool) -> None:
    if as_json:
        import orjson

        answer = {"file": str(path), "records": report.records, "seconds": report.lasts_s,
                  "bytes": path.stat().st_size, "value_bytes": report.value_bytes, "first_ms": report.first_ms,
                  "last_ms": report.last_ms, "streams": report.by_stream, "missing": missing}  # fmt: skip
        typer.echo(orjson.dumps(answer, option=orjson.OPT_INDENT_2))
        return
    typer.echo(f"{report.records:,} records of {len(report.by_stream)} streams, {report.lasts_s:.1f} s, "
               f"{path.stat().st_size / 1e6:.1f} MB")  # fmt: skip
    typer.echo(path)
    for name in missing:
        typer.secho(f"There was nothing of {name}.", fg="red", err=True)
