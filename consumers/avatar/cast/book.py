"""All roles as the topic has them, kept up to date, and the way to change them."""

import logging
import threading
from collections.abc import Mapping, Sequence
from typing import Protocol

from connect_runtime.compacted_log import FollowedRecord, OnFollowed
from connect_runtime.control.errors import ControlUnavailable
from consumers.avatar.cast.errors import NoSuchRole, RolesUnknown
from consumers.avatar.cast.role import EVERYBODY, Role, read_role
from keypoints.errors import HolisticError
from keypoints.topics import AVATAR_ROLES_TOPIC

log = logging.getLogger(__name__)

_FOLLOWED_TIMEOUT_S = 10.0


class RoleLog(Protocol):
    """The compacted topic of roles: key the stream, value the role, none where it was taken away."""

    def follow(self, on_records: OnFollowed) -> None:
        """Begin to read, on a thread of its own."""

    def append(self, topic: str, key: str, value: bytes | None) -> int:
        """Write a record and return its offset. Raises ControlUnavailable."""

    def problem(self) -> str | None:
        """Why the topic is not known to its end yet."""

    def close(self) -> None:
        """Stop."""


class RoleBook:
    """The roles. Any thread may ask; `version` changes whenever any role does."""

    def __init__(self, roles: RoleLog | None) -> None:
        """Without a log there are no roles, and none can be given."""
        self._log = roles
        self._changed = threading.Condition()
        self._roles: dict[str, Role] = {}
        self._next_offset = 0
        self._version = 0
        if roles is not None:
            roles.follow(self._read)

    @property
    def version(self) -> int:
        """Grows with each change."""
        return self._version

    def all(self) -> Mapping[str, Role]:
        """Each stream's own role, and everybody's under `*`."""
        with self._changed:
            return dict(self._roles)

    def role_of(self, stream: str) -> Role:
        """The stream's role: its own, and where that says nothing everybody's."""
        with self._changed:
            own, shared = self._roles.get(stream, Role(stream=stream)), self._roles.get(EVERYBODY)
        return own if shared is None else own.over(shared)

    def own_role(self, stream: str) -> Role:
        """The stream's own role. Raises NoSuchRole."""
        with self._changed:
            role = self._roles.get(stream)
        if role is None:
            raise NoSuchRole(f"{stream} has no role of its own", hint="PUT one, or see which there are.", stream=stream)
        return role

    def give(self, role: Role) -> Role:
        """Write a role, and wait until it holds here too. Raises RolesUnknown."""
        self._write(role.stream, role.model_dump_json(exclude={"stream"}, exclude_defaults=True).encode())
        return role

    def take_away(self, stream: str) -> None:
        """Remove the stream's own role. Raises NoSuchRole and RolesUnknown."""
        self.own_role(stream)
        self._write(stream, None)

    def problem(self) -> str | None:
        """Why not all roles are known yet; None: they are."""
        return None if self._log is None else self._log.problem()

    def close(self) -> None:
        """Stop following."""
        if self._log is not None:
            self._log.close()

    def _write(self, stream: str, value: bytes | None) -> None:
        problem = "this service keeps no roles" if self._log is None else self._log.problem()
        if self._log is None or problem is not None:
            raise RolesUnknown(problem or "", stream=stream)
        try:
            offset = self._log.append(AVATAR_ROLES_TOPIC, stream, value)
        except ControlUnavailable as error:
            raise RolesUnknown(f"the role could not be written: {error.message}", stream=stream) from error
        with self._changed:
            if not self._changed.wait_for(lambda: self._next_offset > offset, _FOLLOWED_TIMEOUT_S):
                raise RolesUnknown("the role is written, and not read back yet", stream=stream)

    def _read(self, records: Sequence[FollowedRecord]) -> None:
        with self._changed:
            for record in records:
                self._take(record)
                self._next_offset = record.offset + 1
            self._version += bool(records)
            self._changed.notify_all()

    def _take(self, record: FollowedRecord) -> None:
        if record.value is None:
            self._roles.pop(record.key, None)
            return
        try:
            self._roles[record.key] = read_role(record.value, record.key)
        except HolisticError as error:
            log.warning(
                "a role cannot be read, and is passed over: %s",
                error.message,
                extra={"stream": record.key, "offset": record.offset, "hint": "give the stream its role again"},
            )
