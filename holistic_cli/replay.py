"""`holistic replay`"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from connect_runtime.offsets.bounded import BoundedReplay
    from connect_runtime.offsets.forms import Place
    from connect_runtime.offsets.remote import RunningService
    from connect_runtime.offsets.replay_plan import PlannedMove, PlannedRange
    from connect_runtime.spec import ConnectorSpec
    from holistic_cli.replay_connectors import ReplayedConnector
    from kafka_io.settings import KafkaSettings

_PLACE = "earliest, latest, a duration ago (2h), a time (2026-03-01T12:00), offsets as JSON, or a file of them"
_STOP_TIMEOUT_S = 90.0


def replay(
    connector: Annotated[str, typer.Argument(help="archive-postgres, archive-parquet, analytics or avatar.")],
    first: Annotated[str | None, typer.Option("--from", help=f"Where to go on from: {_PLACE}.")] = None,
    end: Annotated[str | None, typer.Option("--to", help="The same without --from; with --bounded, the end.")] = None,
    shift_by: Annotated[int | None, typer.Option("--shift-by", help="Go on (or back) by so many records.")] = None,
    bounded: Annotated[
        bool, typer.Option("--bounded", help="Read --from … --to (or the end) again beside the live group, and end.")
    ] = False,
    rewrite: Annotated[
        bool,
        typer.Option("--rewrite", help="With --bounded: replace what is archived, say after a fix in decoding."),
    ] = False,
    execute: Annotated[bool, typer.Option("--execute", help="Do it. Without this it is only shown.")] = False,
    rest_url: Annotated[
        str | None,
        typer.Option(
            help="Service to stop and resume the connector through, as http://127.0.0.1:8083; by default its own port.",
            envvar="HOLISTIC_REST_URL",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Have a connector read records again (or pass over some): its group's offsets and its sink's own move together.

    Shows the current and the new offset of each partition; **--execute** moves them, stopping a live connector for that
    moment. Offsets the topic does not hold are moved to the nearest it does, with a warning. What is archived already
    stays as it is; with **--bounded --rewrite** it is replaced, where the record can still be read.
    """
    _check_usage(first, end, shift_by, bounded=bounded, rewrite=rewrite)
    from connect_runtime.offsets.forms import Edge, Shift
    from connect_runtime.offsets.replay_plan import look_at, plan_moves, plan_ranges
    from holistic_cli.connect import use_stack
    from holistic_cli.replay_connectors import find_connector
    from kafka_io.settings import read_kafka_settings

    use_stack()
    kafka = read_kafka_settings()
    found = find_connector(connector, kafka)
    service = _find_service(found, rest_url)
    spec = (
        found.spec if service is None else found.spec.with_config(_without_name(service.read_config(found.spec.name)))
    )
    topics = _topics(spec, kafka)
    situation = look_at(kafka, spec.name, topics)
    if bounded:
        replayed = found.make_bounded(rewrite)
        last = Edge.LATEST if end is None else _read_place(end, topics)
        ranges = replayed.keep_within(plan_ranges(_read_place(first or "", topics), last, situation, kafka))
        _warn((one.partition, warning) for one in ranges for warning in one.warnings)
        if not execute:
            _show_ranges(spec.name, ranges, as_json=as_json)
            return
        _run_bounded(spec.name, replayed, ranges, kafka, as_json=as_json)
        return
    place: Place = Shift(shift_by) if shift_by is not None else _read_place(first or end or "", topics)
    moves = plan_moves(spec.name, place, situation, kafka)
    _warn((move.partition, move.warning) for move in moves if move.warning is not None)
    if execute:
        _move(spec, service, moves, kafka)
    _show_moves(spec.name, moves, executed=execute, as_json=as_json)


def _check_usage(first: str | None, end: str | None, shift_by: int | None, *, bounded: bool, rewrite: bool) -> None:
    if rewrite and not bounded:
        raise typer.BadParameter("--rewrite replaces a range: it needs --bounded")
    if bounded:
        if first is None or shift_by is not None:
            raise typer.BadParameter("--bounded needs --from, may have --to, and goes without --shift-by")
        return
    given = [option for option in (first, end, shift_by) if option is not None]
    if first is not None and end is not None:
        raise typer.BadParameter("from … to, and then to end: that is what --bounded is for")
    if len(given) != 1:
        raise typer.BadParameter("say where to go on from: one of --from, --to and --shift-by")


def _find_service(found: "ReplayedConnector", rest_url: str | None) -> "RunningService | None":
    """The service that runs the connector; None when none was named and none answers on its usual port."""
    from connect_runtime.offsets.remote import RunningService, ServiceUnreachable
    from connect_runtime.rest.security import read_rest_settings
    from keypoints.errors import Terminal

    url = rest_url or found.rest_url
    if url is None:
        return None
    rest = read_rest_settings()
    service = RunningService(
        url,
        token=None if rest.token is None else rest.token.get_secret_value(),
        login=None if rest.user is None or rest.password is None else (rest.user, rest.password.get_secret_value()),
    )
    try:
        state = service.find_state(found.spec.name)
    except ServiceUnreachable:
        if rest_url is not None:
            raise
        return None
    if state is None and rest_url is not None:
        raise Terminal(f"the service at {service.url} has no connector {found.spec.name}")
    return None if state is None else service


def _without_name(config: dict[str, str]) -> dict[str, object]:
    return {key: value for key, value in config.items() if key != "name"}


