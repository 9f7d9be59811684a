"""Links and anchors of Markdown pages."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

# Code first: what stands in it is no link.
_CODE_OR_LINK: Final = re.compile(
    r"(?P<fence>^(?P<mark>```+|~~~+)[^\n]*\n.*?^(?P=mark)[ ]*$)|(?P<code>(?P<ticks>`+)(?!`).+?(?<!`)(?P=ticks)(?!`))"
    r"|(?P<before>\]\()(?P<link>[^()\s]+)(?P<after>(?:\s+\"[^\"]*\")?\))",
    re.M | re.S,
)
_HEADING: Final = re.compile(r"^#{1,6} +(.+?) *#*$", re.M)
_LINK_TEXT: Final = re.compile(r"\[([^\]]*)\]\([^)]*\)")


def find_links(text: str) -> Iterator[str]:
    """Where the links and pictures of a page lead, in order."""
    for found in _CODE_OR_LINK.finditer(text):
        if found["link"]:
            yield found["link"]


def replace_links(text: str, replace: Callable[[str], str]) -> str:
    """The page with other links."""

    def put(found: re.Match[str]) -> str:
        return f"{found['before']}{replace(found['link'])}{found['after']}" if found["link"] else found[0]

    return _CODE_OR_LINK.sub(put, text)


def split_anchor(link: str) -> tuple[str, str]:
    """File and anchor of a link, the anchor with its #; either may be empty."""
    target, mark, anchor = link.partition("#")
    return target, mark + anchor


def read_anchors(page: Path) -> set[str]:
    """The anchors a git host gives a page's headings; of equal ones, the second has -1 at its end."""
    text = _CODE_OR_LINK.sub(lambda found: "" if found["fence"] else found[0], page.read_text(encoding="utf-8"))
    anchors: set[str] = set()
    for heading in _HEADING.findall(text):
        plain = re.sub(r"[^\w\- ]", "", _LINK_TEXT.sub(r"\1", heading).lower()).replace(" ", "-")
        count = 0
        while (anchor := f"{plain}-{count}" if count else plain) in anchors:
            count += 1
        anchors.add(anchor)
    return anchors
