"""Asking the archive again and again, as with psql."""

import os
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import typer
from prompt_toolkit import PromptSession
from prompt_toolkit.application import get_app
from prompt_toolkit.filters import Condition
from prompt_toolkit.formatted_text import FormattedText
from prompt_toolkit.history import FileHistory, History, InMemoryHistory
from prompt_toolkit.input import Input
from prompt_toolkit.output import Output

from consumers.archive.sql_catalogue import describe_view, list_views
from consumers.archive.sql_script import split_statements
from holistic_cli.answer_format import Rows, print_expanded, print_table
from holistic_cli.sql_asking import Ask, Show, ask_and_show
from holistic_cli.sql_completion import ArchiveCompleter
from keypoints.errors import HolisticError

HELP: Final = """\
A question ends with a semicolon, and may take several lines. Nothing is ever changed.
  \\d          the views and functions there are
  \\d VIEW     a view's columns
  \\timing     say how long each answer took, or stop saying it
  \\x          a line a value instead of a table, or back
  \\?          this
  \\q          leave (so does Ctrl-D)
Ctrl-C ends a question that takes too long. Tab completes views, columns and, within quotes, landmarks."""

_GREETING: Final = "The archive in {store}. A question ends with a semicolon; \\? helps, \\q leaves."
_LEAVE: Final = frozenset({"\\q", "quit", "exit"})


@dataclass
class SqlPrompt:
    """A conversation with one store."""

    store: str
    ask: Ask
    show: Show | None = None
    """How answers are shown; None: as a table, or expanded after \\x."""
    now_s: Callable[[], float] = time.perf_counter
    timing: bool = False
    expanded: bool = False
    _commands: dict[str, Callable[[str], None]] = field(init=False)

    def __post_init__(self) -> None:
        self._commands = {
            "\\?": lambda _: typer.echo(HELP),
            "\\d": self._describe,
            "\\timing": self._toggle_timing,
            "\\x": self._toggle_expanded,
        }

    def run(self, history: History | None = None, terminal_in: Input | None = None, out: Output | None = None) -> None:
        """Read and answer until the person leaves."""
        session: PromptSession[str] = PromptSession(
            history=history or open_history(),
            completer=ArchiveCompleter(),
            complete_while_typing=False,
            multiline=Condition(_is_unfinished),
            prompt_continuation=_continue,
            input=terminal_in,
            output=out,
        )
        typer.echo(_GREETING.format(store="Postgres" if self.store == "postgres" else "Parquet files"))
        while True:
            try:
                text = session.prompt(FormattedText([("bold", f"{self.store}> ")])).strip()
            except KeyboardInterrupt:
                continue
            except EOFError:
                return
            if text.rstrip("; ") in _LEAVE:
                return
            self.answer(text)

    def answer(self, text: str) -> None:
        """Do a command, or answer each statement. What goes wrong is said, and ends nothing."""
        try:
            if text.startswith("\\"):
                name, _, argument = text.rstrip("; ").partition(" ")
                command = self._commands.get(name)
                if command is None:
                    typer.secho(f"there is no {name}; \\? lists what there is", fg="red")
                else:
                    command(argument.strip())
                return
            for statement in split_statements(text).all:
                self._ask(statement)
        except KeyboardInterrupt:
            typer.secho("cancelled", fg="yellow")
        except HolisticError as error:
            typer.secho(error.message, fg="red")
            if error.hint:
                typer.echo(f"What to do: {error.hint}")

    def _ask(self, statement: str) -> None:
        began_s = self.now_s()
        ask_and_show(self.ask, statement, self.show or (print_expanded if self.expanded else print_table))
        if self.timing:
            typer.secho(f"{(self.now_s() - began_s) * 1000:.1f} ms", dim=True)

    def _describe(self, view: str) -> None:
        if view:
            ask_and_show(self.ask, describe_view(self.store, view), _print_catalogue)
            return
        for question in list_views(self.store):
            ask_and_show(self.ask, question, _print_catalogue)

    def _toggle_timing(self, _: str) -> None:
        self.timing = not self.timing
        typer.echo(f"times are {'said' if self.timing else 'not said'}")

    def _toggle_expanded(self, _: str) -> None:
        self.expanded = not self.expanded
        typer.echo("a line a value" if self.expanded else "tables")


def _print_catalogue(columns: Sequence[str], rows: Rows) -> None:
    print_table(columns, rows, longest=200)


def open_history() -> History:
    """What was asked before, from the user's state directory (XDG_STATE_HOME); none where that cannot be written."""
    state = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state")
    path = state / "holistic" / "sql_history"
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        # Questions may name people: nobody else's business.
        path.touch(mode=0o600)
        return FileHistory(path)
    return InMemoryHistory()


def _is_unfinished() -> bool:
    """Whether Enter goes on to the next line: within a question that no semicolon has ended."""
    text = get_app().current_buffer.text.strip()
    if not text or text.startswith("\\") or text in _LEAVE:
        return False
    script = split_statements(text)
    return not script.statements or bool(script.rest.strip())


def _continue(width: int, line_number: int, is_soft_wrap: int) -> Any:  # noqa: ARG001 - prompt_toolkit's signature
    return "-> ".rjust(width)
