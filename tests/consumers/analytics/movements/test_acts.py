"""Each act of a performer is recognised once, as what it is, when it is, and as nothing else."""

from collections import Counter, defaultdict
from math import isfinite

import pytest

from consumers.analytics.finding import Evidence, Phase
from performers.acts import Act, ActKind
from performers.camera import Camera
from performers.motions import blink_starts_s
from performers.noise import Noise
from performers.performer import Stage
from performers.signals import circle_starts_s, clap_times_s, jump_s, nod_starts_s, shake_starts_s, sit_s, swipe_s
from tests.consumers.analytics.movements.made_movements import (
    Told,
    count,
    expect,
    findings,
    hide_face,
    hold_aslant,
    keep_hands,
    lose_frames,
    lose_person,
    make_act,
    mirror,
    perform,
    recognise,
)

SEEDS = range(5)
SECOND_US = 1_000_000
MEANT = [kind for kind in ActKind if expect(kind) and kind is not ActKind.LEAVE]
"""Who leaves the picture walks, but not far enough for a loss to leave no doubt of it."""
OF_HANDS = [
    kind for kind in MEANT if "SWIPE" in kind.name or "CIRCLE" in kind.name or kind in (ActKind.WAVE, ActKind.CLAP)
]


def test_every_act_is_told_as_what_it_is_and_nothing_else_from_the_front_and_from_either_side() -> None:
    table: dict[ActKind, Counter[Told]] = defaultdict(Counter)
    wrong: list[str] = []
    for kind in ActKind:
        for seed in SEEDS:
            for yaw_deg in (0.0, 20.0 if seed % 2 else -20.0):
                told = count(recognise(perform(kind, seed, yaw_deg=yaw_deg)))
                table[kind].update(told)
                # Who leaves is seen for just about as many steps as make a walk.
                if told != expect(kind, seed) and not (kind is ActKind.LEAVE and not told):
                    wrong.append(f"{kind} of seed {seed} turned by {yaw_deg}: {dict(told)}")
    rows = [f"{kind:26} {dict(told)}" for kind, told in table.items()]
    assert not wrong, "\n".join(["told in ten performances of each act:", *rows, "", *wrong])


@pytest.mark.parametrize("fps", [10.0, 15.0, 60.0])
def test_acts_are_told_at_any_usual_frame_rate(fps: float) -> None:
    for seed, kind in enumerate(MEANT):
        assert count(recognise(perform(kind, seed, fps=fps))) == expect(kind, seed), kind


@pytest.mark.parametrize("degrees", [-20.0, 20.0])
def test_acts_are_told_from_a_camera_held_aslant(degrees: float) -> None:
    for seed, kind in enumerate(MEANT):
        assert count(recognise(hold_aslant(perform(kind, seed), degrees))) == expect(kind, seed), kind


def test_acts_are_told_from_afar_and_through_noise() -> None:
    for stage in (Stage(camera=Camera(distance_m=4.5)), Stage(noise=Noise(1.6))):
        for seed, kind in enumerate(MEANT):
            assert count(recognise(perform(kind, seed, stage=stage))) == expect(kind, seed), kind


def test_acts_are_told_through_lost_frames_and_short_losses_of_the_person() -> None:
    for seed, kind in enumerate(MEANT):
        whole = perform(kind, seed)
        assert count(recognise(lose_frames(whole, seed))) == expect(kind, seed), kind
        changes = recognise(lose_person(whole, seed))
        told = count(changes)
        if kind is ActKind.CLAP:
            # Palms that meet while nobody is seen do not clap.
            assert 5 <= told["clap", "both"] <= 7
            assert set(told) == {("clap", "both")}
        else:
            assert told == expect(kind, seed), kind
        for finding in findings(changes):
            assert 0.3 < finding.observed <= 1.0
            # What lasts meets a loss.
            assert finding.observed < 1.0 or finding.last_us - finding.started_us < 2 * SECOND_US


