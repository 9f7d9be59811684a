"""The page's own reckoning, asked in the browser it runs in: messages, geometry, figures and names."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from producer_service.gateway.wire import read_picture_message, write_outcome, write_refusal
from producer_service.live.outcome import Acknowledged, Spent
from producer_service.watchers import Delivered
from tests.producer_service.page.serving import serve_page_alone
from tests.producer_service.page.visitor import Visitor
from tests.producer_service.publishing import make_frame

if TYPE_CHECKING:
    from playwright.sync_api import Browser

# Bytes travel to and from the browser as base64.
_UNPACK = """(() => {
  const { head, parts } = module.unpackAnswer(Uint8Array.from(atob(args[0]), (c) => c.charCodeAt(0)).buffer);
  return [head, [...parts].map(([name, part]) => [name, part.points, part.width, [...part.values]])];
})()"""


@pytest.fixture(scope="module")
def call(open_browser: Callable[..., Browser]) -> Iterator[Callable[..., Any]]:
    """`call(module, expression, *args)`: see Visitor."""
    with serve_page_alone() as address:
        yield Visitor(open_browser().new_page(), address).call


def unpack(call: Callable[..., Any], message: bytes) -> Any:
    return call("wire.js", _UNPACK, base64.b64encode(message).decode())


def test_the_server_reads_a_picture_as_the_page_packed_it(call: Callable[..., Any]) -> None:
    pack = "module.packPicture(args[0], args[1], new Uint8Array([7, 8, 9]).buffer)"
    as_text = f"btoa(String.fromCharCode(...new Uint8Array({pack})))"
    packed = call("wire.js", as_text, 2**32 - 1, 1_790_000_000_123.25)
    sent = read_picture_message(base64.b64decode(packed))
    assert (sent.number, sent.captured_at_us, sent.data) == (2**32 - 1, 1_790_000_000_123_250, b"\7\b\t")


def test_a_picture_that_is_too_large_is_not_packed(call: Callable[..., Any]) -> None:
    pack = "module.packPicture(1, 0, new ArrayBuffer(module.MAX_PICTURE_BYTES + args[0])).byteLength"
    assert call("wire.js", pack, 0) == 1024 * 1024
    with pytest.raises(Exception, match="can be sent"):
        call("wire.js", pack, 1)


def test_the_page_reads_an_answer_as_the_server_wrote_it(call: Callable[..., Any]) -> None:
    frame = make_frame("ada", 41)
    at_us = frame.captured_at_us
    delivered = Delivered("ada", 1, 41, "topic", 3, 1234, at_us, at_us, at_us, at_us, has_person=True)
    head, parts = unpack(call, write_outcome(17, Acknowledged(frame, delivered, Spent(1.0, 2.0, 3.0, 4.0))))
    assert (head["number"], head["status"], head["partition"], head["offset"]) == (17, "acknowledged", 3, 1234)
    assert [part[:3] for part in parts] == [["face", 478, 3]]
    assert frame.face is not None
    np.testing.assert_array_equal(np.asarray(parts[0][3], np.float32).reshape(478, 3), frame.face)


def test_the_page_reads_a_refusal(call: Callable[..., Any]) -> None:
    head, parts = unpack(call, write_refusal(5, "dropped", "overtaken", "a newer one came"))
    assert (head["number"], head["status"], head["reason"], parts) == (5, "dropped", "overtaken", [])


@pytest.mark.parametrize("cut", [0, 3, 20, -4])
def test_an_answer_that_was_cut_is_refused(call: Callable[..., Any], cut: int) -> None:
    head = json.dumps({"number": 1, "status": "acknowledged", "parts": [["left_hand", 21, 3]]}).encode()
    head += b" " * (-len(head) % 4)
    whole = len(head).to_bytes(4, "little") + head + bytes(21 * 3 * 4)
    assert len(unpack(call, whole)[1]) == 1
    with pytest.raises(Exception, match="an answer"):
        unpack(call, whole[:cut])


def test_a_picture_fits_into_the_middle_of_the_stage(call: Callable[..., Any]) -> None:
    wide = call("geometry.js", "module.fitInside({width: 1280, height: 720}, {width: 640, height: 640})")
    assert wide == {"left": 0, "top": 140, "width": 640, "height": 360}
    tall = call("geometry.js", "module.fitInside({width: 300, height: 600}, {width: 640, height: 320})")
    assert tall == {"left": 240, "top": 0, "width": 160, "height": 320}


def test_a_point_is_where_it_is_in_the_picture_and_on_the_other_side_in_a_mirror(call: Callable[..., Any]) -> None:
    places = call(
        "geometry.js", "[false, true].map((flipped) => module.placeX(0.25, {left: 100, width: 400}, flipped))"
    )
    assert places == [200, 400]


def test_a_source_that_is_mirrored_already_is_not_reflected_again(call: Callable[..., Any]) -> None:
    flips = call("geometry.js", "[[1, 0], [1, 1], [0, 0], [0, 1]].map(([view, is]) => module.mustFlip(!!view, !!is))")
    assert flips == [True, False, False, True]


def test_pictures_are_shrunk_and_never_enlarged(call: Callable[..., Any]) -> None:
    sizes = call(
        "geometry.js", "[[1920, 1080], [320, 240]].map(([width, height]) => module.shrinkTo({width, height}, 640))"
    )
    assert sizes == [{"width": 640, "height": 360}, {"width": 320, "height": 240}]


def test_a_picture_no_message_has_room_for_gets_coarser_until_it_fits(call: Callable[..., Any]) -> None:
    make = """(async () => {
      const canvas = Object.assign(document.createElement("canvas"), { width: 640, height: 640 });
      const context = canvas.getContext("2d");
      const noise = context.createImageData(640, 640);
      for (let at = 0; at < noise.data.length; at++) noise.data[at] = at % 4 === 3 ? 255 : (at * 7919) % 251;
      context.putImageData(noise, 0, 0);
      const whole = await module.encodeJpeg(canvas, 0.95);
      const smaller = await module.encodeJpeg(canvas, 0.95, whole.byteLength - 1);
      const never = await module.encodeJpeg(canvas, 0.95, 100).catch((error) => error.message);
      return [whole.byteLength, smaller.byteLength, never];
    })()"""
    whole, smaller, never = call("encoder.js", make)
    assert smaller < whole
    assert "smaller picture size" in never


def test_figures_are_those_of_the_last_seconds(call: Callable[..., Any]) -> None:
    measure = """(() => {
      const tally = new module.Tally();
      const spent = { waiting_ms: 1, decoding_ms: 2, inference_ms: 30, publishing_ms: 7 };
      const head = { status: "acknowledged", spent };
      tally.count(head, 900, 0);
      for (let at = 5000; at <= 6000; at += 100) tally.count(head, 60, at);
      tally.count({ status: "dropped", reason: "overtaken" }, 5, 6000);
      tally.count({ status: "rejected", reason: "no_person" }, 5, 6000);
      const now = tally.measure(6000);
      return [now, tally.acknowledged, [...tally.dropped], [...tally.rejected], tally.measure(9500).framesPerS];
    })()"""
    now, acknowledged, dropped, rejected, later = call("tally.js", measure)
    assert now["framesPerS"] == pytest.approx(10)
    assert now["roundTripMs"] == 60
    assert now["steps"] == {
        "waiting_ms": 1, "decoding_ms": 2, "inference_ms": 30, "publishing_ms": 7, "network_ms": 20,
    }  # fmt: skip
    assert (acknowledged, dropped, rejected, later) == (12, [["overtaken", 1]], [["no_person", 1]], None)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("calm-otter-42", None),
        ("Zoë 🕺", None),
        ("", "needs a name"),
        ("x" * 513, "at most 512"),
        ("a/b", "slash"),
        ("..", "dots"),
    ],
)
def test_a_name_no_stream_can_have_is_told_so_at_once(call: Callable[..., Any], name: str, said: str | None) -> None:
    refusal = call("naming.js", "module.refuseName(args[0])", name)
    assert (refusal is None) if said is None else (said in refusal)


def test_names_the_browser_could_not_send_are_refused(call: Callable[..., Any]) -> None:
    refusals = call("naming.js", r"['a\u0000', 'a\ud800'].map(module.refuseName)")
    assert "U+0000" in refusals[0]
    assert "UTF-8" in refusals[1]


def test_invented_names_can_be_used(call: Callable[..., Any]) -> None:
    names = call("naming.js", "[0, 0.5, 0.999].map((number) => module.inventName(() => number))")
    assert len(set(names)) == 3
    assert call("naming.js", "args[0].map(module.refuseName)", names) == [None, None, None]


def test_every_trouble_with_a_camera_has_a_sentence(call: Callable[..., Any]) -> None:
    names = ["NotAllowedError", "NotFoundError", "NotReadableError", "OverconstrainedError", "SecurityError"]
    sentences = call("cameras.js", "args[0].map((name) => module.explainCamera(new DOMException('', name)))", names)
    assert len(set(sentences)) == len(names)
    assert "busy" in sentences[2]
