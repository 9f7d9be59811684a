"""Somebody who looks at the avatars: what they see, and what the browser complains of."""

from __future__ import annotations

import io
from base64 import b64encode
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import Page, Request, expect

from tests.page_sayings import Sayings

Picture = NDArray[np.uint8]
"""[height, width, 4]: red, green, blue, and how opaque."""
Joints = dict[str, tuple[float, float]]

# Longer than what is shown is behind what the service says: what stands still until then may be the moment before.
_STILL = """async (stream) => {
  const seen = () => JSON.stringify(avatarViewer.jointsOnScreen(stream));
  let [before, since] = [seen(), performance.now()];
  while (before === "{}" || performance.now() - since < 500) {
    await new Promise(requestAnimationFrame);
    const now = seen();
    if (now !== before) [before, since] = [now, performance.now()];
  }
}"""
_DISTINCT = """async ([stream, withinMs]) => {
  const found = new Set();
  for (const end = performance.now() + withinMs; performance.now() < end; ) {
    await new Promise(requestAnimationFrame);
    found.add(JSON.stringify(avatarViewer.jointsOnScreen(stream)));
  }
  return found.size;
}"""
_DROP = """({ name, content }) => {
  const bytes = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0));
  const dropped = new DataTransfer();
  dropped.items.add(new File([bytes], name));
  document.body.dispatchEvent(new DragEvent("drop", { dataTransfer: dropped, bubbles: true, cancelable: true }));
}"""


class Visitor:
    """`complaints` are errors of the browser's console and of the page's code."""

    def __init__(self, page: Page, address: str, query: str) -> None:
        self.page = page
        self.complaints: list[str] = []
        self.requests: list[Request] = []
        self._address = address
        page.on("console", lambda said: self.complaints.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", self._note_request)
        self.statuses = Sayings(page, "status-text")
        page.goto(address + query)

    def _note_request(self, request: Request) -> None:
        self.requests.append(request)

    def leave(self) -> None:
        """A page that nobody looks at draws no more."""
        self.page.close()

    def foreign_requests(self) -> list[str]:
        """What was asked of any other place."""
        own = (self._address.removesuffix("avatar/"), "blob:", "data:")
        return [one.url for one in self.requests if not one.url.startswith(own)]

    def sent(self) -> list[str]:
        """Where anything was sent to."""
        return [one.url for one in self.requests if one.method != "GET"]

    def expect_status(self, text: str) -> None:
        expect(self.page.locator("#status-text")).to_have_text(text, timeout=15_000)

    def expect_problem(self, text: str) -> None:
        expect(self.page.get_by_role("alert")).to_contain_text(text, timeout=15_000)

    def wait_for_avatars(self, kinds: dict[str, str]) -> None:
        """Until these are drawn, and in this way."""
        self.wait_until(lambda: self.kinds() == kinds)

    def kinds(self) -> dict[str, str]:
        return dict(self.page.evaluate("avatarViewer.kinds"))

    def wait_until_still(self, stream: str = "ada") -> Joints:
        """Where the joints are, once they move no more."""
        self.page.evaluate(_STILL, stream)
        return self.joints(stream)

    def distinct_moments(self, within_ms: int, stream: str = "ada") -> int:
        """In how many different ways the joints lie, of all frames drawn in this time."""
        return int(self.page.evaluate(_DISTINCT, [stream, within_ms]))

    def joints(self, stream: str = "ada") -> Joints:
        found = self.page.evaluate("(stream) => avatarViewer.jointsOnScreen(stream)", stream)
        return {bone: (float(x), float(y)) for bone, (x, y) in found.items()}

    def picture(self) -> Picture:
        """The stage as it is drawn, without what lies behind the page."""
        shot = self.page.locator("#stage").screenshot(omit_background=True)
        return np.asarray(Image.open(io.BytesIO(shot)).convert("RGBA"))

    def drop(self, name: str, content: bytes) -> None:
        """Drop a file on the page."""
        self.page.evaluate(_DROP, {"name": name, "content": b64encode(content).decode()})

    def wait_until(self, is_so: Callable[[], bool], within_ms: int = 15_000) -> None:
        for _ in range(within_ms // 50):
            if is_so():
                return
            self.page.wait_for_timeout(50)
        raise AssertionError(f"did not come true within {within_ms} ms; {self.page.inner_text('body')}")

    def smallest_control_px(self) -> float:
        """How high the lowest of the buttons, fields and labelled boxes is."""
        controls = self.page.locator("button:visible, select:visible, label:has(input[type=checkbox]):visible")
        return float(min(controls.evaluate_all("all => all.map((one) => one.offsetHeight)")))

    def is_wider_than_its_window(self) -> bool:
        return bool(self.page.evaluate("() => document.documentElement.scrollWidth > window.innerWidth"))