def test_left_and_right_are_the_persons_own_and_clockwise_the_viewers_in_a_mirrors_image_too() -> None:
    for seed, kind in enumerate(MEANT):
        assert count(recognise(mirror(perform(kind, seed)))) == expect(kind, seed), kind


@pytest.mark.parametrize("kind", OF_HANDS)
def test_hands_alone_wave_swipe_circle_and_clap(kind: ActKind) -> None:
    for seed in (0, 1):
        assert count(recognise(keep_hands(perform(kind, seed)))) == expect(kind, seed)


def test_of_hands_alone_nothing_else_is_told() -> None:
    for kind in set(ActKind) - set(OF_HANDS):
        assert not recognise(keep_hands(perform(kind))), kind


@pytest.mark.parametrize("kind", [ActKind.NOD, ActKind.SHAKE])
def test_a_head_nods_and_shakes_without_a_face_as_well(kind: ActKind) -> None:
    for seed in SEEDS:
        assert count(recognise(hide_face(perform(kind, seed)))) == expect(kind, seed)


def test_what_is_seen_of_a_person_in_part_says_nothing_of_the_rest() -> None:
    desk = Stage(camera=Camera.at_desk())
    for kind in (ActKind.WALK, ActKind.SIT, ActKind.JUMP, ActKind.SQUAT):
        assert not count(recognise(perform(kind, stage=desk))), kind
    for kind in (ActKind.WAVE, ActKind.SPEAK, ActKind.NOD, ActKind.SWIPE_LEFT, ActKind.CROSS_ARMS):
        assert count(recognise(perform(kind, stage=desk))) == expect(kind), kind


# How far from the truth a start and an end may be told, in seconds. A wave is told from where the hand is raised, a nod
# from its first dip or the next turn, a circle from where the hand sets out for it, a walk from its first plain step.
LIMITS: dict[ActKind, tuple[str, float, float]] = {
    ActKind.WAVE: ("wave", 0.65, 0.1),
    ActKind.T_POSE: ("t_pose", 0.25, 0.25),
    ActKind.RAISE_HAND: ("raised_hand", 0.25, 0.3),
    ActKind.CROSS_ARMS: ("crossed_arms", 0.25, 0.3),
    ActKind.SWIPE_LEFT: ("swipe_left", 0.1, 0.2),
    ActKind.SWIPE_RIGHT: ("swipe_right", 0.1, 0.2),
    ActKind.SWIPE_UP: ("swipe_up", 0.1, 0.2),
    ActKind.SWIPE_DOWN: ("swipe_down", 0.1, 0.2),
    ActKind.CIRCLE_CLOCKWISE: ("circle_clockwise", 0.9, 0.65),
    ActKind.CIRCLE_COUNTER_CLOCKWISE: ("circle_counter_clockwise", 0.9, 0.65),
    ActKind.NOD: ("nod", 0.45, 0.45),
    ActKind.SHAKE: ("shake", 0.45, 0.5),
    ActKind.JUMP: ("jump", 0.05, 0.05),
    ActKind.SIT: ("sitting", 0.35, 0.55),
    ActKind.WALK: ("walk", 1.9, 0.5),
    ActKind.SPEAK: ("speaking", 0.5, 0.65),
}


def find_true_times(act: Act) -> tuple[float, float]:
    """From when to when the body shows what the act is named for."""
    kind = act.kind
    if "SWIPE" in kind.name:
        return swipe_s(act)
    if "CIRCLE" in kind.name:
        return circle_starts_s(act)[0], circle_starts_s(act)[-1] + 0.9
    if kind is ActKind.NOD:
        return nod_starts_s(act)[0], nod_starts_s(act)[-1] + 1.0 / 1.5
    if kind is ActKind.SHAKE:
        return shake_starts_s(act)[0], shake_starts_s(act)[-1] + 1.0 / 1.4
    if kind is ActKind.JUMP:
        return jump_s(act)
    return sit_s(act) if kind is ActKind.SIT else act.held_s


