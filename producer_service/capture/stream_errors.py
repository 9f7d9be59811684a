"""Why a live source gives no pictures, as whoever opened it is told."""

from keypoints.errors import Terminal, Transient
from producer_service.capture.captured import RefusalReason


class SourceRefused(Terminal):
    """A live source that another try will not open. Fields: reason (RefusalReason), source (without its secrets)."""

    def __init__(self, reason: RefusalReason, message: str, hint: str | None = None, **about: object) -> None:
        super().__init__(message, hint=hint, reason=reason, **about)
        self.reason = reason


class FeedLost(Transient):
    """A live source that gave pictures, or may give some later, and gives none now."""
