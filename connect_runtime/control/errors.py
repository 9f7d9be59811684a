"""Why a wish about a connector is refused; the REST API answers each with Kafka Connect's status code."""

from typing import ClassVar

from keypoints.errors import Terminal, Transient


class NotFound(Terminal):
    """There is no such connector, task, plugin or logger."""

    status: ClassVar[int] = 404


class Conflict(Terminal):
    """The wish contradicts what is there already."""

    status: ClassVar[int] = 409


class BadRequest(Terminal):
    """The wish cannot be understood, or names values that cannot be used."""

    status: ClassVar[int] = 400


class NotAllowed(Terminal):
    """The wish is understood, and this deployment does not grant it."""

    status: ClassVar[int] = 405


class NotGranted(Terminal):
    """The wish is understood, and switched off."""

    status: ClassVar[int] = 403


class ControlUnavailable(Transient):
    """What the replicas agree on cannot be read or written now: Kafka is away."""

    status: ClassVar[int] = 503
