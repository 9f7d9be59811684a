"""The fenced blocks of the documentation's pages, and the commands in those that are shell."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.conftest import REPOSITORY

SHELL: Final = ("", "sh", "bash", "shell", "console")
_FENCE: Final = re.compile(r"^( *)(```+|~~~+)\s*([\w+-]*).*$")
_BEGINS_SHELL: Final = re.compile(
    r"(?:\w+=\S* )*(?:\$|cd|curl|docker|eval|export|holistic|make|psql|python|sudo|\.venv/\S+) "
)
"""How a block whose fence says nothing begins where it is shell."""
INLINE: Final = re.compile(r"(?<!`)`(holistic [^`]+)`(?!`)")


@dataclass(frozen=True)
class Block:
    """A fenced block: the page, the line it begins at, what its fence calls it, and what is in it."""

    page: Path
    line: int
    language: str
    text: str

    @property
    def name(self) -> str:
        return f"{self.page.relative_to(REPOSITORY).as_posix()}:{self.line}"

    @property
    def commands(self) -> list[str]:
        """Whole commands, in order; none where the block is no shell, or only shows what is printed."""
        first = next((line for line in self.text.splitlines() if line.strip() and not line.startswith("#")), "")
        if self.language not in SHELL or (not self.language and not _BEGINS_SHELL.match(first)):
            return []
        return list(_read_commands(self.text, prompted=self.language == "console" or "\n$ " in f"\n{self.text}"))


def find_pages() -> list[Path]:
    """README.md, ARCHITECTURE.md and all of docs/ but the decisions, which tell of the past."""
    pages = sorted((REPOSITORY / "docs").rglob("*.md"))
    decisions = REPOSITORY / "docs" / "decisions"
    return [REPOSITORY / "README.md", REPOSITORY / "ARCHITECTURE.md", *(p for p in pages if decisions not in p.parents)]


def find_blocks(pages: list[Path] | None = None) -> list[Block]:
    return [block for page in (find_pages() if pages is None else pages) for block in read_blocks(page)]


def read_blocks(page: Path) -> Iterator[Block]:
    mark, begun, language, lines = "", 0, "", list[str]()
    for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), start=1):
        found = _FENCE.match(line)
        if found and not mark:
            mark, begun, language, lines = found[2], number, found[3], []
        elif found and line.strip() == mark:
            yield Block(page, begun, language, "\n".join(lines))
            mark = ""
        elif mark:
            lines.append(line)


def find_inline(page: Path) -> Iterator[tuple[int, str, bool]]:
    """`holistic …` in the page's lines, with the line's number and whether it is in a row of a table."""
    fences = {
        line for block in read_blocks(page) for line in range(block.line, block.line + block.text.count("\n") + 3)
    }
    for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), start=1):
        if number not in fences:
            for found in INLINE.finditer(line):
                yield number, found[1].replace("\\|", "|"), line.startswith("|")


def _read_commands(text: str, *, prompted: bool) -> Iterator[str]:
    lines = iter(text.splitlines())
    for line in lines:
        if not line.strip() or line.startswith("#") or (prompted and not line.startswith("$ ")):
            continue
        whole = line.removeprefix("$ ")
        while whole.endswith("\\") or _is_open(whole):
            whole += "\n" + next(lines)
        yield whole.strip()


def _is_open(text: str) -> bool:
    """Whether a quote or a here-document is not closed yet."""
    document = re.search(r"<<-?\s*['\"]?(\w+)['\"]?", text)
    if document and "\n" + document[1] not in text:
        return True
    quote = ""
    for index, character in enumerate(text):
        if quote:
            quote = "" if character == quote and text[index - 1] != "\\" else quote
        elif character in "'\"":
            quote = character
        elif character == "#" and (index == 0 or text[index - 1].isspace()):
            return False
    return bool(quote)
