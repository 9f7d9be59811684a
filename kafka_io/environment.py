"""How every service reads its settings from the environment, and names the variable that is wrong."""

import argparse
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from pydantic import AliasChoices, ValidationError
from pydantic_settings import BaseSettings, SettingsError

from keypoints.errors import HolisticError, Terminal

Settings = TypeVar("Settings", bound=BaseSettings)


def read_settings(kind: type[Settings], whose: str, given: Mapping[str, Any]) -> Settings:
    """The settings of this process's environment; what is given and not None wins over it.

    Raises Terminal naming each wrong variable and what was wrong with it, never a secret's value.
    """
    try:
        return kind(**{name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        problems = [
            ": ".join(filter(None, [_name_place(kind, problem["loc"]), problem["msg"]]))
            for problem in error.errors(include_input=False, include_url=False)
        ]
        raise Terminal(f"{whose} settings are wrong: " + "; ".join(problems)) from error
    except SettingsError as error:
        # It names the setting, and its cause may hold what was written, which may be a secret.
        setting = next((name for name in kind.model_fields if f'"{name}"' in str(error)), None)
        named = str(error) if setting is None else f"{name_variable(kind, setting)}: it must be JSON"
        raise Terminal(f"{whose} settings are wrong: {named}") from None


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