@pytest.mark.parametrize("kind", LIMITS)
def test_starts_and_ends_are_told_near_the_truth_and_stand_on_their_frames(kind: ActKind) -> None:
    told, start_s, end_s = LIMITS[kind]
    for seed in SEEDS:
        batch = perform(kind, seed, yaw_deg=(-20.0, 0.0, 20.0)[seed % 3])
        first_s, last_s = find_true_times(make_act(kind, seed))
        [finding] = findings(recognise(batch), told)
        assert finding.started_us / 1e6 == pytest.approx(first_s, abs=start_s)
        assert finding.last_us / 1e6 == pytest.approx(last_s, abs=end_s)
        for offset, at_us in ((finding.first_offset, finding.started_us), (finding.last_offset, finding.last_us)):
            assert batch.captured_at_us[offset] == at_us
        assert 0.5 <= finding.confidence <= 1.0
        assert finding.observed == 1.0


def test_a_start_says_when_it_began_and_its_end_goes_by_the_same_start() -> None:
    changes = [change for change in recognise(perform(ActKind.WAVE)) if change.finding.kind == "wave"]
    [(started, start), (ended, end)] = changes
    assert (started, ended) == (Phase.START, Phase.END)
    assert (start.started_us, start.first_offset) == (end.started_us, end.first_offset)
    assert start.last_us < end.last_us


def test_each_clap_and_each_blink_is_told_when_it_is() -> None:
    for seed in SEEDS:
        act = make_act(ActKind.CLAP, seed)
        claps = findings(recognise(perform(ActKind.CLAP, seed)), "clap")
        assert [clap.last_us / 1e6 for clap in claps] == pytest.approx(clap_times_s(act), abs=0.07)
        assert [clap.evidence["repetition"] for clap in claps] == list(range(1, 8))
        blinks_s = [blink.started_us / 1e6 for blink in findings(recognise(perform(ActKind.BLINK, seed)), "blink")]
        for start_s in blink_starts_s(make_act(ActKind.BLINK, seed)):
            assert any(start_s < blink_s < start_s + 0.15 for blink_s in blinks_s), (seed, start_s)


def test_evidence_says_how_it_was_done() -> None:
    def evidence(kind: ActKind, told: str) -> Evidence:
        [finding] = findings(recognise(perform(kind)), told)
        return finding.evidence

    assert evidence(ActKind.WAVE, "wave")["rate_hz"] == pytest.approx(1.7, abs=0.15)
    assert evidence(ActKind.CIRCLE_CLOCKWISE, "circle_clockwise")["turns"] == pytest.approx(4.6, abs=0.5)
    assert evidence(ActKind.CIRCLE_CLOCKWISE, "circle_clockwise")["turns_per_s"] == pytest.approx(1.1, abs=0.15)
    # 14 cm of an arm that is stretched towards the camera, of a body whose trunk is half a metre.
    assert evidence(ActKind.CIRCLE_CLOCKWISE, "circle_clockwise")["radius_body_scales"] == pytest.approx(0.34, abs=0.05)
    assert evidence(ActKind.JUMP, "jump")["height_body_scales"] == pytest.approx(0.44, abs=0.05)
    assert evidence(ActKind.NOD, "nod")["strokes"] == pytest.approx(13, abs=1)
    assert evidence(ActKind.SHAKE, "shake")["stroke_deg"] == pytest.approx(40.0, abs=4.0)
    walk = evidence(ActKind.WALK, "walk")
    assert walk["steps"] == pytest.approx(8, abs=1)
    swipe = evidence(ActKind.SWIPE_UP, "swipe_up")
    assert swipe["duration_s"] == pytest.approx(0.3, abs=0.1)
    for kind in MEANT:
        for finding in findings(recognise(perform(kind))):
            for value in finding.evidence.values():
                assert value is not None
                assert isfinite(float(value))
