"""The file of API keys: what is kept of each, written as a whole or not at all, and read strictly.

A token is 32 random bytes and is kept as its SHA-256. A slow hash with a salt protects what people think up, which can
be guessed; 256 random bits cannot, so a fast hash gives nothing away and costs a request nothing.
"""

import hashlib
import os
import re
import secrets
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from keypoints.errors import Terminal

TOKEN_PREFIX: Final = "hk_"  # noqa: S105 - every token begins so
"""By which a token is known for one, in a log or by a scanner of leaked secrets."""

_TOKEN_BYTES: Final = 32
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_WRITABLE_BY_OTHERS: Final = 0o022


class Right(StrEnum):
    """What a key may be good for."""

    PUBLISH = "publish"
    """Send pictures of its streams."""
    MANAGE = "manage"
    """Have the producer read cameras, addresses and files for its streams, and stop them."""


class KeyFileError(Terminal):
    """A file of keys that is missing, damaged, or may be written by others; or no such key in it. Fields: path."""


class ApiKey(BaseModel):
    """What is kept of a key: never the token. `streams` are patterns: `ada-*` owns every stream of that beginning."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, StringConstraints(pattern=f"^{_NAME.pattern}$")]
    sha256: Annotated[str, StringConstraints(pattern="^[0-9a-f]{64}$")]
    created: datetime
    streams: tuple[Annotated[str, StringConstraints(min_length=1)], ...]
    rights: frozenset[Right]


class _KeyFile(BaseModel):
    model_config = ConfigDict(extra="forbid")

    keys: tuple[ApiKey, ...] = Field(default=())


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key that was just made, and its token, which is nowhere else and is shown once."""

    key: ApiKey
    token: str


def hash_token(token: str) -> str:
    """SHA-256 in hexadecimal digits."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def read_keys(path: Path) -> tuple[ApiKey, ...]:
    """Every key of the file. Raises KeyFileError; what it says shows nothing of the file's content."""
    try:
        mode, content = path.stat().st_mode, path.read_bytes()
    except OSError as error:
        raise KeyFileError(
            f"the file of API keys cannot be read: {error.strerror}",
            hint="`holistic keys create NAME` makes it",
            path=str(path),
        ) from error
    if mode & _WRITABLE_BY_OTHERS:
        raise KeyFileError("others may write the file of API keys", hint=f"chmod 600 {path}", path=str(path))
    try:
        keys = _KeyFile.model_validate_json(content).keys
    except ValidationError as error:
        places = ", ".join(".".join(str(part) for part in problem["loc"]) for problem in error.errors())
        raise KeyFileError(f"the file of API keys is damaged: {places or 'it is no JSON'}", path=str(path)) from error
    if len({key.name for key in keys}) < len(keys):
        raise KeyFileError("the file of API keys has two keys of one name", path=str(path))
    return keys


def create_key(path: Path, name: str, streams: Sequence[str], rights: frozenset[Right], created: datetime) -> NewKey:
    """Add a key to the file, which is made (for its owner alone) if there is none. Raises KeyFileError."""
    if not _NAME.fullmatch(name):
        hint = "letters, digits, dots, dashes and underscores, at most 64"
        raise KeyFileError(f"{name!r} cannot be a key's name", hint=hint, path=str(path))
    if not all(streams):
        raise KeyFileError("an empty pattern owns no stream", hint="'*' owns every stream", path=str(path))
    keys = read_keys(path) if path.exists() else ()
    if any(key.name == name for key in keys):
        raise KeyFileError(f"there is a key {name!r} already", hint="revoke it first, or choose another name")
    token = TOKEN_PREFIX + secrets.token_urlsafe(_TOKEN_BYTES)
    key = ApiKey(name=name, sha256=hash_token(token), created=created, streams=tuple(streams), rights=rights)
    _write_keys(path, (*keys, key))
    return NewKey(key, token)


def revoke_key(path: Path, name: str) -> None:
    """Take a key out of the file; who reads it notices with the next request. Raises KeyFileError."""
    keys = read_keys(path)
    left = tuple(key for key in keys if key.name != name)
    if len(left) == len(keys):
        raise KeyFileError(f"there is no key {name!r}", hint="`holistic keys list` names all", path=str(path))
    _write_keys(path, left)


def _write_keys(path: Path, keys: tuple[ApiKey, ...]) -> None:
    text = _KeyFile(keys=keys).model_dump_json(indent=2) + "\n"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Made by mkstemp, with mode 0600, and put in place whole: a reader never meets half a file.
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise KeyFileError(f"the file of API keys cannot be written: {error.strerror}", path=str(path)) from error