def _topics(spec: "ConnectorSpec", kafka: "KafkaSettings") -> tuple[str, ...]:
    from connect_runtime.offsets.replay_plan import find_topics
    from connect_runtime.spec import read_connector

    return find_topics(read_connector(spec), kafka)


def _read_place(text: str, topics: tuple[str, ...]) -> "Place":
    import time

    from holistic_cli.places import read_place_or_file

    return read_place_or_file(text, int(time.time() * 1000), topics)


def _move(
    spec: "ConnectorSpec", service: "RunningService | None", moves: "Sequence[PlannedMove]", kafka: "KafkaSettings"
) -> None:
    from connect_runtime.offsets.alter import alter_offsets
    from kafka_io.group_offsets import GroupIsLive, group_members

    offsets = {move.partition: move.new for move in moves}
    if service is not None:
        with service.stopped(spec.name, lambda: not group_members(kafka, spec.name), _STOP_TIMEOUT_S):
            service.move(spec.name, offsets)
        return
    try:
        alter_offsets(kafka, spec.name, spec.make_sink, offsets)
    except GroupIsLive as error:
        raise GroupIsLive(
            f"{error.message}, and no service was found that could stop {spec.name}",
            hint="--rest-url says where its service listens; or stop it yourself",
            **error.fields,
        ) from error


def _run_bounded(
    connector: str,
    replayed: "BoundedReplay",
    ranges: "Sequence[PlannedRange]",
    kafka: "KafkaSettings",
    *,
    as_json: bool,
) -> None:
    import threading

    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    total = sum(one.records for one in ranges)
    stop = threading.Event()
    columns = (TextColumn("replaying"), BarColumn(), MofNCompleteColumn(), TextColumn("records"), TimeRemainingColumn())
    with Progress(*columns, console=Console(emoji=False, stderr=True), transient=True, disable=as_json) as progress:
        bar = progress.add_task("", total=total)
        report = _stop_on_interrupt(
            lambda: replayed.run(kafka, ranges, lambda done: progress.update(bar, completed=done), stop), stop
        )
    if as_json:
        _print_json({"connector": connector, "executed": True, "group": report.group, "records": report.records,
                     "ranges": _plain_ranges(ranges)})  # fmt: skip
    else:
        typer.echo(f"{report.records} records were read again by {report.group}, which has ended.")


def _stop_on_interrupt(work: "Callable[[], Any]", stop: Any) -> Any:
    """Do the work on a thread of its own; Ctrl-C and SIGTERM have it drain before it ends."""
    import signal
    from concurrent.futures import ThreadPoolExecutor

    before = {number: signal.signal(number, lambda *_: stop.set()) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        with ThreadPoolExecutor(1, thread_name_prefix="replay") as threads:
            running = threads.submit(work)
            # Python's handlers run on this thread only, once it wakes.
            while not running.done():
                stop.wait(0.2)
                if stop.is_set():
                    break
            return running.result()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _warn(warnings: Any) -> None:
    for partition, warning in warnings:
        typer.secho(f"{partition.topic}-{partition.partition}: {warning}", fg="yellow", err=True)


def _show_moves(connector: str, moves: "Sequence[PlannedMove]", *, executed: bool, as_json: bool) -> None:
    if as_json:
        plain = [
            {"topic": move.partition.topic, "partition": move.partition.partition, "current": move.current,
             "new": move.new, "start": move.start, "end": move.end, "to_read": move.to_read, "warning": move.warning}
            for move in moves
        ]  # fmt: skip
        _print_json({"connector": connector, "executed": executed, "moves": plain})
        return
    rows = [
        (
            move.partition.topic,
            str(move.partition.partition),
            "none" if move.current is None else str(move.current),
            str(move.new),
            "" if move.current is None else f"{move.new - move.current:+d}",
            str(move.to_read),
        )
        for move in moves
    ]
    title = f"{connector}: {'moved' if executed else 'would move'}"
    _print_table(title, ("topic", "part", "current", "new", "change", "to read"), rows)
    if not executed:
        typer.echo("Nothing was changed: --execute does it.")


def _show_ranges(connector: str, ranges: "Sequence[PlannedRange]", *, as_json: bool) -> None:
    if as_json:
        _print_json({"connector": connector, "executed": False, "ranges": _plain_ranges(ranges)})
        return
    rows = [
        (one.partition.topic, str(one.partition.partition), str(one.first), str(one.end), str(one.records))
        for one in ranges
    ]
    _print_table(f"{connector}: would read again", ("topic", "part", "from", "to", "records"), rows)
    typer.echo("Nothing was read: --execute does it.")


def _plain_ranges(ranges: "Sequence[PlannedRange]") -> list[dict[str, object]]:
    return [
        {"topic": one.partition.topic, "partition": one.partition.partition, "from": one.first, "to": one.end,
         "records": one.records, "warnings": list(one.warnings)}
        for one in ranges
    ]  # fmt: skip


def _print_table(title: str, columns: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(title=title)
    table.add_column(columns[0], overflow="fold")
    for name in columns[1:]:
        table.add_column(name, justify="right", no_wrap=True)
    for row in rows:
        table.add_row(*row)
    Console(emoji=False).print(table)


def _print_json(answer: dict[str, object]) -> None:
    import orjson

    typer.echo(orjson.dumps(answer, option=orjson.OPT_INDENT_2))
