"""The avatars' page over the real viewer: whom it shows, with which model, and what it says when something is wrong."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Page, expect

from consumers.avatar.viewer.page_files import PAGE_DIRECTORY
from tests.consumers.avatar.page.acting import RIGHT_ARM_RAISED, T_POSE, dance, hold
from tests.consumers.avatar.page.older_model import write_as_vrm0
from tests.consumers.avatar.page.test_poses import assert_drawn_as_expected
from tests.consumers.avatar.page.theatre import Theatre, make_model, open_theatre
from tests.consumers.avatar.page.visitor import Visitor

if TYPE_CHECKING:
    from playwright.sync_api import WebSocketRoute

KEY = "a-key-of-this-test-alone"


def test_performers_are_shown_together_and_one_by_one(theatre: Theatre, visit: Callable[..., Visitor]) -> None:
    theatre.play({"ada": hold(T_POSE), "ben": hold(RIGHT_ARM_RAISED)})
    visitor = visit(width=900, height=420)
    visitor.expect_status("Live")
    visitor.wait_for_avatars({"ada": "avatar", "ben": "avatar"})
    assert visitor.page.locator("#labels li").all_inner_texts() == ["ada", "ben"]
    together = visitor.wait_until_still("ada")["Hips"], visitor.joints("ben")["Hips"]
    assert together[0][0] < together[1][0]
    visitor.page.locator("#performer").select_option(label="ben")
    visitor.wait_for_avatars({"ben": "avatar"})
    alone = visitor.wait_until_still("ben")
    assert alone["RightHand"][1] < alone["Head"][1]
    visitor.wait_until(lambda: " ms" in visitor.page.inner_text("#p95"))
    theatre.play({"ada": hold(T_POSE)})
    expect(visitor.page.locator("#empty")).to_contain_text("ben is not on stage")


@pytest.mark.parametrize("version", ["0", "1"])
def test_a_dropped_model_takes_the_same_pose_and_leaves_the_page_for_nowhere(
    theatre: Theatre, visit: Callable[..., Visitor], version: str
) -> None:
    theatre.play({"ada": hold(RIGHT_ARM_RAISED)})
    model = make_model()
    visitor = visit("?performer=ada")
    visitor.wait_for_avatars({"ada": "avatar"})
    visitor.drop("mine.vrm", model if version == "1" else write_as_vrm0(model))
    expect(visitor.page.locator("#model")).to_have_text("mine.vrm")
    visitor.wait_for_avatars({"ada": "avatar"})
    assert_drawn_as_expected(visitor.wait_until_still(), RIGHT_ARM_RAISED)
    visitor.drop("letter.txt", b"Dear Ada")
    visitor.expect_problem("letter.txt is not used: this is no VRM file.")
    visitor.drop("mine.vrm", model)
    expect(visitor.page.get_by_role("alert")).to_be_hidden()
    visitor.page.get_by_role("button", name="Built-in").click()
    expect(visitor.page.locator("#model")).to_have_text("The built-in avatar")


def test_thirty_performers_are_drawn_as_figures(theatre: Theatre, visit: Callable[..., Visitor]) -> None:
    names = [f"p{number:02}" for number in range(30)]
    theatre.play({name: dance(seed) for seed, name in enumerate(names)})
    visitor = visit("?ui=0&labels=0&background=transparent", width=480)
    visitor.wait_for_avatars(dict.fromkeys(names, "figure"))
    visitor.wait_until(lambda: len(visitor.joints(names[-1])) == 55)
    hips = {visitor.joints(name)["Hips"] for name in names}
    assert len({(round(x / 10), round(y / 10)) for x, y in hips}) == 30
    assert all(0 < x < 480 and 0 < y < 240 for x, y in hips)
    opacity = visitor.picture()[..., 3]
    for x, y in hips:
        assert opacity[round(y) - 4 : round(y) + 5, round(x) - 4 : round(x) + 5].max() == 255


def test_names_of_a_crowd_leave_each_other_room_on_a_phone(theatre: Theatre, visit: Callable[..., Visitor]) -> None:
    names = [f"performer {number:02}" for number in range(40)]
    theatre.play({name: dance(seed) for seed, name in enumerate(names)})
    visitor = visit("?ui=0", width=390, height=500)
    visitor.wait_for_avatars(dict.fromkeys(names, "figure"))

    def overlaps() -> list[str]:
        boxes = visitor.page.eval_on_selector_all(
            "#labels li", "all => all.map(one => [one.textContent, one.getBoundingClientRect().toJSON()])"
        )
        places = sorted((box["y"], box["left"], box["right"], name) for name, box in boxes)
        beside = [pair for pair in pairwise(places) if abs(pair[0][0] - pair[1][0]) < 2.0]
        assert len(boxes) == 40
        return [one[3] for one, other in beside if one[2] > other[1] + 1.0]

    visitor.wait_until(lambda: overlaps() == [])


def test_without_webgl_skeletons_are_drawn_and_it_is_said(theatre: Theatre, visit: Callable[..., Visitor]) -> None:
    theatre.play({"ada": hold(RIGHT_ARM_RAISED)})
    forget = """const get = HTMLCanvasElement.prototype.getContext;
      HTMLCanvasElement.prototype.getContext = function (kind, ...more) {
        return kind.startsWith("webgl") ? null : get.call(this, kind, ...more);
      };"""
    visitor = visit(prepare=lambda page: page.add_init_script(forget), width=390, height=844)
    visitor.wait_for_avatars({"ada": "flat"})
    expect(visitor.page.get_by_text("This browser has no WebGL 2")).to_be_visible()
    assert_drawn_as_expected(visitor.wait_until_still(), RIGHT_ARM_RAISED)
    assert not visitor.is_wider_than_its_window()


def test_a_lost_connection_is_said_and_made_again(theatre: Theatre, visit: Callable[..., Visitor]) -> None:
    theatre.play({"ada": hold(T_POSE)})
    made: list[WebSocketRoute] = []

    def pass_on(socket: WebSocketRoute) -> None:
        socket.connect_to_server()
        made.append(socket)

    def prepare(page: Page) -> None:
        page.route_web_socket("**/avatar/stream", pass_on)

    visitor = visit("?flat=1", prepare=prepare)
    visitor.expect_status("Live")
    visitor.wait_for_avatars({"ada": "flat"})
    before = len(visitor.statuses.all())
    made[0].close(code=1012)
    visitor.wait_until(
        lambda: visitor.statuses.since(before) == ["Connection lost, trying again…", "Connecting…", "Live"]
    )
    assert len(made) == 2
    assert visitor.kinds() == {"ada": "flat"}


def test_a_service_with_a_key_is_opened_with_it(visit: Callable[..., Visitor]) -> None:
    refused = ("WebSocket connection to", "401 (Unauthorized)")
    with open_theatre({}, token=KEY) as theatre:
        theatre.play({"ada": hold(T_POSE)})
        visitor = visit("?flat=1", allows=refused, address=theatre.address)
        visitor.expect_status("Locked")
        visitor.page.locator("#key").fill("another")
        visitor.page.get_by_role("button", name="Open").click()
        expect(visitor.page.get_by_text("That key is not the right one.")).to_be_visible()
        visitor.page.locator("#key").fill(KEY)
        visitor.page.get_by_role("button", name="Open").click()
        visitor.expect_status("Live")
        visitor.wait_for_avatars({"ada": "flat"})
        expect(visitor.page.locator("#gate")).to_be_hidden()
        visitor.leave()


def test_a_role_is_changed_for_everybody(theatre: Theatre, visit: Callable[..., Visitor]) -> None:
    theatre.play({"ada": hold(RIGHT_ARM_RAISED)})
    visitor = visit("?performer=ada", sends=True)
    visitor.wait_for_avatars({"ada": "avatar"})
    visitor.page.locator("#role-avatar").select_option("another.vrm")
    visitor.page.get_by_label("Sent to").fill("vmc://127.0.0.1:39539")
    visitor.page.get_by_label("Mirrored").check()
    visitor.page.get_by_role("button", name="Save").click()
    expect(visitor.page.locator("#role-said")).to_have_text("Saved.")
    assert theatre.roles.own_role("ada").targets == ("vmc://127.0.0.1:39539",)
    assert theatre.roles.own_role("ada").mirror is True
    assert theatre.roles.own_role("ada").ground_contact is None, "what was not ticked is left to everybody's role"
    visitor.wait_for_avatars({"ada": "avatar"})
    visitor.wait_until(lambda: visitor.joints()["LeftHand"][1] < visitor.joints()["Head"][1])
    expect(visitor.page.locator("#model")).to_have_text("another.vrm")
    assert any(request.url.endswith("/avatar/models/another.vrm") for request in visitor.requests)
    theatre.roles.take_away("ada")


def test_the_page_holds_nothing_that_is_asked_of_other_places() -> None:
    for name in ("index.html", "theme.css", "layout.css"):
        assert "//" not in (PAGE_DIRECTORY / name).read_text().replace("vmc://", "")
    html = (PAGE_DIRECTORY / "index.html").read_text()
    assert 'style="' not in html
    assert "<script>" not in html
