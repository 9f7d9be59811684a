"""The slider of time: what is replayed is what was live."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from playwright.sync_api import expect

from tests.consumers.avatar.page.acting import dance, make_dance
from tests.consumers.avatar.page.theatre import RECORDED_FROM_MS, RECORDED_TO_MS, Theatre
from tests.consumers.avatar.page.visitor import Visitor

MOMENT_MS = RECORDED_FROM_MS + 21_400.0
REPLAY = f"?performer=ada&replay=1&from={RECORDED_FROM_MS:.0f}&to={RECORDED_TO_MS:.0f}"


def test_a_moment_replayed_looks_as_it_did_live(theatre: Theatre, visit: Callable[..., Visitor]) -> None:
    held = make_dance(MOMENT_MS / 1000)
    theatre.play({"ada": lambda at_s: held})
    live = visit("?performer=ada&ui=0&labels=0")
    live.wait_for_avatars({"ada": "avatar"})
    joints, picture = live.wait_until_still(), live.picture()
    live.leave()
    theatre.play({"ada": dance(5)})

    replayed = visit(f"{REPLAY}&ui=0&labels=0")
    pause_at_the_moment(replayed)
    again = replayed.wait_until_still()
    assert max(np.abs(np.subtract(again[bone], joints[bone])).max() for bone in joints) < 0.3
    away = np.abs(replayed.picture().astype(int) - picture)[..., :3]
    assert away.mean() < 0.5
    assert np.percentile(away, 99.9) < 40


def test_a_paused_replay_does_not_tremble(theatre: Theatre, visit: Callable[..., Visitor]) -> None:
    visitor = visit(f"{REPLAY}&ui=0&labels=0")
    pause_at_the_moment(visitor)
    visitor.wait_until_still()
    # Longer than a state is held for, in which some frames lie between two states that say the same.
    assert visitor.distinct_moments(within_ms=2_000) == 1


def test_who_pauses_before_the_moment_is_there_finds_it_paused(theatre: Theatre, visit: Callable[..., Visitor]) -> None:
    with theatre.holding_moments_back() as let_go:
        visitor = visit(f"{REPLAY}&labels=0", width=900, height=420)
        visitor.expect_status("Replay")
        assert replay_of(visitor)[0] == "seeking"
        visitor.page.keyboard.press("Space")
        expect(visitor.page.get_by_role("button", name="Play", exact=True)).to_be_visible()
        let_go()
        visitor.wait_until(lambda: replay_of(visitor)[0] == "paused")
        seek(visitor, MOMENT_MS)
        visitor.wait_until(lambda: replay_of(visitor) == ("paused", MOMENT_MS))
        visitor.page.keyboard.press("Space")
        visitor.wait_until(lambda: replay_of(visitor)[0] == "playing")


def test_who_is_replayed_between_two_pictures_moves(theatre: Theatre, visit: Callable[..., Visitor]) -> None:
    held = make_dance(0.0)
    theatre.play({"ada": lambda at_s: held})
    on_call = "window.requestAnimationFrame = (draw) => { window.drawNext = draw; return 0; }"
    visitor = visit("?performer=ada&ui=0&labels=0", prepare=lambda page: page.add_init_script(on_call))

    def draw() -> dict[str, tuple[float, float]]:
        visitor.page.evaluate("() => drawNext(performance.now())")
        return visitor.joints()

    visitor.wait_until(lambda: bool(draw()) and visitor.kinds() == {"ada": "avatar"})
    # Meanwhile nothing is drawn: those who were live go, and a little later who is replayed comes, under the same name.
    with theatre.seeking_slowly(0.2):
        visitor.page.evaluate(
            "() => { document.querySelector('#span').value = '0'; document.querySelector('#replay').click(); }"
        )
        visitor.expect_status("Replay")
        visitor.wait_until(lambda: replay_of(visitor)[0] == "playing")
    visitor.page.wait_for_timeout(500)
    before = draw()
    visitor.page.wait_for_timeout(500)
    assert draw() != before


def pause_at_the_moment(visitor: Visitor) -> None:
    """Somebody whose replay is there."""
    visitor.expect_status("Replay")
    visitor.page.keyboard.press("Space")
    # From when to when it goes may be known a little later than that it is one.
    visitor.wait_until(lambda: slider_reaches(visitor, MOMENT_MS))
    seek(visitor, MOMENT_MS)
    visitor.wait_for_avatars({"ada": "avatar"})
    visitor.wait_until(lambda: replay_of(visitor) == ("paused", MOMENT_MS))


def replay_of(visitor: Visitor) -> tuple[str, float]:
    """What the service said last: whether it plays, and when it is."""
    position = visitor.page.evaluate("avatarViewer.replay")
    return position["state"], position["at_ms"]


def seek(visitor: Visitor, at_ms: float) -> None:
    """Drag the slider there."""
    visitor.page.locator("#time").evaluate(
        """(slider, at) => {
          slider.value = at;
          slider.dispatchEvent(new Event("input", { bubbles: true }));
          slider.dispatchEvent(new Event("change", { bubbles: true }));
        }""",
        at_ms,
    )


def slider_reaches(visitor: Visitor, at_ms: float) -> bool:
    """Whether it can be dragged there."""
    ends = visitor.page.locator("#time").evaluate("(slider) => [Number(slider.min), Number(slider.max)]")
    return bool(ends[0] <= at_ms <= ends[1])


def slider_at_ms(visitor: Visitor) -> float:
    return float(visitor.page.locator("#time").input_value())


def test_slider_keys_and_speed_move_through_time(theatre: Theatre, visit: Callable[..., Visitor]) -> None:
    theatre.play({"ada": dance()})
    visitor = visit("?performer=ada", width=900, height=420)
    visitor.expect_status("Live")
    visitor.page.locator("#span").select_option("0")
    visitor.page.get_by_role("button", name="Replay").click()
    visitor.expect_status("Replay")
    visitor.wait_until(lambda: RECORDED_FROM_MS < slider_at_ms(visitor) < RECORDED_TO_MS)
    visitor.page.locator("#drawing").focus()
    visitor.page.keyboard.press("Space")
    expect(visitor.page.get_by_role("button", name="Play", exact=True)).to_be_visible()
    seek(visitor, MOMENT_MS)
    visitor.wait_until(lambda: replay_of(visitor) == ("paused", MOMENT_MS))
    visitor.page.keyboard.press("ArrowRight")
    visitor.wait_until(lambda: slider_at_ms(visitor) == MOMENT_MS + 5_000)
    visitor.page.keyboard.press("ArrowLeft")
    visitor.wait_until(lambda: slider_at_ms(visitor) == MOMENT_MS)
    visitor.page.locator("#speed").select_option("4")
    visitor.page.locator("#drawing").focus()
    visitor.page.keyboard.press("Space")
    visitor.wait_until(lambda: slider_at_ms(visitor) > MOMENT_MS + 3_000, within_ms=2_500)
    visitor.page.get_by_role("button", name="Live").click()
    visitor.expect_status("Live")
