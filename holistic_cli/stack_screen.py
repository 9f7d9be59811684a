"""What the verbs of the local stack show: steps and downloads as they happen, addresses, and a table of parts."""

import json
import os
import shlex
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from types import TracebackType
from typing import Final, Self

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn
from rich.status import Status
from rich.table import Table

from local_stack import Endpoints
from local_stack.report import StackReport, hide_password

_COLOURS: Final = {"ready": "green", "starting": "yellow", "restarting": "yellow", "stopping": "yellow", "down": "red"}


class StepsOnScreen:
    """Shows each step with the seconds it took, and a bar for each download, on standard error."""

    def __init__(self, quiet: bool) -> None:
        self._console = Console(emoji=False, stderr=True, quiet=quiet)
        self._spinner: Status | None = None
        self._step: str | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._end_step(done=error is None)

    def say(self, step: str) -> None:
        """End the step before, and show this one with a spinner where there is a terminal."""
        self._end_step(done=True)
        self._step = step
        if self._console.is_terminal:
            self._spinner = self._console.status(f"{escape(step)} …")
            self._spinner.start()

    @contextmanager
    def download(self, title: str, total_bytes: int) -> Iterator[Callable[[int], None]]:
        """A bar that fills as the bytes come in."""
        self.say(f"downloading {title}")
        if self._spinner is not None:
            self._spinner.stop()
        columns = (TextColumn("  {task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
        with Progress(*columns, console=self._console, transient=True) as bar:
            task = bar.add_task(escape(title), total=total_bytes)
            yield lambda byte_count: bar.advance(task, byte_count)

    def _end_step(self, done: bool) -> None:
        if self._spinner is not None:
            self._spinner.stop()
            self._spinner = None
        if self._step is not None:
            mark = "[green]✓[/green]" if done else "[red]✗[/red]"
            self._console.print(f"{mark} {escape(self._step)}", highlight=False)
            self._step = None


def show_endpoints(endpoints: Endpoints, ours: bool, as_json: bool, export: bool) -> None:
    """The addresses, for a person (password hidden), as JSON, or as lines for a shell."""
    environment = endpoints.environment()
    if export:
        print("\n".join(f"export {name}={shlex.quote(value)}" for name, value in environment.items()))
        return
    if as_json:
        print(json.dumps({"local": ours, "data_dir": str(endpoints.data_dir) if ours else None, **environment}))
        return
    console = Console(emoji=False)
    table = Table.grid(padding=(0, 2))
    table.add_row("Kafka", f"[bold]{escape(endpoints.kafka_bootstrap_servers)}[/bold]")
    table.add_row("Postgres", f"[bold]{escape(hide_password(endpoints.database_url))}[/bold]")
    if endpoints.schema_registry_url:
        table.add_row("Schema registry", f"[bold]{escape(endpoints.schema_registry_url)}[/bold]")
    if ours:
        table.add_row("Data", escape(str(endpoints.data_dir)))
    console.print(table, soft_wrap=True, highlight=False)
    if ours:
        console.print('Ready. For other programs: eval "$(holistic up --export)"', highlight=False, soft_wrap=True)
    else:
        console.print("Ready: these servers answer, and the suite's topics are there.", highlight=False)


def show_report(report: StackReport, as_json: bool) -> None:
    """A row for each part, or one JSON object."""
    if as_json:
        print(json.dumps({"ready": report.ready, **asdict(report)}))
        return
    console = Console(emoji=False)
    if not report.parts:
        console.print(f"No local stack in {report.data_dir}. Start one: holistic up", highlight=False, soft_wrap=True)
        return
    where = f"the local stack in {report.data_dir}" if report.local else "the servers of the environment"
    columns = ("part", "state", "address", "told") + (("pid", "up for") if report.local else ())
    table = Table(*columns, title=where, title_justify="left")
    for part in report.parts:
        colour = _COLOURS[part.health]
        cells = [part.name, f"[{colour}]{part.health}[/{colour}]", escape(part.address), escape(part.detail or "")]
        if report.local:
            cells.append("" if part.pid is None else str(part.pid))
            cells.append("" if part.up_s is None else tell_duration(part.up_s))
        table.add_row(*cells)
    console.print(table, highlight=False)
    if not report.ready and report.local:
        console.print(f"Logs: holistic logs, or {report.data_dir}{os.sep}logs", highlight=False, soft_wrap=True)


def tell_duration(seconds: float) -> str:
    """ "45 s", "12 min", "3 h 5 min", "2 d 4 h"."""
    minutes, hours, days = int(seconds // 60), int(seconds // 3600), int(seconds // 86400)
    if minutes < 1:
        return f"{seconds:.0f} s"
    if hours < 1:
        return f"{minutes} min"
    if days < 1:
        return f"{hours} h {minutes % 60} min"
    return f"{days} d {hours % 24} h"
