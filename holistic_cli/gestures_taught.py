"""`holistic gestures`: teach, list, remove, export, import"""

import re
from collections.abc import Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

if TYPE_CHECKING:
    from consumers.analytics.taught.gesture import TaughtGesture
    from consumers.analytics.taught.lesson import Lesson
    from consumers.analytics.taught.store import TaughtStore
    from consumers.analytics.taught.teaching import Subject
    from holistic_cli.gestures_sources import Segment
    from keypoints.frame import FrameBatch

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]

_MANY: Final = 0.25
"""Frames left out for each one learned from, from which on the seconds are likely to be the wrong ones."""
_SEGMENT: Final = re.compile(r"(\d+(?:\.\d+)?)-(\d+(?:\.\d+)?)")
_WHEN: Final = "Services that run take it up when they next open: after a restart, or a rebalance."


class Hand(StrEnum):
    LEFT = "left"
    RIGHT = "right"
    EITHER = "either"


class Kind(StrEnum):
    SHAPE = "shape"
    MOVEMENT = "movement"


def teach(
    name: Annotated[str, typer.Argument(help="What it is to be called: letters, digits, _.", show_default=False)],
    source: Annotated[
        str,
        typer.Option(
            "--from", metavar="SOURCE", show_default=False,
            help="A .holistic recording, a .pose or .jsonl file, a .csv of labelled hands, or a stream's name.",
        ),
    ],
    kind: Annotated[Kind, typer.Option(help="A shape that is held, or a movement.")] = Kind.SHAPE,
    hand: Annotated[Hand, typer.Option(help="Whose hand makes it. A left hand mirrors a right one.")] = Hand.EITHER,
    start: Annotated[float | None, typer.Option(min=0, help="From this second of the source on.")] = None,
    end: Annotated[float | None, typer.Option(min=0, help="To this second.")] = None,
    segments: Annotated[
        list[str] | None,
        typer.Option("--segment", metavar="FROM-TO", help="Seconds of it; of a movement, one performance each."),
    ] = None,
    label: Annotated[str | None, typer.Option(help="Of labelled hands: which to learn; others are unlike it.")] = None,
    stream: Annotated[str | None, typer.Option(help="Of a recording of several streams: which one.")] = None,
    since: Annotated[float, typer.Option(min=0.1, help="Of a stream: its last so many seconds.")] = 30.0,
    topic: Annotated[str | None, typer.Option(help="Of a stream: its topic; by default the suite's own.")] = None,
    upright: Annotated[
        bool, typer.Option("--upright", help="The direction of the shape in the image matters, as a thumb's up does.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be learned, and keep nothing.")] = False,
    as_json: AsJson = False,
) -> None:  # fmt: skip
    """Teach a hand shape or a movement by a few examples, and have them recognised on any body.

    A **shape** is learned from the frames that show it: five at least, the hand turned a little. A **movement** is
    learned from whole performances: three at least, from where the hand sets out to where it rests. Teach again under
    the same name to add examples. What hangs relaxed, and what only looks a little like the examples, is not taken for
    it. The answer says how alike the examples are, what they are too near to, and what is missing.

    Services that run take it up when they next open: after a restart, or a rebalance.
    """
    from datetime import UTC, datetime

    from rich.console import Console

    from consumers.analytics.taught.gesture import TaughtHand, check_name
    from consumers.analytics.taught.teaching import Subject

    check_name(name)
    chosen = _read_segments(segments, start, end)
    store = None if dry_run else _open_store(source, migrate=True)
    known = store.read() if store is not None else []
    subject = Subject(name=name, hand=TaughtHand(hand), source=Path(source).name, taught_at=datetime.now(UTC))
    with Console(emoji=False, stderr=True).status("reading") as status:
        if source.lower().endswith(".csv"):
            gesture, lesson = _teach_rows(subject, Path(source), label, known, kind, upright=upright)
        else:
            batch = _read_frames(source, stream, since, topic)
            status.update("learning")
            gesture, lesson = _teach_frames(subject, kind, batch, chosen, known, upright=upright)
    if store is not None:
        store.keep([gesture])
    _print_lesson(gesture, lesson, kept=store is not None, as_json=as_json)


