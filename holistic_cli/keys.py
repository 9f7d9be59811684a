"""`holistic keys`: create, list, revoke"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from producer_service.access.key_file import ApiKey

keys = typer.Typer(no_args_is_help=True, rich_markup_mode="markdown", add_completion=False)

KeyFile = Annotated[
    Path, typer.Option("--file", envvar="HOLISTIC_API_KEYS_FILE", help="File of keys; the service reads the same one.")
]
Name = Annotated[str, typer.Argument(help="Whose key it is.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@keys.callback()
def describe() -> None:
    """API keys of the producer: who may send pictures, and of which streams.

    A service that runs notices within its next request.
    """


@keys.command()
def create(
    name: Name,
    file: KeyFile,
    streams: Annotated[
        list[str] | None,
        typer.Option(
            "--stream",
            metavar="PATTERN",
            help="Streams it owns, say `ada-*`; may be repeated. By default those that begin with its name and a dash.",
        ),
    ] = None,
    may_manage: Annotated[
        bool, typer.Option("--manage", help="It may also have cameras, addresses and files read, and stop them.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Make a key, and show it this once: the file keeps its hash alone."""
    from datetime import UTC, datetime

    from rich.console import Console

    from producer_service.access.key_file import Right, create_key

    rights = frozenset(Right) if may_manage else frozenset({Right.PUBLISH})
    made = create_key(file, name, streams or [f"{name}-*"], rights, datetime.now(UTC))
    if as_json:
        _print_json({**_describe(made.key), "key": made.token})
        return
    typer.echo(made.token)
    Console(emoji=False, stderr=True).print(
        f"This is shown once. It owns {', '.join(made.key.streams)}: send it as `Authorization: Bearer KEY`.",
        markup=False,
        soft_wrap=True,
    )


@keys.command("list")
def list_keys(file: KeyFile, as_json: AsJson = False) -> None:
    """List the keys: names, streams and rights; the keys themselves are not kept."""
    from rich.table import Table

    from holistic_cli.whole_table import print_whole
    from producer_service.access.key_file import read_keys

    rows = [_describe(key) for key in read_keys(file)]
    if as_json:
        _print_json(rows)
        return
    table = Table()
    for column in ("name", "streams", "rights", "created"):
        table.add_column(column)
    for row in rows:
        table.add_row(row["name"], ", ".join(row["streams"]), ", ".join(row["rights"]), row["created"])
    print_whole(table)


@keys.command()
def revoke(name: Name, file: KeyFile) -> None:
    """Take a key away. Streams it has open stay open until they are closed; it opens and sends nothing more."""
    from producer_service.access.key_file import revoke_key

    revoke_key(file, name)
    typer.echo(f"the key {name} is revoked")


def _describe(key: "ApiKey") -> dict[str, Any]:
    return {
        "name": key.name,
        "streams": list(key.streams),
        "rights": sorted(right.value for right in key.rights),
        "created": key.created.isoformat(timespec="seconds"),
    }


def _print_json(value: object) -> None:
    import orjson

    typer.echo(orjson.dumps(value, option=orjson.OPT_INDENT_2).decode())
