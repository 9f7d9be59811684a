"""Why there is no report."""

from keypoints.errors import Terminal


class NothingToReport(Terminal):
    """Analytics has nothing of the stream, or nothing of it in the period. Fields: stream_id."""
