"""Why somebody is not let in. `status` is what HTTP answers."""

from typing import ClassVar

from keypoints.errors import Terminal, Transient


class Unauthorized(Terminal):
    """No key, or one nobody gave out."""

    status: ClassVar[int] = 401


class Forbidden(Terminal):
    """A good key, for something else. Fields: key, and stream_id or right."""

    status: ClassVar[int] = 403


class TooManyStreams(Transient):
    """A key has as many streams open as it may. Fields: key, streams."""

    status: ClassVar[int] = 429


class KeysUnavailable(Transient):
    """The file of keys cannot be read now, so nobody can be let in. Fields: path."""

    status: ClassVar[int] = 503
