"""`holistic load`."""

import json
from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, cast

import typer

if TYPE_CHECKING:
    from kafka_io.settings import KafkaSettings
    from keypoints.errors import HolisticError
    from performers.acts import ActKind
    from performers.load import LoadPlan, LoadReport


def load(
    rate: Annotated[float, typer.Option(help="Frames a second, over all streams.")] = 300.0,
    streams: Annotated[int, typer.Option(help="How many performers take turns.")] = 10,
    seconds: Annotated[float, typer.Option(help="How long.")] = 30.0,
    seed: Annotated[int, typer.Option(help="The same seed gives the same motion.")] = 0,
    fast: Annotated[
        bool, typer.Option("--as-fast-as-possible", help="Publish rate × seconds frames without waiting.")
    ] = False,
    topic: Annotated[str | None, typer.Option(help="Topic to publish to; by default the suite's own.")] = None,
    acts: Annotated[
        str | None, typer.Option(help="What they do, in turn: idle,wave,thumbs_up,walk,squat,fall,speak,leave,…")
    ] = None,
    name: Annotated[str, typer.Option(help="Streams are called NAME-000, NAME-001, …")] = "load",
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
) -> None:
    """Publish synthetic performers like real ones, on an even schedule that waits for nobody.

    Ends 0 when every frame asked for was acknowledged, 1 when not.
    """
    from holistic_cli.connect import use_stack
    from kafka_io.settings import read_kafka_settings
    from keypoints.topics import TRACKING_TOPIC
    from performers.load import DEFAULT_ACTS, LoadPlan

    plan = LoadPlan(
        rate=rate,
        streams=streams,
        seconds=seconds,
        seed=seed,
        acts=_read_acts(acts) if acts else DEFAULT_ACTS,
        name=name,
        topic=topic or TRACKING_TOPIC,
        as_fast_as_possible=fast,
    )
    use_stack()
    report, error = _run_with_progress(plan, read_kafka_settings(), show=not as_json)
    _print_report(report, error, as_json=as_json)
    raise typer.Exit(0 if report.complete else 1)


def run_load(
    plan: "LoadPlan", settings: "KafkaSettings", on_progress: Callable[[int], None] = lambda _done: None
) -> "tuple[LoadReport, HolisticError | None]":
    """Publish a plan's frames to Kafka, the schema first: what became of them, and the first error if there was one.

    Raises KafkaUnavailable or KafkaRefused when it cannot begin, as when the topic is not there.
    """
    from kafka_io.admin import topic_partitions
    from kafka_io.publisher import BoundedPublisher, Delivery
    from kafka_io.schema_topic import announce_schema
    from performers.load import LoadLedger, SteadyClock, play_load

    topic_partitions(settings, plan.topic)
    registry_id = announce_schema(settings, subject=f"{plan.topic}-value")
    clock = SteadyClock()
    ledger = LoadLedger(plan.frames, clock)

    def settle(delivery: Delivery) -> None:
        ledger.settle(cast("int", delivery.tag), delivery.error)

    with BoundedPublisher(settings, on_delivery=settle) as publisher:
        report = play_load(plan, publisher, ledger, clock, registry_id=registry_id, on_progress=on_progress)
    return report, ledger.first_error


def _read_acts(names: str) -> "tuple[ActKind, ...]":
    from performers.acts import ActKind

    wanted = [name.strip() for name in names.split(",") if name.strip()]
    known = [kind.value for kind in ActKind]
    wrong = [name for name in wanted if name not in known]
    if wrong or not wanted:
        raise typer.BadParameter(f"unknown: {', '.join(wrong) or 'none given'}; known are {', '.join(known)}")
    return tuple(ActKind(name) for name in wanted)


def _run_with_progress(
    plan: "LoadPlan", settings: "KafkaSettings", *, show: bool
) -> "tuple[LoadReport, HolisticError | None]":
    if not show:
        return run_load(plan, settings)
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    hidden = not console.is_terminal
    with Progress(*columns, console=console, transient=True, disable=hidden) as progress:
        task = progress.add_task(f"{plan.streams} performers", total=plan.frames)
        return run_load(plan, settings, lambda done: progress.update(task, completed=done))


def _print_report(report: "LoadReport", error: "HolisticError | None", *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps({**asdict(report), "error": error.message if error else None}))
        return
    from rich.console import Console
    from rich.table import Table

    def in_ms(value: float | None) -> str:
        return "-" if value is None else f"{value:.1f} ms"

    table = Table("load", "", show_header=False)
    table.add_row("asked for", f"{report.asked_rate:g} frames/s over {report.streams} streams")
    table.add_row("achieved", f"{report.achieved_rate:.1f} frames/s in {report.seconds:.1f} s")
    table.add_row("frames", f"{report.frames} ({report.bytes / 1e6:.1f} MB)")
    table.add_row("handed over late", f"{report.late}")
    table.add_row("acknowledged", f"{report.acknowledged}")
    table.add_row("failed", f"{report.failed}")
    table.add_row("acknowledged after", f"p50 {in_ms(report.ack_ms_p50)}, p99 {in_ms(report.ack_ms_p99)}")
    Console().print(table)
    if error is not None:
        typer.secho(f"first error: {error.message}", fg="red", err=True)
