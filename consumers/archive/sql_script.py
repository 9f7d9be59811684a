"""Statements in a text, as people write them: one after another, each ended by a semicolon."""

import re
from dataclasses import dataclass
from typing import Final

_DOLLAR_QUOTE: Final = re.compile(r"\$(?:[A-Za-z_]\w*)?\$")


@dataclass(frozen=True, slots=True)
class Script:
    """The whole statements, without their semicolons, and what follows the last one."""

    statements: tuple[str, ...]
    rest: str

    @property
    def all(self) -> tuple[str, ...]:
        """With what follows, which is a statement too if there is more in it than comments."""
        return (*self.statements, self.rest.strip()) if _says_something(self.rest) else self.statements


def split_statements(text: str) -> Script:
    """Part a text at its semicolons, but not at those within quotes and comments."""
    statements: list[str] = []
    begins = at = 0
    while at < len(text):
        if text[at] == ";":
            if _says_something(text[begins:at]):
                statements.append(text[begins:at].strip())
            begins = at = at + 1
        else:
            at = _skip(text, at)
    return Script(tuple(statements), text[begins:])


def _says_something(text: str) -> bool:
    at = 0
    while at < len(text):
        if not text[at].isspace() and not _is_comment(text, at):
            return True
        at = _skip(text, at)
    return False


def _skip(text: str, at: int) -> int:
    """Where what begins here ends: a quote, a comment, or one letter. What has no end goes to the text's."""
    if text.startswith("--", at):
        return _after(text, "\n", at)
    if text.startswith("/*", at):
        return _skip_comment(text, at)
    if text[at] in "eE" and text.startswith("'", at + 1):
        return _skip_escaped(text, at + 2)
    if text[at] in "'\"":
        # A doubled quote ends one literal and begins another, which comes to the same.
        return _after(text, text[at], at + 1)
    quote = _DOLLAR_QUOTE.match(text, at) if text[at] == "$" else None
    return at + 1 if quote is None else _after(text, quote.group(), quote.end())


def _skip_escaped(text: str, at: int) -> int:
    """In E'…' a backslash takes the next letter's meaning away."""
    while at < len(text) and text[at] != "'":
        at += 2 if text[at] == "\\" else 1
    return min(at + 1, len(text))


def _skip_comment(text: str, at: int) -> int:
    """Comments hold comments."""
    depth = 0
    for mark in re.finditer(r"/\*|\*/", text[at:]):
        depth += 1 if mark.group() == "/*" else -1
        if depth == 0:
            return at + mark.end()
    return len(text)


def _is_comment(text: str, at: int) -> bool:
    return text.startswith(("--", "/*"), at)


def _after(text: str, end: str, at: int) -> int:
    found = text.find(end, at)
    return len(text) if found < 0 else found + len(end)
