"""Where a connector's settings come from: the service's own, a file, the environment, and what was set over REST."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import orjson

from connect_runtime.config_keys import InvalidConfig
from keypoints.errors import Terminal

NAME_KEY: Final = "name"

_WAYS_TO_NAME_TOPICS: Final = {"topics": "topics.regex", "topics.regex": "topics"}
_ENTRY: Final = re.compile(r"((?:\\.|[^\\=:\s])*)\s*[=:\s]?\s*(.*)", re.S)
_ESCAPE: Final = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.S)
_NAMED: Final = {"t": "\t", "n": "\n", "r": "\r", "f": "\f"}


class ConfigFileUnusable(Terminal):
    """A file of settings that cannot be read. Fields: path."""


def merge_config(*sources: Mapping[str, object | None]) -> dict[str, object]:
    """Settings of several sources, a later one's over an earlier one's; None takes a setting back.

    The order of every service: its own defaults, files, the environment, what was set over REST. A source that names
    topics one way takes back the other way of an earlier source.
    """
    merged: dict[str, object] = {}
    for source in sources:
        for way, other in _WAYS_TO_NAME_TOPICS.items():
            if source.get(way) and not source.get(other):
                merged.pop(other, None)
        for key, value in source.items():
            if value is None:
                merged.pop(key, None)
            else:
                merged[key] = value
    return merged


def read_listed_files(listed: str, connectors: Sequence[str]) -> dict[str, dict[str, str]]:
    """As `read_config_files`, of paths separated by commas."""
    return read_config_files([Path(path.strip()) for path in listed.split(",") if path.strip()], connectors)


def read_config_files(paths: Sequence[Path], connectors: Sequence[str]) -> dict[str, dict[str, str]]:
    """The settings in files, by connector. A file without a name is for the only connector there is.

    Raises ConfigFileUnusable, and InvalidConfig when a file is for a connector this service does not have.
    """
    read: dict[str, dict[str, str]] = {}
    for path in paths:
        config = read_config_file(path)
        name = config.pop(NAME_KEY, connectors[0] if len(connectors) == 1 else None)
        if name is None or name not in connectors:
            raise InvalidConfig(
                f"{path} is for {f'a connector {name}' if name else 'no connector: it has no name'}",
                hint=f"name one of {', '.join(connectors)}",
                key=NAME_KEY,
                value=name,
            )
        read.setdefault(name, {}).update(config)
    return read


def read_config_file(path: Path) -> dict[str, str]:
    """One connector's flat settings: Java properties, or JSON (`*.json`), flat or as Kafka Connect's {name, config}.

    Raises ConfigFileUnusable.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise ConfigFileUnusable(f"{path} cannot be read: {reason}", path=str(path)) from error
    if path.suffix.lower() != ".json":
        return parse_properties(text)
    try:
        return _flatten(orjson.loads(text))
    except ValueError as error:
        raise ConfigFileUnusable(f"{path} is no JSON object of settings: {error}", path=str(path)) from error


def parse_properties(text: str) -> dict[str, str]:
    """The entries of a file as `java.util.Properties` reads it, with its comments, escapes and continued lines."""
    entries: dict[str, str] = {}
    for line in _join_lines(text):
        match = _ENTRY.fullmatch(line)
        if match is not None:
            entries[_unescape(match[1])] = _unescape(match[2])
    return entries


def _join_lines(text: str) -> list[str]:
    lines: list[str] = []
    begun = ""
    for line in text.splitlines():
        content = line.lstrip()
        if not begun and (not content or content[0] in "#!"):
            continue
        begun += content
        backslashes = len(begun) - len(begun.rstrip("\\"))
        if backslashes % 2 == 1:
            begun = begun[:-1]
            continue
        lines.append(begun)
        begun = ""
    return [*lines, begun] if begun else lines


def _unescape(text: str) -> str:
    def replace(match: re.Match[str]) -> str:
        escaped = match[1]
        return chr(int(escaped[1:], 16)) if len(escaped) > 1 else _NAMED.get(escaped, escaped)

    return _ESCAPE.sub(replace, text)


def _flatten(content: Any) -> dict[str, str]:
    if not isinstance(content, dict):
        raise ValueError("an object is needed")
    if isinstance(content.get("config"), dict):
        named = {NAME_KEY: content[NAME_KEY]} if NAME_KEY in content else {}
        content = {**named, **content["config"]}
    nested = [key for key, value in content.items() if isinstance(value, dict | list)]
    if nested:
        raise ValueError(f"{nested[0]} is not a text, a number, true or false")
    return {
        key: str(value).lower() if isinstance(value, bool) else str(value)
        for key, value in content.items()
        if value is not None
    }
