"""`holistic load`."""

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, cast

import typer

if TYPE_CHECKING:
    from kafka_io.settings import KafkaSettings
    from keypoints.errors import HolisticError
    from performers.load_plan import LoadPlan, Rehearsal
    from performers.load_report import LoadReport

_RATE: Final = 300.0
_SHOWN_EVERY_S: Final = 0.25


def load(
    rate: Annotated[
        float | None, typer.Option(help=f"Frames a second, over all streams ({_RATE:g}).", show_default=False)
    ] = None,
    streams: Annotated[int, typer.Option(help="How many performers take turns.")] = 10,
    seconds: Annotated[float, typer.Option(help="How long.")] = 30.0,
    ramp: Annotated[
        str | None, typer.Option(help="Instead of --rate: from so many frames a second evenly to so many, `100..800`.")
    ] = None,
    burst: Annotated[
        str | None, typer.Option(help="Three times the rate for the last second of every ten: `3x1s/10s`.")
    ] = None,
    fast: Annotated[
        bool, typer.Option("--as-fast-as-possible", help="Publish the same frames without waiting.")
    ] = False,
    acts: Annotated[
        str | None, typer.Option(help="What they do, in turn: idle,wave,thumbs_up,walk,squat,fall,speak,leave,…")
    ] = None,
    mix: Annotated[
        str | None,
        typer.Option(help="Streams shared out between acts by weight: `idle:5,wave:2,squat+idle:1` (+: in turn)."),
    ] = None,
    fault: Annotated[
        str | None,
        typer.Option(
            help="Share of each stream's frames that go wrong, by kind: `dropout:0.01,late:0.02`. Kinds: dropout, "
            "missing, frozen, late, duplicate, sides_swapped, time_jump, limb, rate_drop."
        ),
    ] = None,
    faults_file: Annotated[
        Path | None,
        typer.Option(dir_okay=False, help="Write which fault is where, as JSON, before the first frame leaves."),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same motion, and the same faults.")] = 0,
    name: Annotated[str, typer.Option(help="Streams are called NAME-000, NAME-001, …")] = "load",
    topic: Annotated[str | None, typer.Option(help="Topic to publish to; by default the suite's own.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
) -> None:
    """Publish synthetic performers like real ones, on a schedule that waits for nobody.

    Ends 0 when every frame asked for was acknowledged, 1 when not.
    """
    from holistic_cli.connect import use_stack
    from holistic_cli.load_options import read_acts, read_burst, read_faults, read_mix, read_ramp
    from kafka_io.settings import read_kafka_settings
    from keypoints.topics import TRACKING_TOPIC
    from performers.load_plan import DEFAULT_ACTS, LoadPlan

    if rate is not None and ramp is not None:
        raise typer.BadParameter("there is either a --rate or a --ramp", param_hint="--ramp")
    if acts is not None and mix is not None:
        raise typer.BadParameter("there are either --acts of all or a --mix", param_hint="--mix")
    first_rate, last_rate = (None, _RATE if rate is None else rate) if ramp is None else read_ramp(ramp)
    plan = LoadPlan(
        rate=last_rate,
        ramp_from=first_rate,
        burst=None if burst is None else read_burst(burst),
        streams=streams,
        seconds=seconds,
        seed=seed,
        acts=DEFAULT_ACTS if acts is None else read_acts(acts),
        mix=() if mix is None else read_mix(mix),
        faults={} if fault is None else read_faults(fault),
        name=name,
        topic=topic or TRACKING_TOPIC,
        as_fast_as_possible=fast,
    )
    use_stack()
    report, error = _run_with_progress(plan, read_kafka_settings(), faults_file, show=not as_json)
    _print_report(report, error, as_json=as_json)
    raise typer.Exit(0 if report.complete else 1)


def run_load(
    plan: "LoadPlan",
    settings: "KafkaSettings",
    on_progress: Callable[[int], None] = lambda _done: None,
    on_rehearsed: "Callable[[Rehearsal], None]" = lambda _rehearsal: None,
) -> "tuple[LoadReport, HolisticError | None]":
    """Publish a plan's frames to Kafka, the schema first: what became of them, and the first error if there was one.

    `on_rehearsed` is told what will be published before it is. Raises KafkaUnavailable or KafkaRefused when it cannot
    begin, as when the topic is not there, and InvalidLoad.
    """
    from kafka_io.admin import topic_partitions
    from kafka_io.publisher import BoundedPublisher, Delivery, PublisherOptions
    from kafka_io.schema_topic import announce_schema
    from performers.clock import SteadyClock
    from performers.load import play_load
    from performers.load_plan import prepare_load
    from performers.load_report import LoadLedger

    topic_partitions(settings, plan.topic)
    registry_id = announce_schema(settings, subject=f"{plan.topic}-value")
    clock = SteadyClock()
    rehearsal = prepare_load(plan, clock)
    on_rehearsed(rehearsal)
    ledger = LoadLedger(len(rehearsal.schedule), clock)

    def settle(delivery: Delivery) -> None:
        ledger.settle(cast("int", delivery.tag), delivery.error)

    # As live sources publish: a frame waits for no company.
    options = PublisherOptions() if plan.as_fast_as_possible else PublisherOptions(linger_ms=0)
    with BoundedPublisher(settings, options, settle) as publisher:
        publisher.prepare(plan.topic)
        report = play_load(rehearsal, publisher, ledger, clock, registry_id=registry_id, on_progress=on_progress)
    return report, ledger.first_error


def _run_with_progress(
    plan: "LoadPlan", settings: "KafkaSettings", faults_file: Path | None, *, show: bool
) -> "tuple[LoadReport, HolisticError | None]":
    import time

    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    console = Console(emoji=False, stderr=True)
    hidden = not (show and console.is_terminal)
    # Drawing and counting more often would be seen in the processor time that the report gives.
    with Progress(*columns, console=console, transient=True, disable=hidden, refresh_per_second=4) as progress:
        task = progress.add_task(f"{plan.streams} performers rehearse", total=None)
        shown_at_s = 0.0

        def begin(rehearsal: "Rehearsal") -> None:
            if faults_file is not None:
                _write_faults(rehearsal, faults_file)
            progress.update(task, description=f"{plan.streams} performers", total=len(rehearsal.schedule))

        def advance(done: int) -> None:
            nonlocal shown_at_s
            if hidden or time.monotonic() - shown_at_s < _SHOWN_EVERY_S:
                return
            shown_at_s = time.monotonic()
            progress.update(task, completed=done)

        return run_load(plan, settings, advance, begin)


def _write_faults(rehearsal: "Rehearsal", path: Path) -> None:
    from keypoints.errors import Transient

    plan = rehearsal.plan
    shares = {str(kind): share for kind, share in plan.faults.items()}
    faults = [fault.as_dict() for fault in rehearsal.faults]
    answer = {"topic": plan.topic, "seed": plan.seed, "shares": shares, "faults": faults}
    try:
        path.write_text(json.dumps(answer, indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        raise Transient(
            f"{path} cannot be written: {error.strerror or error}", hint="does the folder exist?", path=str(path)
        ) from error


def _print_report(report: "LoadReport", error: "HolisticError | None", *, as_json: bool) -> None:
    if as_json:
        plain: dict[str, Any] = {**asdict(report), "error": error.message if error else None}
        typer.echo(json.dumps(plain))
        return
    from rich.console import Console
    from rich.table import Table

    def in_ms(value: float | None) -> str:
        return "-" if value is None else f"{value:.1f} ms"

    table = Table("load", "", show_header=False)
    table.add_row("asked for", f"{report.asked_rate:.6g} frames/s over {report.streams} streams")
    table.add_row("they do", ", ".join(f"{acts} ({count})" for acts, count in report.streams_by_acts.items()))
    table.add_row("achieved", f"{report.achieved_rate:.1f} frames/s in {report.seconds:.1f} s")
    table.add_row("frames", f"{report.frames} ({report.bytes / 1e6:.1f} MB)")
    if report.faults:
        table.add_row("that is", f"{report.scheduled} scheduled − {report.withheld} withheld + {report.repeated} again")
    for kind, counts in report.faults.items():
        table.add_row(f"fault {kind}", f"{counts['faults']}, on {counts['frames']} frames")
    table.add_row("handed over late", f"{report.late}")
    table.add_row("acknowledged", f"{report.acknowledged}")
    table.add_row("failed", f"{report.failed}")
    table.add_row("acknowledged after", f"p50 {in_ms(report.ack_ms_p50)}, p99 {in_ms(report.ack_ms_p99)}")
    split = f"user {report.cpu_cores_user:.3f}, system {report.cpu_cores_sys:.3f}"
    table.add_row("processor", f"{report.cpu_cores:.3f} cores ({split})")
    table.add_row("rehearsed before", f"{report.rehearsal_s:.1f} s")
    Console(emoji=False).print(table)
    if error is not None:
        typer.secho(f"first error: {error.message}", fg="red", err=True)
