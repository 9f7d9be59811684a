"""`holistic avatar export STREAM`"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, Literal

import typer

if TYPE_CHECKING:
    from consumers.avatar.files.export import TakeOptions, TakeReport
    from consumers.avatar.files.motion_file import Form
    from holistic_cli.recordings.recorder import RecordRequest
    from holistic_cli.recordings.take import Take
    from keypoints.frame import FrameBatch

_TIME: Final = "a duration ago (2h, 1h30m) or a time (2026-03-01T12:00)"
_BATCH: Final = 64


def export(
    stream: Annotated[str, typer.Argument(help="Whose motion; `holistic streams` lists who there is.")],
    outputs: Annotated[
        list[Path],
        typer.Option("--output", "-o", dir_okay=False, help="File to write; may be repeated: all are of one solve."),
    ],
    form: Annotated[
        Literal["bvh", "glb", "vrma", "vmc"] | None,
        typer.Option("--as", help="What to write; by default what OUTPUT ends in (.bvh, .glb, .vrma, .vmc)."),
    ] = None,
    recording: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="Read this .holistic recording or .pose file, not the topic."),
    ] = None,
    first: Annotated[str | None, typer.Option("--from", help=f"Recorded from then on: earliest, {_TIME}.")] = None,
    end: Annotated[str | None, typer.Option("--to", help=f"Recorded before then: latest, {_TIME}.")] = None,
    rate: Annotated[float, typer.Option(min=1, max=240, help="Frames a second in the file.")] = 30.0,
    perfect_sync: Annotated[
        bool, typer.Option("--perfect-sync", help="VRMA with ARKit's 51 shapes, where else it has VRM's expressions.")
    ] = False,
    topic: Annotated[str | None, typer.Option(help="Topic to read; by default the suite's own.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace files that are there already.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print what was written as one JSON object.")] = False,
) -> None:
    """Write a performer's motion to a file that animation programs read: the same solve that drives avatars live.

    **bvh**: Blender, MotionBuilder, Maya. **glb**: the built-in avatar, moving, for anything that opens glTF.
    **vrma**: VRM Animation, for any VRM model. **vmc**: the packets, for `holistic avatar monitor --play`.

    Reads without a consumer group. Files appear when they are whole. Ends 0; 1 when there is nothing to write.
    """
    import time

    from consumers.archive.capture_range import read_capture_range
    from consumers.avatar.files.export import TakeOptions
    from holistic_cli.recordings.recorder import RecordRequest
    from keypoints.topics import TRACKING_TOPIC

    files = [(_choose_form(path, form), path) for path in outputs]
    if form is not None and len(files) > 1:
        raise typer.BadParameter("with several files their names say what they are", param_hint="--as")
    now_ms = int(time.time() * 1000)
    captured = read_capture_range(first, end, now_ms)
    from_ms = None if captured.from_us is None else captured.from_us // 1000
    to_ms = now_ms if captured.to_us is None else min(now_ms, captured.to_us // 1000)
    request = RecordRequest(topic or TRACKING_TOPIC, (stream,), from_ms, to_ms)
    with _open_take(request, recording, quiet=as_json) as take:
        report = _export_with_progress(
            take, request, files, TakeOptions(stream, rate, perfect_sync), force=force, quiet=as_json
        )
    _print_report(report, outputs, as_json=as_json)


def _choose_form(path: Path, given: str | None) -> "Form":
    from consumers.avatar.files.motion_file import Form

    ending = given or path.suffix.lower().lstrip(".")
    if ending not in set(Form):
        raise typer.BadParameter(f"what is {path.name} to be? .bvh, .glb, .vrma, .vmc, or --as says it")
    return Form(ending)


@contextmanager
def _open_take(request: "RecordRequest", recording: Path | None, *, quiet: bool) -> "Iterator[Take]":
    """The recording that was named; or the stream's records, copied off the topic to a file that is gone afterwards."""
    from tempfile import TemporaryDirectory

    from holistic_cli.recordings import pose_take
    from holistic_cli.recordings.container import SUFFIX
    from holistic_cli.recordings.take import survey_recording

    if recording is not None:
        is_pose = recording.suffix.lower() == pose_take.SUFFIX
        yield pose_take.read_pose_take(recording) if is_pose else survey_recording(recording)
        return
    with TemporaryDirectory(prefix="holistic-export-") as folder:
        path = Path(folder) / f"records{SUFFIX}"
        _copy_records(request, path, quiet=quiet)
        yield survey_recording(path)