def list_taught(as_json: AsJson = False) -> None:
    """List what was taught: name, kind, hand, how many examples, which version, when and from what."""
    from rich.markup import escape
    from rich.table import Table

    from holistic_cli.whole_table import print_whole, show_controls

    rows = [_describe(gesture) for gesture in _open_store().read()]
    if as_json:
        _print_json(rows)
        return
    if not rows:
        typer.echo("nothing is taught: `holistic gestures teach NAME --from SOURCE`")
        return
    table = Table()
    for column in ("name", "kind", "hand", "examples", "version", "taught at", "source"):
        table.add_column(column, no_wrap=column != "source")
    for row in rows:
        table.add_row(*(escape(show_controls(str(value))) for value in row.values()))
    print_whole(table)


def remove(names: Annotated[list[str], typer.Argument(metavar="NAME…", help="What to forget.")]) -> None:
    """Forget what was taught. What was recognised by it stays. Ends 1 when one of the names was not taught.

    Services that run stop looking for it when they next open.
    """
    removed = _open_store().remove(names)
    for name in removed:
        typer.echo(f"{name} is removed")
    missing = [name for name in dict.fromkeys(names) if name not in removed]
    for name in missing:
        typer.secho(f"{name} is not taught", fg="red", err=True)
    raise typer.Exit(1 if missing else 0)


def export(
    names: Annotated[list[str] | None, typer.Argument(metavar="[NAME…]", help="Which; by default all.")] = None,
) -> None:
    """Write what was taught to standard output, as JSON that `holistic gestures import` reads elsewhere."""
    from consumers.analytics.taught.exchange import write_gestures

    taught = {gesture.name: gesture for gesture in _open_store().read()}
    missing = [name for name in names or () if name not in taught]
    if missing:
        raise typer.BadParameter(f"not taught: {', '.join(missing)}", param_hint="NAME…")
    if not taught:
        typer.secho("nothing is taught", fg="red", err=True)
        raise typer.Exit(1)
    typer.echo(write_gestures([taught[name] for name in names or taught]), nl=False)


def import_taught(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="What `holistic gestures export` wrote.")],
    replace: Annotated[bool, typer.Option("--replace", help="Also those whose names are taught already.")] = False,
) -> None:
    """Take over what was taught elsewhere. Nothing of the file is taken when one of its names is taught otherwise here.

    Services that run take it up when they next open.
    """
    from consumers.analytics.taught.exchange import read_gestures

    gestures = read_gestures(file)
    store = _open_store(migrate=True)
    here = {gesture.name: gesture.version for gesture in store.read()}
    taken = [gesture.name for gesture in gestures if here.get(gesture.name, gesture.version) != gesture.version]
    if taken and not replace:
        typer.secho(f"taught otherwise here: {', '.join(taken)}; --replace takes the file's", fg="red", err=True)
        raise typer.Exit(1)
    store.keep(gestures)
    typer.echo(f"{len(gestures)} imported: {', '.join(gesture.name for gesture in gestures)}. {_WHEN}")


def _read_segments(segments: list[str] | None, start: float | None, end: float | None) -> "list[Segment]":
    from holistic_cli.gestures_sources import Segment

    if segments and (start is not None or end is not None):
        raise typer.BadParameter("give either --start and --end, or segments", param_hint="--segment")
    if not segments:
        if start is not None and end is not None and end <= start:
            raise typer.BadParameter(f"{end:g} is not after {start:g}", param_hint="--end")
        return [Segment(start or 0.0, end)]
    read = []
    for text in segments:
        found = _SEGMENT.fullmatch(text)
        if found is None or float(found[2]) <= float(found[1]):
            raise typer.BadParameter(f"{text!r} is no segment: seconds as 1.5-3", param_hint="--segment")
        read.append(Segment(float(found[1]), float(found[2])))
    return read


def _open_store(source: str | None = None, *, migrate: bool = False) -> "TaughtStore":
    import os

    from consumers.analytics.database import connect
    from consumers.analytics.database import migrate as migrate_tables
    from consumers.analytics.taught.store import TaughtStore
    from holistic_cli.connect import NoServers, use_stack
    from holistic_cli.gestures_sources import is_file

    # Kafka is only needed for a stream.
    if not os.environ.get("DATABASE_URL") or (source is not None and not is_file(source)):
        use_stack()
    url = os.environ.get("DATABASE_URL")
    if not url:
        raise NoServers("no database is configured", hint="set DATABASE_URL, or start the local stack: `holistic up`")
    engine = connect(url)
    if migrate:
        migrate_tables(engine)
    return TaughtStore(engine)


