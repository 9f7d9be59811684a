"""What can be meant by the beginning of a word in a question to the archive."""

import re
from collections.abc import Iterable
from typing import Final

from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document

from consumers.archive.parquet.schema import FRAMES
from keypoints.landmarks import Part, landmark_names

VIEWS: Final = (
    "frames",
    "pose_landmarks",
    "pose_world_landmarks",
    "hand_landmarks",
    "face_landmarks",
    "joints",
    "world_joints",
    "streams",
)
_FUNCTIONS: Final = (
    "pose_landmark(",
    "hand_landmark(",
    "face_landmark(",
    "pose_angle(",
    "pose_distance(",
    "count(",
    "avg(",
    "min(",
    "max(",
    "sum(",
    "sqrt(",
    "lag(",
    "date_trunc(",
    "extract(",
)
_KEYWORDS: Final = (
    "SELECT", "FROM", "WHERE", "GROUP BY", "ORDER BY", "HAVING", "LIMIT", "JOIN", "LEFT JOIN", "ON", "USING", "AS",
    "AND", "OR", "NOT", "IS NULL", "IS NOT NULL", "BETWEEN", "LIKE", "IN", "CASE", "WHEN", "THEN", "ELSE", "END",
    "DISTINCT", "WITH", "OVER", "PARTITION BY", "INTERVAL", "FILTER", "DESC", "EXPLAIN", "UNION ALL",
)  # fmt: skip
COMMANDS: Final = ("\\?", "\\d", "\\timing", "\\x", "\\q")

_COLUMNS: Final = (*FRAMES.names, "name", "side", "x", "y", "z", "visibility")
_LANDMARKS: Final = tuple(
    dict.fromkeys(
        name
        for part in (Part.POSE, Part.LEFT_HAND, Part.FACE)
        for name in landmark_names(part)
        if not re.fullmatch(r"face_\d+", name)
    )
)
_WORD: Final = re.compile(r"[\w\\?]*$")
_AFTER_FROM: Final = re.compile(r"\b(?:from|join)\s+\w*$", re.IGNORECASE)


class ArchiveCompleter(Completer):
    """Views after FROM and JOIN, landmarks within quotes, columns, functions and keywords elsewhere."""

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterable[Completion]:  # noqa: ARG002
        """See Completer."""
        before = document.text_before_cursor
        found = _WORD.search(before)
        word = found.group() if found else ""
        for candidate in _choose(before):
            if candidate.lower().startswith(word.lower()) and candidate != word:
                yield Completion(candidate, start_position=-len(word))


def _choose(before: str) -> tuple[str, ...]:
    stripped = before.lstrip()
    if stripped.startswith("\\"):
        return VIEWS if " " in stripped else COMMANDS
    if before.count("'") % 2:
        return _LANDMARKS
    if _AFTER_FROM.search(before):
        return VIEWS
    return (*_COLUMNS, *_FUNCTIONS, *VIEWS, *_KEYWORDS)
