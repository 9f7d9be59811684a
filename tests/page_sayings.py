"""What a page has said in one of its elements, from its opening on.

Who looks again and again sees what is there, and misses what is said for half a second only. What is noted in the page
itself, at each change, is missed by nobody.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Page

_NOTE = """(element) => {
  const sayings = (window.sayings ??= {});
  const said = (sayings[element] = []);
  const note = () => {
    const text = document.getElementById(element)?.textContent;
    if (text && text !== said.at(-1)) said.push(text);
  };
  new MutationObserver(note).observe(document, { childList: true, characterData: true, subtree: true });
}"""


class Sayings:
    """To be made before the page is opened; `element` is the id of one."""

    def __init__(self, page: Page, element: str) -> None:
        self._page = page
        self._element = element
        page.add_init_script(f"({_NOTE})({json.dumps(element)})")

    def all(self) -> list[str]:
        """Each text once for each time it was said, the first one first; an empty element says nothing."""
        return list(self._page.evaluate("(element) => window.sayings[element]", self._element))

    def since(self, count: int) -> list[str]:
        """What was said after the first `count` texts."""
        return self.all()[count:]
