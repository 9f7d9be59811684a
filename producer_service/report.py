"""A run as a person sees it: a progress bar while it goes, a table when it ended."""

import time
from collections.abc import Callable
from types import TracebackType
from typing import Final, Self

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.table import Table

from keypoints.frame import HolisticFrame
from producer_service.capture.captured import Interrupted, Refused, Source
from producer_service.ledger import Ledger, SourceOutcome, SourceReport
from producer_service.watchers import Watcher

_LINE_EVERY_S: Final = 10.0
_COLOURS: Final = {
    SourceOutcome.PUBLISHED: "green",
    SourceOutcome.NO_PERSON: "yellow",
    SourceOutcome.STOPPED: "yellow",
}


class ProgressLines(Watcher):
    """Progress where nobody watches a terminal: a line when a source begins, ends, and every ten seconds between."""

    def __init__(self, console: Console, clock_s: Callable[[], float] = time.monotonic) -> None:
        self._console = console
        self._clock_s = clock_s
        # By source: frames so far, and when a line was last printed.
        self._pace: dict[str, tuple[int, float]] = {}

    def source_opened(self, source: Source, /) -> None:
        self._pace[source.name] = (0, self._clock_s())
        self._say(f"{source.name}: reading as stream {source.stream_id}")

    def source_resumed(self, source: Source, epoch: int, already_published: int, /) -> None:
        self._say(describe_resumption(source, epoch, already_published))

    def frame_processed(self, source: Source, _frame: HolisticFrame, /) -> None:
        self._count(source)

    def frame_passed_over(self, source: Source, /) -> None:
        self._count(source)

    def _count(self, source: Source) -> None:
        frames, last_line_s = self._pace[source.name]
        frames, now_s = frames + 1, self._clock_s()
        if now_s - last_line_s >= _LINE_EVERY_S:
            last_line_s = now_s
            expected = source.expected_frames
            self._say(f"{source.name}: {frames}{'' if expected is None else f' of {expected}'} frames")
        self._pace[source.name] = (frames, last_line_s)

    def input_refused(self, _source: Source, refused: Refused, /) -> None:
        self._say(describe_refusal(refused))

    def source_interrupted(self, source: Source, interrupted: Interrupted, /) -> None:
        self._say(f"{source.name}: {interrupted.message}")

    def source_finished(self, report: SourceReport, /) -> None:
        already = f", {report.already_published} published already" if report.already_published else ""
        self._say(f"{report.name}: {report.frames} frames, {report.frames_with_person} with a person{already}")

    def _say(self, line: str) -> None:
        self._console.print(line, markup=False, highlight=False, soft_wrap=True)


class ProgressBar(Watcher):
    """Progress on a terminal: one bar a source. Refusals are printed above it."""

    def __init__(self, console: Console) -> None:
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[pace]}"),
            TimeRemainingColumn(),
            console=console,
        )
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def source_opened(self, source: Source, /) -> None:
        self._tasks[source.name] = self._progress.add_task(escape(source.name), total=source.expected_frames, pace="")

    def source_resumed(self, source: Source, epoch: int, already_published: int, /) -> None:
        line = escape(describe_resumption(source, epoch, already_published))
        self._progress.console.print(f"[yellow]{line}[/]", highlight=False, soft_wrap=True)

    def frame_processed(self, source: Source, _frame: HolisticFrame, /) -> None:
        self._advance(source)

    def frame_passed_over(self, source: Source, /) -> None:
        self._advance(source)

    def _advance(self, source: Source) -> None:
        task = self._tasks[source.name]
        speed = next((each.speed for each in self._progress.tasks if each.id == task), None)
        pace = "" if speed is None else f"{speed:.0f} frames/s"
        self._progress.update(task, advance=1, total=source.expected_frames, pace=pace)

    def input_refused(self, _source: Source, refused: Refused, /) -> None:
        self._progress.console.print(f"[red]{escape(describe_refusal(refused))}[/]", highlight=False, soft_wrap=True)

    def source_interrupted(self, source: Source, interrupted: Interrupted, /) -> None:
        line = escape(f"{source.name}: {interrupted.message}")
        self._progress.console.print(f"[yellow]{line}[/]", highlight=False, soft_wrap=True)

    def source_finished(self, report: SourceReport, /) -> None:
        frames = max(report.frames + report.already_published, 1)
        self._progress.update(self._tasks[report.name], total=frames, completed=frames)


def describe_refusal(refused: Refused) -> str:
    """A refusal in one line."""
    return f"{refused.name}: {refused.reason.value}: {refused.message}"


def describe_resumption(source: Source, epoch: int, already_published: int) -> str:
    """What a person is told who may not have thought of the run before."""
    return (
        f"{source.name}: goes on where an earlier run ended, under epoch {epoch}: {already_published} of its frames"
        " are on the topic already (--afresh publishes them again, as another epoch)"
    )


def print_ledger(ledger: Ledger, console: Console) -> None:
    """What became of everything: a row a source, and the sum that must add up."""
    table = Table(title="What became of the pictures", title_justify="left")
    table.add_column("source", overflow="fold")
    table.add_column("stream", overflow="fold")
    table.add_column("outcome")
    resumed = any(source.already_published for source in ledger.sources)
    for name in ("frames", "with a person", *(["already published"] if resumed else []), "rejected"):
        table.add_column(name, justify="right")
    for source in ledger.sources:
        colour = _COLOURS.get(source.outcome, "red")
        table.add_row(
            escape(source.name),
            escape(source.stream_id),
            f"[{colour}]{source.outcome.value}[/]",
            str(source.frames),
            str(source.frames_with_person),
            *([str(source.already_published)] if resumed else []),
            str(source.rejected),
        )
    console.print(table)
    console.print(_sum_up(ledger), highlight=False, soft_wrap=True)
    if ledger.error is not None:
        console.print(f"[red]{escape(ledger.error.message)}[/]", highlight=False)
        if ledger.error.hint:
            console.print(escape(ledger.error.hint), highlight=False)


def _sum_up(ledger: Ledger) -> str:
    counts = ledger.counts()
    verdict = "[green]adds up[/]" if counts.adds_up else f"[red]{counts.in_flight - counts.spilled} unaccounted for[/]"
    pace = f", {counts.frames_read / ledger.seconds:.1f} frames/s" if ledger.seconds and counts.frames_read else ""
    on_disk = f" + on disk {counts.spilled}" if counts.spilled else ""
    return (
        f"received {counts.received} = acknowledged {counts.acknowledged}"
        f" + dropped {_list_reasons(counts.dropped)} + rejected {_list_reasons(counts.rejected)}{on_disk}: {verdict}"
        f" ({ledger.seconds:.1f} s{pace})"
    )


def _list_reasons(counted: dict[str, int]) -> str:
    total = sum(counted.values())
    if not total:
        return "0"
    return f"{total} ({', '.join(f'{reason} {count}' for reason, count in sorted(counted.items()))})"
