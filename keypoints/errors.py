"""The two kinds of error every room raises: those worth another try, and those that are not."""

from typing import Any


class HolisticError(Exception):
    """Base of every error of this project.

    `fields` says what it was about (topic, partition, path, key …), so that a log line, a REST answer or a dead letter
    can carry it without parsing the message. `hint` says what a person can do.
    """

    def __init__(self, message: str, *, hint: str | None = None, **fields: object) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.fields: dict[str, object] = fields

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), self.message, self.hint, self.fields)


def _rebuild(kind: type[HolisticError], message: str, hint: str | None, fields: dict[str, Any]) -> HolisticError:
    error = kind(message, hint=hint)
    error.fields = fields
    return error


class Transient(HolisticError):
    """The same call may succeed later: a store that restarts, a broker that is away, a schema not yet seen."""


class Terminal(HolisticError):
    """The same call will fail again: a damaged record, a wrong setting, a store that refuses the value."""