def _copy_records(request: "RecordRequest", path: Path, *, quiet: bool) -> None:
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn

    from holistic_cli.connect import use_stack
    from holistic_cli.record import stop_when_asked
    from holistic_cli.recordings.container import RecordingWriter
    from holistic_cli.recordings.recorder import record_streams
    from kafka_io.schema_topic import TopicSchemaLookup
    from kafka_io.settings import read_kafka_settings

    use_stack()
    settings = read_kafka_settings()
    console = Console(emoji=False, stderr=True)
    with (
        stop_when_asked() as stop,
        Progress(
            SpinnerColumn(), TextColumn("{task.description}"), console=console, transient=True,
            disable=quiet or not console.is_terminal,
        ) as progress,
        path.open("wb") as file,
    ):  # fmt: skip
        task = progress.add_task("reading the topic")
        record_streams(
            settings, request, RecordingWriter(file), TopicSchemaLookup(settings), stop,
            lambda report: progress.update(task, description=f"reading the topic: {report.records:,} records"),
        )  # fmt: skip
        if stop.is_set():
            raise typer.Exit(130)


def _export_with_progress(
    take: "Take",
    request: "RecordRequest",
    files: "Sequence[tuple[Form, Path]]",
    options: "TakeOptions",
    *,
    force: bool,
    quiet: bool,
) -> "TakeReport":
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from consumers.archive.export.files import write_together
    from consumers.avatar.files.export import export_take

    columns = (TextColumn("solving"), BarColumn(), MofNCompleteColumn(), TextColumn("frames"), TimeRemainingColumn())
    console = Console(emoji=False, stderr=True)
    hidden = quiet or not console.is_terminal
    forms, paths = [form for form, _ in files], [path for _, path in files]
    with (
        Progress(*columns, console=console, transient=True, disable=hidden, refresh_per_second=4) as progress,
        write_together(paths, overwrite=force) as opened,
    ):
        bar = progress.add_task("", total=take.records)
        return export_take(
            _read_batches(take, request),
            list(zip(forms, opened, strict=True)),
            options,
            lambda done: progress.update(bar, completed=done),
        )


def _read_batches(take: "Take", request: "RecordRequest") -> "Iterator[FrameBatch]":
    """The stream's frames within the times; what is no frame is passed over, as it is live."""
    from itertools import islice

    from keypoints.codec import decode
    from keypoints.errors import HolisticError
    from keypoints.frame import FrameBatch

    [stream] = request.streams
    offset = 0
    records_of_take = take.read()
    while records := list(islice(records_of_take, _BATCH)):
        frames = []
        for record in records:
            late = request.until_ms is not None and record.timestamp_ms >= request.until_ms
            if late or (request.from_ms is not None and record.timestamp_ms < request.from_ms):
                continue
            try:
                frame = decode(
                    record.value, key=record.key, partition=record.partition, offset=record.offset,
                    timestamp_ms=record.timestamp_ms, schemas=take.schemas,
                )  # fmt: skip
            except HolisticError:
                continue
            if frame.stream_id == stream:
                frames.append(frame)
        if frames:
            yield FrameBatch.from_frames(frames, first_offset=offset)
            offset += len(frames)


def _print_report(report: "TakeReport", paths: Sequence[Path], *, as_json: bool) -> None:
    from holistic_cli.streams import show_time

    began = show_time(report.began_us)
    if as_json:
        import orjson

        answer = {"frames": report.frames, "passed_over": report.passed_over, "states": report.states,
                  "seconds": report.seconds, "first_captured_at": began,
                  "files": [{"path": str(path), "bytes": path.stat().st_size} for path in paths]}  # fmt: skip
        typer.echo(orjson.dumps(answer, option=orjson.OPT_INDENT_2))
        return
    typer.echo(f"{report.frames:,} frames captured from {began} on: {report.states:,} states, {report.seconds:.1f} s")
    for path in paths:
        typer.echo(f"{path} ({path.stat().st_size / 1e6:.1f} MB)")
