"""`holistic rules`: check, test"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from consumers.analytics.reactions.rule import Rule

rules = typer.Typer(no_args_is_help=True, rich_markup_mode="markdown", add_completion=False)

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


@rules.callback()
def describe() -> None:
    """Rules: whom to tell when something is seen. docs/rules.md shows a whole file."""


@rules.command()
def check(
    file: Annotated[Path, typer.Argument(help="File of rules (YAML).", show_default=False)],
    as_json: AsJson = False,
) -> None:
    """Check a file of rules and say in words what each of them waits for. Ends 1 naming the first mistake.

    A kind that is no built-in one is shown as such: it is the name of a gesture you taught, or misspelt. Secrets are
    not looked at; `holistic analytics` does that when it starts.
    """
    from consumers.analytics.reactions.rules_file import read_rules
    from consumers.analytics.taught.gesture import BUILT_IN

    read = [
        _describe(rule, [kind for kind in rule.condition.kinds if kind not in BUILT_IN]) for rule in read_rules(file)
    ]
    if as_json:
        _print_json({"rules": read})
    else:
        _print_table(file, read)


@rules.command("test")
def try_receiver(
    url: Annotated[str, typer.Argument(help="Address of the receiver.", show_default=False)],
    variable: Annotated[
        str, typer.Option("--secret-variable", help="Environment variable with the secret to sign with.")
    ] = "HOLISTIC_WEBHOOK_SECRET",
    as_json: AsJson = False,
) -> None:
    """Send one signed sample message to a receiver, once, and show what it answers. Ends 1 if it does not take it.

    The message's `rule` is `sample`; it stands in no table and counts for nothing.
    """
    import asyncio
    import os

    from consumers.analytics.reactions.sample import make_sample_rule, send_sample
    from consumers.analytics.reactions.signing import find_routes

    rule = make_sample_rule(url, variable)
    answer = asyncio.run(send_sample(find_routes([rule], os.environ)[rule.name]))
    if as_json:
        _print_json({"taken": answer.is_taken, "status": answer.status, "answer": answer.reason})
    elif answer.is_taken:
        typer.echo(f"The receiver took it: {answer.reason}.")
    else:
        typer.secho(f"The receiver did not take it: {answer.reason}.", fg="red", err=True)
    raise typer.Exit(0 if answer.is_taken else 1)


def _describe(rule: "Rule", unknown: list[str]) -> dict[str, Any]:
    from dataclasses import asdict

    from consumers.analytics.reactions.wording import tell_in_words

    condition = asdict(rule.condition)
    return {
        "name": rule.name,
        "version": rule.version,
        "waits_for": tell_in_words(rule),
        "condition": condition,
        "not_built_in": unknown,
        "streams": rule.streams,
        "webhook": rule.webhook,
        "secret_variable": rule.secret_variable,
    }


def _print_json(answer: dict[str, Any]) -> None:
    import orjson

    typer.echo(orjson.dumps(answer, option=orjson.OPT_INDENT_2).decode())


def _print_table(file: Path, read: list[dict[str, Any]]) -> None:
    from rich.markup import escape
    from rich.table import Table

    from holistic_cli.whole_table import print_whole, show_controls

    table = Table(title=f"{len(read)} {'rule' if len(read) == 1 else 'rules'} in {escape(show_controls(str(file)))}")
    for name in ("rule", "waits for", "in streams", "tells"):
        table.add_column(name, no_wrap=name == "rule", overflow="fold")
    for row in read:
        cells = (row["name"], row["waits_for"], row["streams"], row["webhook"])
        table.add_row(*(escape(show_controls(cell)) for cell in cells))
    print_whole(table)
    for row in read:
        for kind in row["not_built_in"]:
            typer.echo(f"{row['name']}: {kind} is not built in; it has to be a gesture you taught.")
