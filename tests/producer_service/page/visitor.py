"""Somebody who looks at the page: what they do, what they read, and what the browser complains of."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from playwright.sync_api import Page, expect

from tests.page_sayings import Sayings

LEFT, RIGHT = "left", "right"

_FIND_COLOURS = """() => {
  const canvas = document.getElementById("drawing");
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  const colours = { left: [53, 208, 186], right: [255, 157, 77] };
  const seen = {};
  for (const [side, [red, green, blue]] of Object.entries(colours)) {
    let pixels = 0, sum = 0;
    for (let at = 0; at < data.length; at += 4) {
      if (data[at + 3] > 200 && Math.abs(data[at] - red) + Math.abs(data[at + 1] - green)
          + Math.abs(data[at + 2] - blue) < 60) {
        pixels += 1;
        sum += (at / 4) % canvas.width;
      }
    }
    seen[side] = { pixels, x: sum / pixels / canvas.width };
  }
  return seen;
}"""
_DROP_FILE = """([name, type, bytes]) => {
  const files = new DataTransfer();
  files.items.add(new File([Uint8Array.from(atob(bytes), (character) => character.charCodeAt(0))], name, { type }));
  for (const kind of ["dragover", "drop"]) {
    document.getElementById("stage").dispatchEvent(
      new DragEvent(kind, { dataTransfer: files, bubbles: true, cancelable: true }));
  }
}"""
_COUNT_ASKING = """() => {
  window.timesAsked = 0;
  const devices = navigator.mediaDevices;
  if (!devices) return;
  const ask = devices.getUserMedia.bind(devices);
  devices.getUserMedia = (wanted) => { window.timesAsked += 1; return ask(wanted); };
}"""


@dataclass(frozen=True, slots=True)
class Drawn:
    """Pixels in a side's colour, and where their middle is, as a fraction of the stage's width; NaN without any."""

    pixels: int
    x: float


class Visitor:
    """`complaints` are errors of the browser's console and of the page's code; `sent` counts pictures sent."""

    def __init__(self, page: Page, address: str) -> None:
        self.page = page
        self.complaints: list[str] = []
        self.sent = 0
        page.on("console", lambda said: self.complaints.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("websocket", lambda opened: opened.on("framesent", self._count))
        page.add_init_script(f"({_COUNT_ASKING})()")
        self.problems = Sayings(page, "problem-text")
        self.statuses = Sayings(page, "status-text")
        page.goto(address)
        self.expect_status("Ready")

    def agree(self, then: str = "#agree-camera") -> None:
        self.page.check("#agree")
        self.page.click(then)

    def text(self, element: str) -> str:
        return self.page.locator(f"#{element}").text_content() or ""

    def texts(self, *elements: str) -> list[str]:
        """Of one moment: a page that counts on goes on while they are asked for one by one."""
        return list(self.page.evaluate("(ids) => ids.map((id) => document.getElementById(id).textContent)", elements))

    def number(self, element: str) -> int:
        return int(self.text(element).replace(",", ""))

    def expect_status(self, text: str) -> None:
        expect(self.page.locator("#status-text")).to_have_text(text, timeout=15_000)

    def expect_problem(self, text: str) -> None:
        expect(self.page.get_by_role("alert")).to_contain_text(text, timeout=15_000)

    def await_problem(self, text: str) -> None:
        """Until this was said, however briefly, since the page was opened."""
        self.wait_until(lambda: any(text in said for said in self.problems.all()))

    def await_acknowledged(self, more: int) -> None:
        before = self.number("acknowledged")
        self.wait_until(lambda: self.number("acknowledged") >= before + more)

    def wait_until(self, is_so: Callable[[], bool], within_ms: int = 20_000) -> None:
        for _ in range(within_ms // 50):
            if is_so():
                return
            self.page.wait_for_timeout(50)
        raise AssertionError(f"did not come true within {within_ms} ms; {self.text('problem-text')}")

    def see(self) -> dict[str, Drawn]:
        """The landmarks on the stage, by side."""
        seen: dict[str, dict[str, Any]] = self.page.evaluate(_FIND_COLOURS)
        return {side: Drawn(found["pixels"], found["x"]) for side, found in seen.items()}

    def await_drawing(self) -> None:
        self.wait_until(lambda: min(side.pixels for side in self.see().values()) > 100)

    def opacity_beside_the_person(self) -> int:
        """Of the canvas, on its left, where no points are drawn: 0 to 255."""
        return int(
            self.page.evaluate(
                "() => { const canvas = document.getElementById('drawing');"
                " return canvas.getContext('2d').getImageData(canvas.width / 8, canvas.height / 2, 1, 1).data[3]; }"
            )
        )

    def drop(self, name: str, kind: str, content: bytes) -> None:
        """Drop a file on the stage."""
        self.page.evaluate(_DROP_FILE, [name, kind, base64.b64encode(content).decode()])

    def choose(self, name: str, kind: str, content: bytes) -> None:
        """Choose a file in the browser's dialogue."""
        self.page.set_input_files("#file", {"name": name, "mimeType": kind, "buffer": content})

    def times_asked(self) -> int:
        """How often the browser was asked for a camera."""
        return int(self.page.evaluate("() => window.timesAsked"))

    def pass_time(self, pictures: int) -> None:
        """Let the browser draw so many times."""
        self.page.evaluate("async (times) => { while (times--) await new Promise(requestAnimationFrame); }", pictures)

    def is_wider_than_its_window(self) -> bool:
        return bool(self.page.evaluate("() => document.documentElement.scrollWidth > window.innerWidth"))

    def call(self, module: str, expression: str, *args: object) -> Any:
        """What `expression` gives, with the exports of one of the page's modules as `module`."""
        source = f"async (args) => {{ const module = await import('/page/{module}'); return {expression}; }}"
        return self.page.evaluate(source, list(args))

    def _count(self, payload: str | bytes) -> None:
        self.sent += isinstance(payload, bytes)
