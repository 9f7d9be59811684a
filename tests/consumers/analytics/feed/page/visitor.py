"""Somebody who looks at the live page: what they see, and what the browser complains of."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from playwright.sync_api import Page, expect

_COUNT_LIT = """() => {
  const canvas = document.getElementById("drawing");
  if (!canvas.width || !canvas.height) return 0;
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  let lit = 0;
  for (let at = 3; at < data.length; at += 4) lit += data[at] > 100;
  return lit;
}"""


class Visitor:
    """`complaints` are errors of the browser's console and of the page's code."""

    def __init__(self, page: Page, address: str) -> None:
        self.page = page
        self.complaints: list[str] = []
        page.on("console", lambda said: self.complaints.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.goto(f"{address}/")

    def expect_status(self, text: str) -> None:
        expect(self.page.locator("#status-text")).to_have_text(text, timeout=15_000)

    def expect_problem(self, text: str) -> None:
        expect(self.page.get_by_role("alert")).to_contain_text(text, timeout=15_000)

    def items(self, selector: str = "") -> list[str]:
        """The list's entries, the newest first, each as one line."""
        texts = self.page.locator(f"#events li{selector}").all_inner_texts()
        return [" ".join(text.split()) for text in texts]

    def count(self, selector: str) -> int:
        return self.page.locator(selector).count()

    def lit_pixels(self) -> int:
        """Pixels of the skeleton's canvas that are drawn on."""
        return int(self.page.evaluate(_COUNT_LIT))

    def width_of(self, selector: str) -> float:
        box = self.page.locator(selector).bounding_box()
        assert box is not None
        return float(box["width"])

    def wait_until(self, is_so: Callable[[], bool], within_ms: int = 15_000) -> None:
        for _ in range(within_ms // 50):
            if is_so():
                return
            self.page.wait_for_timeout(50)
        raise AssertionError(f"did not come true within {within_ms} ms; {self.page.inner_text('body')}")

    def is_wider_than_its_window(self) -> bool:
        return bool(self.page.evaluate("() => document.documentElement.scrollWidth > window.innerWidth"))

    def call(self, module: str, expression: str, *args: object) -> Any:
        """What `expression` gives, with the exports of one of the page's modules as `module`."""
        source = f"async (args) => {{ const module = await import('/page/{module}'); return {expression}; }}"
        return self.page.evaluate(source, list(args))
