"""The whole suite under a small load, with real servers: every frame is accounted for, and nothing is left running."""

from pathlib import Path

import pytest

from local_stack.stack import find_stack
from proving.headline import HeadlinePlan, run_headline
from proving.picture import draw_headline
from proving.report import DATAGRAM, EVENT, FILE, ROW, SAVED
from proving.suite import SuiteShape

FRAMES = 8 * 50


@pytest.mark.servers
@pytest.mark.long
@pytest.mark.alone
def test_every_frame_of_a_small_headline_has_each_effect_once(tmp_path: Path) -> None:
    plan = HeadlinePlan(rate=50, seconds=8, streams=5, warm_up_s=5, profile_s=0, climb_s=0)
    found = run_headline(plan, SuiteShape(performers=5), tmp_path / "home", lambda _said: None)
    assert found.audit.clean
    counts = {name: effect.count for name, effect in found.hold.effects.items()}
    assert {name: counts[name] for name in (ROW, FILE, SAVED)} == {ROW: FRAMES, FILE: FRAMES, SAVED: FRAMES}
    assert 0 < counts[DATAGRAM] <= FRAMES
    assert counts[EVENT] > 0
    for effect in found.hold.effects.values():
        assert effect.mean_ms is not None
        assert effect.mean_ms > 0
    assert {"kafka", "postgres", "archive", "analytics", "avatar", "load", "machine"} <= set(found.hold.cores)
    draw_headline(found, tmp_path / "headline.png")
    assert (tmp_path / "headline.png").stat().st_size > 20_000
    assert find_stack(tmp_path / "home" / "stack") is None
