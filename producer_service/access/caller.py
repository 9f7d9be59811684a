"""Somebody who was let in, and what they may do."""

from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from producer_service.access.errors import Forbidden
from producer_service.access.key_file import Right
from producer_service.access.owners import Claim, StreamOwners


@dataclass(frozen=True, slots=True)
class Caller:
    """`name` is the key's, and the same in every connection made with it."""

    name: str
    streams: tuple[str, ...]
    rights: frozenset[Right]
    owners: StreamOwners = field(repr=False, compare=False)

    def owns(self, stream_id: str) -> bool:
        """Whether a stream of this name may be this caller's, open or not."""
        return any(fnmatchcase(stream_id, pattern) for pattern in self.streams)

    def check_owns(self, stream_id: str) -> None:
        """Raises Forbidden when the stream is not of this key's names, or was opened with another key."""
        if not self.owns(stream_id):
            raise Forbidden(
                f"this key owns no stream {stream_id!r}",
                hint=f"its streams are {', '.join(self.streams)}",
                key=self.name,
                stream_id=stream_id,
            )
        self.owners.check(stream_id, self.name)

    def check_may(self, right: Right) -> None:
        """Raises Forbidden without that right."""
        if right not in self.rights:
            raise Forbidden(f"this key has no right to {right.value}", key=self.name, right=right.value)

    def claim(self, stream_id: str) -> Claim:
        """Hold a stream while it is open, against every other key. Raises Forbidden or TooManyStreams."""
        self.check_owns(stream_id)
        return self.owners.claim(stream_id, self.name)
