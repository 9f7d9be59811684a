"""What can go wrong with a spill."""

from keypoints.errors import Terminal, Transient


class SpillFull(Transient):
    """The spill holds as many bytes as it may; the new frame is the one that is dropped. Fields: bytes, limit."""


class SpillFailed(Transient):
    """The disk did not take a frame. Fields: path."""


class SpillDamaged(Transient):
    """A frame cannot be read back as it was written. Fields: path."""


class SpillUnusable(Terminal):
    """The directory cannot hold a spill, or another producer has its spill there. Fields: path."""


class KeptInSpill(Transient):
    """The producer ends, and the frame waits on disk for the next start. Fields: path."""
