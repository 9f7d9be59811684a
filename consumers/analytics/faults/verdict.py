"""How a record stands in its stream's time."""

from enum import StrEnum


class Verdict(StrEnum):
    IN_TIME = "in_time"
    """Newer than all of its stream before it."""
    LATE = "late"
    """Not newer than the stream's newest, by no more than the time a frame may be late."""
    SET_BACK = "set_back"
    """Older than that though the stream's sequence went on, or back from a leap: the source's clock was set. It goes on
    from here."""
    IMPOSSIBLE = "impossible"
    """A time outside the years 1970 to 9999."""

    @property
    def is_judged(self) -> bool:
        """Whether recognisers see the frame: it is the stream's newest."""
        return self in {Verdict.IN_TIME, Verdict.SET_BACK}
