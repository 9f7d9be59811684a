"""When a rule fires, and when it does not."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import orjson
from pydantic import TypeAdapter

from consumers.analytics.facts import FrameFacts
from consumers.analytics.finding import Category, Change, Finding, Moment, Phase, Severity
from consumers.analytics.reactions.recogniser import Reactions
from consumers.analytics.reactions.rule import Rule
from consumers.analytics.results import MAX_TIME_US
from consumers.analytics.shapes.hand_shape import SHAPES, HandShape
from consumers.analytics.shapes.holding import HandShapes
from tests.consumers.analytics.reactions.made_rules import FRAME_US, change, make_rule
from tests.consumers.analytics.shapes.watching import hand_showing

SECOND_US = 1_000_000
STATE = TypeAdapter(Reactions)
Told = dict[int, list[Change]]
"""What recognisers say, by the number of the frame they say it with."""


def write_and_read(reactions: Reactions) -> Reactions:
    return STATE.validate_json(orjson.dumps(reactions))


def run(told: Told, frames: int, *rules: Rule, stream_id: str = "ada", shown: Iterable[int] = ()) -> list[Finding]:
    """What fires in a stream of so many frames. It is the same when the state is put away after each of them.

    `shown` are the frames that show what is awaited.
    """
    kept, put_away = Reactions(), Reactions()
    fired: list[Change] = []
    fired_too: list[Change] = []
    for number in range(frames):
        moment, changes = Moment(number * FRAME_US, number), told.get(number, [])
        seen = [(each.kind, each.subject) for each in kept.awaited] if number in shown else []
        fired += kept.advance(moment, stream_id, changes, seen, rules)
        put_away = write_and_read(put_away)
        fired_too += put_away.advance(moment, stream_id, changes, seen, rules)
        assert write_and_read(put_away) == put_away == kept
    assert fired == fired_too
    assert all(each.phase is Phase.OCCURRED for each in fired)
    return [each.finding for each in fired]


def at(number: int) -> int:
    return number * FRAME_US


def frame_showing(number: int, shape: HandShape | None) -> FrameFacts:
    return FrameFacts(
        stream_id="ada",
        epoch=1,
        sequence=number,
        captured_at_us=at(number),
        topic="frames",
        partition=0,
        offset=number,
        left=None,
        right=None if shape is None else hand_showing([float(each is shape) for each in SHAPES]),
        body=None,
        face=None,
    )


def hold(rule: Rule, right: Sequence[HandShape | None]) -> list[Finding]:
    """What fires when a right hand shows these shapes, frame by frame."""
    shapes, reactions = HandShapes(), Reactions()
    fired: list[Change] = []
    for number, shape in enumerate(right):
        moment = Moment(at(number), number)
        changes = shapes.advance(moment, frame_showing(number, shape))
        reactions = write_and_read(reactions)
        fired += reactions.advance(moment, "ada", changes, shapes.shown(moment.at_us), [rule])
    return [each.finding for each in fired]


def test_what_begins_or_happens_fires_once(tmp_path: Path) -> None:
    rule = make_rule(tmp_path, "wave or fall", name="look")
    told = {
        5: [change(Phase.OCCURRED, "wave", at(1), at(4), subject="left", evidence={"turns": 4})],
        7: [change(Phase.START, "fall", at(6), at(7), category=Category.ANOMALY, severity=Severity.CRITICAL)],
        9: [change(Phase.END, "fall", at(6), at(8), category=Category.ANOMALY, severity=Severity.CRITICAL)],
        11: [change(Phase.START, "walk", at(10), at(11))],
    }
    wave, fall = run(told, 20, rule)
    assert (wave.category, wave.kind, wave.subject, wave.made_by) == (Category.REACTION, "look", "left", rule.version)
    assert (wave.started_us, wave.last_us, wave.first_offset, wave.last_offset) == (at(1), at(5), 1, 5)
    assert (wave.confidence, wave.observed, wave.severity) == (0.8, 0.9, None)
    assert wave.evidence == {"kind": "wave", "seconds": (at(4) - at(1)) / 1e6}
    assert (fall.started_us, fall.last_us, fall.severity) == (at(6), at(7), Severity.CRITICAL)


def test_a_shape_held_long_enough_fires_with_the_frame_that_makes_it_so_and_never_again(tmp_path: Path) -> None:
    rule = make_rule(tmp_path, "thumbs_up for 1 s")
    [fired] = hold(rule, [None] * 5 + [HandShape.THUMBS_UP] * 90)
    assert (fired.first_offset, fired.started_us) == (5, at(5))
    assert (fired.last_offset, fired.last_us) == (36, at(36))
    assert at(36) - at(5) >= SECOND_US > at(35) - at(5)
    assert fired.evidence == {"kind": "thumbs_up", "seconds": (at(36) - at(5)) / 1e6}


def test_a_shape_that_is_only_bridged_when_its_time_comes_was_not_held_for_so_long(tmp_path: Path) -> None:
    rule = make_rule(tmp_path, "thumbs_up for 1 s")
    shown = [HandShape.THUMBS_UP] * 28
    assert at(27) < 0.9 * SECOND_US + FRAME_US
    assert hold(rule, [*shown, *[None] * 30]) == []
    assert hold(rule, [*shown, *[HandShape.CLOSED] * 30]) == []
    # It was lost for a moment, and then it was there.
    [fired] = hold(rule, [*shown, *[None] * 4, HandShape.THUMBS_UP, *[None] * 30])
    assert fired.last_offset == 32


def test_every_hold_counts_for_itself(tmp_path: Path) -> None:
    rule = make_rule(tmp_path, "thumbs_up for 1 s")
    held, away = [HandShape.THUMBS_UP] * 35, [None] * 30
    assert [each.first_offset for each in hold(rule, [*held, *away, *held, *away])] == [0, 65]


def test_a_movement_fires_once_it_must_have_gone_on_for_so_long_or_when_it_is_known_to_have(tmp_path: Path) -> None:
    rule = make_rule(tmp_path, "walk for 2 s")
    begins = {10: [change(Phase.START, "walk", at(4), at(10))]}
    goes_on = run(begins, 200, rule)
    assert [each.last_us for each in goes_on] == [at(125)]
    assert at(125) - at(4) >= 4 * SECOND_US > at(124) - at(4)
    shown = run(begins, 200, rule, shown=range(200))
    assert [each.last_us for each in shown] == [at(65)]
    ended = run({**begins, 90: [change(Phase.END, "walk", at(4), at(70))]}, 200, rule)
    assert [(each.last_us, each.evidence["seconds"]) for each in ended] == [(at(90), (at(70) - at(4)) / 1e6)]
    too_short = run({**begins, 80: [change(Phase.END, "walk", at(4), at(60))]}, 200, rule)
    assert too_short == []
    # Long after it has fired it ends, and that is no news.
    assert len(run({**begins, 190: [change(Phase.END, "walk", at(4), at(180))]}, 200, rule)) == 1


def test_what_was_long_enough_when_it_was_told_fires_at_once(tmp_path: Path) -> None:
    rule = make_rule(tmp_path, "immobility for 1 s")
    told = {
        50: [change(Phase.START, "immobility", at(2), at(50), category=Category.ANOMALY)],
        90: [change(Phase.END, "immobility", at(2), at(80), category=Category.ANOMALY)],
        95: [change(Phase.OCCURRED, "immobility", at(94), at(95), category=Category.ANOMALY)],
    }
    assert [each.last_us for each in run(told, 300, rule)] == [at(50)]


def test_repetitions_are_counted_within_their_time_and_begin_anew(tmp_path: Path) -> None:
    rule = make_rule(tmp_path, "clap 3 times within 2 s")
    claps = {number + 2: [change(Phase.OCCURRED, "clap", at(number), at(number + 1))] for number in range(0, 400, 29)}
    fired = run(claps, 420, rule)
    assert [each.first_offset for each in fired] == [0, 87, 174, 261]
    assert [each.evidence for each in fired][:1] == [{"kind": "clap", "seconds": (at(59) - at(0)) / 1e6, "times": 3}]
    slowly = {number: [change(Phase.OCCURRED, "clap", at(number), at(number))] for number in range(0, 400, 31)}
    assert run(slowly, 420, rule) == []
    # The last three of four are near each other.
    late = {number: [change(Phase.OCCURRED, "clap", at(number), at(number))] for number in (0, 61, 71, 81)}
    assert [each.first_offset for each in run(late, 100, rule)] == [61]


def test_what_is_told_later_may_have_begun_before(tmp_path: Path) -> None:
    rule = make_rule(tmp_path, "wave or squat 3 times within 2 s")
    told = {
        10: [change(Phase.START, "wave", at(8), at(10))],
        20: [change(Phase.OCCURRED, "squat", at(1), at(20))],
        62: [change(Phase.OCCURRED, "wave", at(61), at(62))],
    }
    assert [each.first_offset for each in run(told, 100, rule)] == [1]
    told[62] = [change(Phase.OCCURRED, "wave", at(62), at(62))]
    assert run(told, 100, rule) == []


def test_half_a_repetition_counts_only_where_it_is_asked_for(tmp_path: Path) -> None:
    rule = make_rule(tmp_path, "squat 2 times within 10 s")
    told = {
        number: [change(Phase.OCCURRED, kind, at(number - 5), at(number))]
        for number, kind in ((10, "squat"), (20, "half_squat"), (30, "squat"))
    }
    assert [each.last_offset for each in run(told, 50, rule)] == [30]
    assert [each.last_offset for each in run(told, 50, make_rule(tmp_path, "half_squat"))] == [20]


def test_after_it_fired_a_rule_is_quiet_for_its_cooldown(tmp_path: Path) -> None:
    told = {number: [change(Phase.OCCURRED, "clap", at(number), at(number))] for number in range(0, 100, 10)}
    assert len(run(told, 100, make_rule(tmp_path, "clap"))) == 10
    quiet = run(told, 100, make_rule(tmp_path, "clap", cooldown="1 s"))
    assert [each.last_offset for each in quiet] == [0, 40, 80]


def test_a_rule_is_about_its_streams_subject_and_severity(tmp_path: Path) -> None:
    told = {
        1: [
            change(
                Phase.START, "tremor", at(0), at(1), category=Category.ANOMALY, subject="left", severity=Severity.INFO
            )
        ],
        2: [
            change(
                Phase.START,
                "tremor",
                at(0),
                at(2),
                category=Category.ANOMALY,
                subject="right",
                severity=Severity.WARNING,
            )
        ],
    }
    for more, offsets in (
        ({}, [1, 2]),
        ({"streams": "a?a"}, [1, 2]),
        ({"streams": "b*"}, []),
        ({"severity": "warning"}, [2]),
        ({"severity": "critical"}, []),
    ):
        assert [each.last_offset for each in run(told, 5, make_rule(tmp_path, "tremor", **more))] == offsets
    assert [each.last_offset for each in run(told, 5, make_rule(tmp_path, "tremor of left"))] == [1]


def test_rules_do_not_disturb_each_other(tmp_path: Path) -> None:
    told = {
        3: [change(Phase.START, "walk", at(0), at(3))],
        20: [change(Phase.END, "walk", at(0), at(18))],
    }
    rules = [make_rule(tmp_path, f"walk for {length} ms", name=f"walk_{length}") for length in (50, 500, 900)]
    assert [(each.kind, each.last_offset) for each in run(told, 40, *rules)] == [("walk_50", 3), ("walk_500", 20)]


def test_a_rule_that_is_written_anew_or_removed_waits_for_nothing_from_before(tmp_path: Path) -> None:
    reactions = Reactions()
    begins = [change(Phase.START, "walk", at(0), at(1))]
    reactions.advance(Moment(at(1), 1), "ada", begins, (), [make_rule(tmp_path, "walk for 1 s")])
    other = make_rule(tmp_path, "walk for 2 s")
    for number in range(2, 200):
        assert not reactions.advance(Moment(at(number), number), "ada", (), [("walk", "body")], [other])
    assert reactions == Reactions()


def test_what_was_building_up_is_forgotten_when_the_stream_ends(tmp_path: Path) -> None:
    reactions = Reactions()
    rules = [
        make_rule(tmp_path, "walk for 1 s", name="walks"),
        make_rule(tmp_path, "clap", name="claps", cooldown="1 h"),
        make_rule(tmp_path, "clap 9 times within 1 h", name="claps_on"),
    ]
    told = [change(Phase.START, "walk", at(0), at(1)), change(Phase.OCCURRED, "clap", at(0), at(1))]
    reactions.advance(Moment(at(1), 1), "ada", told, (), rules)
    assert reactions != Reactions()
    # What ends with the stream is told with its last frame, and may have been long enough.
    [fired] = reactions.take_late("ada", [change(Phase.END, "walk", at(0), at(33))], rules)
    assert (fired.finding.kind, fired.finding.last_us, fired.finding.last_offset) == ("walks", at(33), 33)
    reactions.end()
    assert reactions == Reactions()


def test_a_frame_with_an_impossible_time_fires_at_a_possible_one(tmp_path: Path) -> None:
    rule = make_rule(tmp_path, "time_jump or late")
    told = [change(Phase.START, "time_jump", at(4), at(4), category=Category.FAULT)]
    [fired] = Reactions().take_late("ada", told, [rule])
    assert 0 <= fired.finding.started_us <= fired.finding.last_us <= MAX_TIME_US
