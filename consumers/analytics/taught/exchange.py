"""Taught gestures as a file, to take elsewhere."""

from collections.abc import Sequence
from pathlib import Path

import orjson
from pydantic import TypeAdapter, ValidationError

from consumers.analytics.taught.gesture import FORMAT, TaughtGesture, check_name
from keypoints.errors import Terminal

_GESTURES = TypeAdapter(list[TaughtGesture])


class NoTaughtGestures(Terminal):
    """A file that holds none. Fields: path."""


def write_gestures(gestures: Sequence[TaughtGesture]) -> bytes:
    """JSON with all that they are recognised by."""
    return orjson.dumps({"holistic_taught_gestures": FORMAT, "gestures": gestures}, option=orjson.OPT_INDENT_2) + b"\n"


def read_gestures(path: Path) -> list[TaughtGesture]:
    """Those of a file `write_gestures` wrote. Raises NoTaughtGestures, NameRefused and FileNotFoundError."""
    try:
        document = orjson.loads(path.read_bytes())
        known = isinstance(document, dict) and document.get("holistic_taught_gestures") == FORMAT
        gestures = _GESTURES.validate_python(document["gestures"]) if known else []
    except orjson.JSONDecodeError as error:
        raise _refuse(path, f"it is no JSON: {error}") from error
    except (ValidationError, KeyError) as error:
        reason = error.errors()[0]["msg"] if isinstance(error, ValidationError) else "it names no gestures"
        raise _refuse(path, reason) from error
    if not gestures:
        raise _refuse(path, "it holds none of this version")
    if len({gesture.name for gesture in gestures}) < len(gestures):
        raise _refuse(path, "it holds two of one name")
    for gesture in gestures:
        check_name(gesture.name)
    return gestures


def _refuse(path: Path, reason: str) -> NoTaughtGestures:
    return NoTaughtGestures(
        f"{path} is no file of taught gestures: {reason}",
        hint="`holistic gestures export > FILE` writes one",
        path=str(path),
    )
