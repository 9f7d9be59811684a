"""`holistic play FILE`."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from holistic_cli.recordings.player import PlayReport, PlayRequest
    from holistic_cli.recordings.take import Take
    from kafka_io.settings import KafkaSettings


def play(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="A .holistic recording, or a .pose file.")],
    speed: Annotated[float, typer.Option(help="2 is twice as fast as it was.")] = 1.0,
    fast: Annotated[bool, typer.Option("--as-fast-as-possible", help="Without waiting; it ends now.")] = False,
    rounds: Annotated[int, typer.Option("--loop", min=1, help="How often; each round has an epoch of its own.")] = 1,
    stream: Annotated[
        str | None, typer.Option(help="Another name for the only stream of the file.", show_default=False)
    ] = None,
    keep_times: Annotated[
        bool, typer.Option("--keep-times", help="Captured when it was; the first round is byte for byte what it was.")
    ] = False,
    up_to: Annotated[
        int | None, typer.Option(min=1, help="Only so many records from the file's start: what is before the damage.")
    ] = None,
    topic: Annotated[str | None, typer.Option(help="Topic to publish to; by default the suite's own.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
) -> None:
    """Publish a recording again, at its own rhythm and as if it happened now.

    The file is looked through first: nothing of a damaged one is published. Ends 0 when every record is on the topic,
    1 when not, 130 when Ctrl-C stopped it.
    """
    from holistic_cli.connect import use_stack
    from holistic_cli.recordings.player import PlayRequest, check_request
    from kafka_io.settings import read_kafka_settings
    from keypoints.topics import TRACKING_TOPIC, check_stream_id

    take = _open_take(file, up_to, keep_times=keep_times)
    request = PlayRequest(
        topic=topic or TRACKING_TOPIC,
        speed=None if fast else speed,
        rounds=rounds,
        stream=None if stream is None else check_stream_id(stream),
        keep_times=keep_times,
    )
    check_request(request, take)
    use_stack()
    report = _play_with_progress(take, request, read_kafka_settings(), quiet=as_json)
    _print_report(report, as_json=as_json)
    raise typer.Exit(0 if report.complete else 130 if report.stopped and not report.failed else 1)


def _open_take(file: Path, up_to: int | None, *, keep_times: bool) -> "Take":
    from holistic_cli.recordings.pose_take import SUFFIX, read_pose_take
    from holistic_cli.recordings.take import survey_recording

    if file.suffix.lower() != SUFFIX:
        return survey_recording(file, up_to)
    if keep_times:
        raise typer.BadParameter("a .pose file does not say when it was captured", param_hint="--keep-times")
    return read_pose_take(file, up_to)


def _play_with_progress(
    take: "Take", request: "PlayRequest", settings: "KafkaSettings", *, quiet: bool
) -> "PlayReport":
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("playing"), BarColumn(), MofNCompleteColumn(), TextColumn("records"), TimeRemainingColumn())
    console = Console(emoji=False, stderr=True)
    hidden = quiet or not console.is_terminal
    with Progress(*columns, console=console, transient=True, disable=hidden, refresh_per_second=4) as progress:
        bar = progress.add_task("", total=take.records * request.rounds)
        return _run_play(take, request, settings, lambda done: progress.update(bar, completed=done))


def _run_play(
    take: "Take", request: "PlayRequest", settings: "KafkaSettings", on_progress: Callable[[int], None]
) -> "PlayReport":
    from holistic_cli.record import stop_when_asked
    from holistic_cli.recordings.player import PlayReport, name_streams, play_take
    from kafka_io.admin import topic_partitions
    from kafka_io.publisher import BoundedPublisher
    from kafka_io.schema_topic import announce_schema
    from keypoints.avro import SINGLE_OBJECT_MARKER
    from performers.clock import SteadyClock

    topic_partitions(settings, request.topic)
    registry_id = announce_schema(settings, subject=f"{request.topic}-value")
    for header, schema in take.schemas.by_header.items():
        if header.startswith(SINGLE_OBJECT_MARKER):
            announce_schema(settings, schema, header[len(SINGLE_OBJECT_MARKER) :])
    names = name_streams(take) if request.stream is None else [request.stream]
    report = PlayReport(take.records * request.rounds, streams=names)
    with (
        stop_when_asked() as stop,
        BoundedPublisher(settings, on_delivery=lambda delivery: report.settle(delivery.error)) as publisher,
    ):
        publisher.prepare(request.topic)
        play_take(take, request, publisher, report, SteadyClock(), stop, registry_id=registry_id,
                  on_progress=on_progress)  # fmt: skip
    return report


def _print_report(report: "PlayReport", *, as_json: bool) -> None:
    from holistic_cli.recordings.player import list_names

    error = report.first_error
    if as_json:
        import json
        from dataclasses import asdict

        plain = asdict(report) | {"first_error": None if error is None else error.message}
        typer.echo(json.dumps(plain))
        return
    names = list_names(report.streams)
    whole = f"{report.acknowledged:,} of {report.planned:,} records of {names}"
    typer.echo(f"{whole} are on the topic, in {report.seconds:.1f} s")
    if report.unchanged:
        typer.echo(f"{report.unchanged:,} of them are no frames that can be read: published as they are")
    if report.stopped:
        typer.secho(f"stopped after {report.handed_over:,}", fg="yellow", err=True)
    if report.failed:
        typer.secho(f"{report.failed:,} failed" + (f": {error.message}" if error else ""), fg="red", err=True)
