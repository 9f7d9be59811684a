"""Lets callers in by their key, or everybody where no keys were made."""

import hmac
import logging
import threading
from pathlib import Path
from typing import Final

from producer_service.access.caller import Caller
from producer_service.access.errors import KeysUnavailable, Unauthorized
from producer_service.access.key_file import ApiKey, KeyFileError, Right, hash_token, read_keys
from producer_service.access.owners import StreamOwners

log = logging.getLogger(__name__)

_MAX_TOKEN_CHARACTERS: Final = 256
_EVERYBODY: Final = "everybody"
_Stamp = tuple[int, int, int]


class ApiKeys:
    """The keys of a file, read again when it changed. Without a file everybody may do everything."""

    def __init__(self, path: Path | None, streams_a_key: int = 16) -> None:
        """Raises KeyFileError when the file cannot be used."""
        self._path = path
        self._owners = StreamOwners(streams_a_key)
        self._lock = threading.Lock()
        self._stamp: _Stamp | None = None
        self._keys: tuple[ApiKey, ...] | None = None
        if path is not None:
            self._stamp = _take_stamp(path)
            self._keys = read_keys(path)

    @property
    def asks_who(self) -> bool:
        """Whether callers must show a key."""
        return self._path is not None

    def authenticate(self, token: str | None) -> Caller:
        """Who shows this token. Raises Unauthorized, or KeysUnavailable while the file cannot be read."""
        if self._path is None:
            return Caller(_EVERYBODY, ("*",), frozenset(Right), self._owners)
        keys = self._read_changed(self._path)
        if not token:
            raise Unauthorized("an API key is needed", hint="send it as `Authorization: Bearer KEY`")
        found = _find_key(keys, token)
        if found is None:
            raise Unauthorized("this API key is not known", hint="it may have been revoked")
        return Caller(found.name, found.streams, found.rights, self._owners)

    def _read_changed(self, path: Path) -> tuple[ApiKey, ...]:
        """A file that cannot be read lets nobody in: which keys it had revoked is not known."""
        with self._lock:
            stamp = _take_stamp(path)
            if stamp is None or stamp != self._stamp:
                # Stamped before it is read: what is written meanwhile is read the next time.
                changed, self._stamp = stamp != self._stamp or self._keys is not None, stamp
                try:
                    self._keys = read_keys(path)
                except KeyFileError as error:
                    self._keys = None
                    if changed:
                        log.error("%s", error.message, extra={"path": str(path), "hint": error.hint})
            if self._keys is None:
                raise KeysUnavailable("API keys cannot be checked at the moment", hint="try again in a moment")
            return self._keys


def _find_key(keys: tuple[ApiKey, ...], token: str) -> ApiKey | None:
    """All are compared, each in constant time, so that how long it takes tells nothing."""
    if len(token) > _MAX_TOKEN_CHARACTERS:
        return None
    digest = hash_token(token)
    matching = [key for key in keys if hmac.compare_digest(key.sha256, digest)]
    return matching[0] if matching else None


def _take_stamp(path: Path) -> _Stamp | None:
    try:
        status = path.stat()
    except OSError:
        return None
    # Its ctime changes with its content and with its mode.
    return status.st_ctime_ns, status.st_size, status.st_ino