def _read_frames(source: str, stream: str | None, since: float, topic: str | None) -> "FrameBatch":
    from holistic_cli.connect import use_stack
    from holistic_cli.gestures_sources import is_file, read_file, read_stream
    from keypoints.topics import TRACKING_TOPIC

    if is_file(source):
        return read_file(Path(source), stream)
    use_stack()
    return read_stream(source, since, topic or TRACKING_TOPIC)


def _teach_frames(
    subject: "Subject", kind: Kind, batch: "FrameBatch", segments: "Sequence[Segment]",
    known: "Sequence[TaughtGesture]", *, upright: bool,
) -> "tuple[TaughtGesture, Lesson[Any]]":  # fmt: skip
    from consumers.analytics.taught.teaching import take_hands, teach_movement, teach_shape
    from holistic_cli.gestures_sources import cut
    from keypoints.frame import FrameBatch

    parts = [cut(batch, segment, subject.source) for segment in segments]
    if kind is Kind.MOVEMENT:
        return teach_movement(subject, parts, known)
    shown, side = take_hands(FrameBatch.concat(parts), subject.hand)
    typer.echo(f"learning from the {side} hand", err=True)
    return teach_shape(subject, shown, known, upright=upright)


def _teach_rows(
    subject: "Subject", path: Path, label: str | None, known: "Sequence[TaughtGesture]", kind: Kind, *, upright: bool
) -> "tuple[TaughtGesture, Lesson[Any]]":
    import numpy as np

    from consumers.analytics.learning.rows import Layout, name_label, read_rows, tell_layout
    from consumers.analytics.taught.teaching import take_labelled, teach_shape

    if not path.is_file():
        raise typer.BadParameter(f"there is no file {path}", param_hint="--from")
    if kind is Kind.MOVEMENT or tell_layout(path) is not Layout.HANDS:
        raise typer.BadParameter(
            "shapes are taught from labelled hands; a movement from frames, for rows have no times", param_hint="--from"
        )
    rows = read_rows(path)
    wanted = None if label is None else name_label(label, rows.layout)
    if wanted is None or wanted not in rows.classes:
        raise typer.BadParameter(f"which rows: {', '.join(rows.classes)}", param_hint="--label")
    labels = np.array(rows.labels)
    unlike = {f"rows labelled {other}": take_labelled(rows.values[labels == other]).hands for other in rows.classes
              if other != wanted}  # fmt: skip
    return teach_shape(subject, take_labelled(rows.values[labels == wanted]), known, upright=upright, unlike=unlike)


def _describe(gesture: "TaughtGesture") -> Mapping[str, Any]:
    from consumers.analytics.taught.gesture import ShapeExamples

    examples = gesture.examples
    count = len(examples.hands) if isinstance(examples, ShapeExamples) else len(examples.tracks)
    return {
        "name": gesture.name,
        "kind": gesture.kind.value,
        "hand": gesture.hand.value,
        "examples": count,
        "version": gesture.version,
        "taught_at": gesture.taught_at.isoformat(timespec="seconds"),
        "source": gesture.source,
    }


def _print_lesson(gesture: "TaughtGesture", lesson: "Lesson[Any]", *, kept: bool, as_json: bool) -> None:
    if as_json:
        answer = {
            **_describe(gesture), "kept": kept, "taken": lesson.taken, "left_out": lesson.left_out,
            "consistency": lesson.consistency, "spread": lesson.spread, "resembles": lesson.resembles,
            "missing": lesson.missing,
        }  # fmt: skip
        _print_json(answer)
        return
    left_out = f", {lesson.left_out} unlike the rest left out" if lesson.left_out else ""
    typer.echo(f"{gesture.name}: {lesson.taken} examples{left_out}; {lesson.kept} kept; they are {lesson.consistency}")
    if lesson.left_out > _MANY * lesson.taken:
        typer.secho("Many were left out: choose the seconds with --start and --end.", fg="yellow", err=True)
    if lesson.resembles:
        near = ", ".join(lesson.resembles)
        typer.secho(f"It resembles {near}: one may be taken for the other.", fg="yellow", err=True)
    for missing in lesson.missing:
        typer.secho(f"Missing: {missing}.", fg="yellow", err=True)
    typer.echo(f"taught as {gesture.version}. {_WHEN}" if kept else "nothing was kept: a dry run")


def _print_json(value: object) -> None:
    import orjson

    typer.echo(orjson.dumps(value, option=orjson.OPT_INDENT_2).decode())
