"""How every service reads its settings from the environment, and names the variable that is wrong."""

import argparse
import logging
import os
from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeVar

from pydantic import AliasChoices, ValidationError
from pydantic_settings import BaseSettings, SettingsError

from keypoints.errors import HolisticError, Terminal
from keypoints.problem_words import say_problem

Settings = TypeVar("Settings", bound=BaseSettings)

_PREFIXES: Final = ("HOLISTIC_", "KAFKA_", "DATABASE_", "SCHEMA_")
_LONGEST_SLIP: Final = 2
_WHERE_NAMED: Final = "`--help` of the command, or docs/reference, says what each variable means"

log = logging.getLogger(__name__)


def read_settings(kind: type[Settings], whose: str, given: Mapping[str, Any]) -> Settings:
    """The settings of this process's environment; what is given and not None wins over it.

    Raises Terminal naming each wrong variable and what was wrong with it, never a secret's value. Warns of a variable
    that means nothing, and is nearly one of these settings'.
    """
    for written, meant in find_misspelt(kind, os.environ):
        log.warning("%s means nothing to %s; %s does", written, whose, meant)
    try:
        return kind(**{name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        problems = [
            ": ".join(filter(None, [_name_place(kind, problem["loc"]), say_problem(problem)]))
            for problem in error.errors(include_input=False, include_url=False)
        ]
        raise Terminal(f"{whose} settings are wrong: " + "; ".join(problems), hint=_WHERE_NAMED) from error
    except SettingsError as error:
        # It names the setting, and its cause may hold what was written, which may be a secret.
        setting = next((name for name in kind.model_fields if f'"{name}"' in str(error)), None)
        named = str(error) if setting is None else f"{name_variable(kind, setting)}: it must be JSON"
        raise Terminal(f"{whose} settings are wrong: {named}", hint=_WHERE_NAMED) from None


def _name_place(kind: type[BaseSettings], place: Sequence[int | str]) -> str:
    """The variable a problem is about; none for one of several settings together."""
    return name_variable(kind, ".".join(str(part) for part in place)) if place else ""


def name_variable(kind: type[BaseSettings], setting: str) -> str:
    """The environment variable a setting is read from."""
    field = kind.model_fields.get(setting.lower())
    alias = None if field is None else field.validation_alias
    if isinstance(alias, AliasChoices):
        return str(alias.choices[-1])
    return f"{kind.model_config.get('env_prefix', '')}{setting}".upper()


def find_misspelt(kind: type[BaseSettings], environment: Mapping[str, str]) -> list[tuple[str, str]]:
    """Variables of the environment that are one of these settings' but for a slip of the pen, each with that one.

    Variables of other settings that are known in this process are no slips.
    """
    own = {name_variable(kind, name) for name in kind.model_fields}
    known = own | {name_variable(other, name) for other in list_kinds() for name in other.model_fields}
    unknown = sorted(name for name in environment if name.startswith(_PREFIXES) and name not in known)
    return [
        (name, meant) for name in unknown for meant in sorted(own) if meant not in environment and _is_slip(name, meant)
    ]


def list_kinds() -> list[type[BaseSettings]]:
    """All kinds of settings this process has heard of."""
    kinds = list(BaseSettings.__subclasses__())
    for kind in kinds:
        kinds += kind.__subclasses__()
    return kinds


def _is_slip(written: str, meant: str) -> bool:
    """Whether a few letters are missing, too many, wrong or exchanged."""
    if abs(len(written) - len(meant)) > _LONGEST_SLIP or written[:4] != meant[:4]:
        return False
    # Optimal string alignment: insertions, deletions, replacements, and neighbours exchanged.
    before, row = [0] * (len(meant) + 1), list(range(len(meant) + 1))
    for i, letter in enumerate(written, 1):
        before, last, row = row, before, [i] + [0] * len(meant)
        for j, other in enumerate(meant, 1):
            row[j] = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (letter != other))
            if i > 1 and j > 1 and letter == meant[j - 2] and written[i - 2] == other:
                row[j] = min(row[j], last[j - 2] + 1)
    return row[-1] <= _LONGEST_SLIP


def describe_variables(kind: type[BaseSettings]) -> str:
    """Every variable and what it means, for the end of a help text."""
    described = (f"{name_variable(kind, name)}: {field.description}" for name, field in kind.model_fields.items())
    return "Environment: " + "; ".join(described)


def explain_error(error: HolisticError) -> str:
    """The lines a process that cannot begin leaves behind."""
    return f"error: {error.message}\n" + (f"hint: {error.hint}\n" if error.hint else "")


def split_setting(text: str) -> tuple[str, str]:
    """An argument of the form KEY=VALUE, for argparse. Raises ArgumentTypeError."""
    key, separator, value = text.partition("=")
    if not separator or not key:
        raise argparse.ArgumentTypeError(f"{text!r} is not KEY=VALUE")
    return key, value
