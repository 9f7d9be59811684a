"""The file of rules: YAML, checked whole before anything runs."""

import hashlib
import re
from collections.abc import Hashable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Final
from urllib.parse import urlsplit

import orjson
import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from consumers.analytics.finding import Severity
from consumers.analytics.reactions.rule import InvalidRule, Rule, read_condition, read_duration

_DIGITS = 8
_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,62}")
_SAID: Final[Mapping[str, str]] = {
    "extra_forbidden": "there is no such key",
    "missing": "this key is missing",
    "string_type": "this is no text; quotes make it one",
}
"""In the place of pydantic's own words, which speak to programmers."""


class _Loader(yaml.SafeLoader):
    """YAML in which no key is given twice: the last would win, and nobody would know."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        """A mapping. Raises ConstructorError naming the key that comes again."""
        seen: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode):
                if key.value in seen:
                    raise yaml.constructor.ConstructorError(
                        problem=f"the key {key.value} is given twice", problem_mark=key.start_mark
                    )
                seen.add(key.value)
        return super().construct_mapping(node, deep=deep)


def _check_name(text: str) -> str:
    if _NAME.fullmatch(text) is None:
        raise ValueError("a name is lower-case letters, digits and _, a letter first, 63 at most")
    return text


def _check_condition(text: str) -> str:
    read_condition(text)
    return text


def _check_duration(text: str) -> str:
    read_duration(text)
    return text


def _check_address(text: str) -> str:
    address = urlsplit(text)
    try:
        has_port = address.port != 0
    except ValueError:
        has_port = False
    if not text.isascii() or not text.isprintable() or " " in text or not has_port:
        raise ValueError("a webhook is an address as a browser shows it when it is copied")
    if address.scheme not in {"http", "https"} or not address.hostname:
        raise ValueError("a webhook is an http or https address")
    if address.username is not None or address.password is not None:
        raise ValueError("a webhook's address carries no password; messages are signed")
    return text


_Duration = Annotated[str, AfterValidator(_check_duration)]


class _Then(BaseModel):
    model_config = ConfigDict(extra="forbid")

    webhook: Annotated[str, AfterValidator(_check_address)]
    secret_variable: str = Field(default="HOLISTIC_WEBHOOK_SECRET", pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")
    expires: _Duration | None = None


class _Rule(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, AfterValidator(_check_name)]
    when: Annotated[str, AfterValidator(_check_condition)]
    streams: str = Field(default="*", min_length=1)
    severity: Severity | None = None
    cooldown: _Duration | None = None
    then: _Then


class _Rules(BaseModel):
    model_config = ConfigDict(extra="forbid")

    rules: list[_Rule]


def read_rules(path: Path) -> tuple[Rule, ...]:
    """The rules of a file. Raises InvalidRule naming the rule, the key, and what is wrong with it."""
    try:
        document = yaml.load(path.read_text(encoding="utf-8"), _Loader)  # noqa: S506  it is a SafeLoader
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidRule(f"{path} cannot be read: {error}", hint="give the path of a YAML file") from error
    except yaml.YAMLError as error:
        # Not the error's own words, which repeat what is in the file.
        raise InvalidRule(f"{path} is not YAML{_place_of(error)}", hint="docs/rules.md shows a whole file") from None
    return make_rules(document, str(path))


def make_rules(document: object, source: str) -> tuple[Rule, ...]:
    """The rules of a file that is read; `source` names it in errors. Raises as `read_rules`."""
    if not isinstance(document, dict):
        raise InvalidRule(
            f"{source} has no list of rules", hint="begin it with `rules:`; docs/rules.md shows a whole file"
        )
    try:
        read = _Rules.model_validate(document)
    except ValidationError as error:
        raise _explain(source, document, error) from error
    names = [rule.name for rule in read.rules]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise InvalidRule(f"{source}: two rules are named {twice}", hint="give each a name of its own", rule=twice)
    return tuple(map(_make_rule, read.rules))


def _make_rule(read: _Rule) -> Rule:
    said = {
        "name": read.name,
        "when": read.when,
        "streams": read.streams,
        "severity": read.severity,
        "cooldown": read.cooldown,
    }
    digest = hashlib.sha256(orjson.dumps(said, option=orjson.OPT_SORT_KEYS)).hexdigest()
    return Rule(
        name=read.name,
        version=f"rule-{digest[:_DIGITS]}",
        condition=read_condition(read.when),
        webhook=read.then.webhook,
        secret_variable=read.then.secret_variable,
        streams=read.streams,
        at_least=read.severity,
        cooldown_us=read_duration(read.cooldown) if read.cooldown else 0,
        expires_us=read_duration(read.then.expires) if read.then.expires else 0,
    )


def _place_of(error: yaml.YAMLError) -> str:
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        return f", line {error.problem_mark.line + 1}: {error.problem}"
    return ""


def _explain(source: str, document: Any, error: ValidationError) -> InvalidRule:
    first = error.errors()[0]
    place: Sequence[int | str] = first["loc"]
    rule = _name_of(document, place)
    key = ".".join(str(part) for part in place[2:]) or ".".join(map(str, place)) or "rules"
    said = _SAID.get(first["type"], str(first["msg"]).removeprefix("Value error, "))
    return InvalidRule(
        f"{source}: {f'rule {rule}: ' if rule else ''}{key}: {said}",
        hint="docs/rules.md shows a whole file",
        rule=rule,
        key=key,
    )


def _name_of(document: Any, place: Sequence[int | str]) -> str | None:
    """The name of the rule at a place of the document, or its number."""
    if len(place) < 2 or not isinstance(place[1], int):
        return None
    try:
        return str(document["rules"][place[1]]["name"])
    except (KeyError, TypeError, IndexError):
        return str(place[1] + 1)
