"""Every verb of `holistic` with its arguments and options, as `--help` tells them."""

import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, get_args, get_origin

from typer.core import TyperArgument, TyperCommand, TyperGroup, TyperOption
from typer.main import get_command

from handbook.markdown import write_code, write_page, write_table
from holistic_cli.main import app

_ABOUT: Final = (
    "`holistic VERB --help` says the same. Exit codes: 0 done, 1 it failed (the message says what was wrong and what "
    "to do), 2 wrong usage, 130 interrupted."
)


def walk_commands() -> Iterator[tuple[tuple[str, ...], TyperCommand]]:
    """Every command that can be run, by the words that name it."""
    group = get_command(app)
    assert isinstance(group, TyperGroup)  # noqa: S101 - `holistic` has verbs
    yield from _walk((), group)


def write_commands() -> str:
    """The page of commands."""
    return write_page("Commands", _ABOUT, (_describe(words, command) for words, command in walk_commands()))


def _walk(words: tuple[str, ...], command: Any) -> Iterator[tuple[tuple[str, ...], TyperCommand]]:
    if isinstance(command, TyperGroup):
        if command.invoke_without_command:
            yield words, command  # type: ignore[misc]  # a verb that has verbs of its own beside it
        for name in command.list_commands(None):  # type: ignore[arg-type]  # a context is not asked for anything
            yield from _walk((*words, name), command.get_command(None, name))  # type: ignore[arg-type]
    elif isinstance(command, TyperCommand):
        yield words, command


def _describe(words: tuple[str, ...], command: TyperCommand) -> str:
    arguments = [param for param in command.params if isinstance(param, TyperArgument) and not param.hidden]
    options = [
        param
        for param in command.params
        if isinstance(param, TyperOption) and not param.hidden and "--help" not in param.opts
    ]
    usage = ["holistic", *words, *(["[OPTIONS]"] if options else []), *map(_name_argument, arguments)]
    rows = [
        *((write_code(_name_argument(param)), "", param.help or "") for param in arguments),
        *((_name_option(param), _show_default(param), param.help or "") for param in options),
    ]
    parts = [f"## holistic {' '.join(words)}", f"`{' '.join(usage)}`", inspect.cleandoc(command.help or "")]
    if rows:
        parts.append(write_table(("argument or option", "default", "what it means"), rows))
    return "\n\n".join(parts)


def _name_argument(param: TyperArgument) -> str:
    name = (param.metavar or param.name or "").upper().strip("[].…")
    many = "…" if param.nargs != 1 else ""
    return f"{name}{many}" if param.required else f"[{name}{many}]"


def _name_option(param: TyperOption) -> str:
    names = ", ".join(write_code(name) for name in (*param.opts, *param.secondary_opts))
    if param.is_flag or param.count:
        return names
    kind = param.metavar or _name_kind(param.type_descriptor.annotation)
    return f"{names} {kind}" + (" …" if param.multiple else "")


def _name_kind(annotation: Any) -> str:
    for inner in get_args(annotation):
        if get_origin(annotation) is not None and isinstance(inner, type) and inner is not type(None):
            return _name_kind(inner)
    choices = [str(choice) for choice in get_args(annotation) if isinstance(choice, str)]
    if choices:
        return "\\|".join(choices)
    return {int: "INTEGER", float: "NUMBER", Path: "PATH"}.get(annotation, "TEXT")


def _show_default(param: TyperOption) -> str:
    if isinstance(param.show_default, str):
        return param.show_default
    if not param.show_default or param.default in (None, False, ()) or callable(param.default):
        return "must be given" if param.required else ""
    if param.default is True:
        return write_code(param.opts[0])
    if isinstance(param.default, list | tuple):
        return write_code(" ".join(map(str, param.default)))
    return write_code(str(param.default))
