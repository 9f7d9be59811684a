"""Figures of a report, against what SQL says of the same stream."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine

from connect_runtime.sink import TopicPartition
from consumers.analytics.database import connect
from consumers.analytics.report.errors import NothingToReport
from consumers.analytics.report.figures import Period, StreamReport
from consumers.analytics.report.found import KINDS_DRAWN, ROWS_READ
from consumers.analytics.report.page import write_page
from consumers.analytics.report.reading import read_report
from keypoints.topics import TRACKING_TOPIC
from tests.consumers.analytics.busy_stage import busy_stage
from tests.consumers.analytics.conftest import Bench
from tests.consumers.analytics.made_streams import cut
from tests.consumers.analytics.report.made_reports import after
from tests.consumers.analytics.report.made_rows import keep, panes, result, session

pytestmark = pytest.mark.servers


@pytest.fixture
def engine(make_database: Callable[[], str]) -> Iterator[Engine]:
    made = connect(make_database())
    yield made
    made.dispose()


def url(engine: Engine) -> str:
    return engine.url.set(drivername="postgresql").render_as_string(hide_password=False)


def marks(report: StreamReport) -> int:
    return sum(len(row.marks) for row in report.timeline)


def test_the_figures_are_those_of_the_views(bench: Bench) -> None:
    sink = bench.make_sink([TopicPartition(TRACKING_TOPIC, 0)])
    for part in cut(busy_stage(streams=2), 500):
        sink.put(part)
    sink.flush()

    def ask(stream_id: str, what: str) -> list[tuple[Any, ...]]:
        return bench.query(what.replace("$stream", f"stream_id = '{stream_id}'"))

    engine = connect(bench.database_url)
    alarms = exercises = 0
    for (stream_id,) in bench.query("SELECT DISTINCT stream_id FROM analytics.streams ORDER BY 1"):
        report = read_report(engine, stream_id)
        assert report.seen is not None
        ((frames, late, body, face, left, right),) = ask(
            stream_id,
            """SELECT sum(frames), sum(late_frames), sum(body_valid_percent * frames) / sum(frames),
            sum(face_valid_percent * frames) / sum(frames), sum(left_hand_valid_percent * frames) / sum(frames),
            sum(right_hand_valid_percent * frames) / sum(frames) FROM activity_by_minute WHERE $stream""",
        )
        assert (report.seen.frames, report.seen.late_frames) == (frames, late)
        told = report.seen
        shares = (told.body_valid_percent, told.face_valid_percent, told.left_hand_valid_percent)
        assert (*shares, told.right_hand_valid_percent) == pytest.approx((body, face, left, right), abs=0.06)
        ((received,),) = ask(stream_id, "SELECT sum(frames) FROM analytics.streams WHERE $stream")
        assert told.frames + told.too_late_frames == received

        counts = ask(stream_id, "SELECT kind, subject, count, seconds FROM movement_counts WHERE $stream ORDER BY 1, 2")
        assert sorted((t.kind, t.subject, t.count, t.seconds) for t in report.totals_of("movement")) == [
            (kind, subject, count, None if seconds is None else pytest.approx(seconds))
            for kind, subject, count, seconds in counts
        ]
        gestures = ask(
            stream_id, "SELECT count(*), count(*) FILTER (WHERE provisional) FROM gesture_events WHERE $stream"
        )
        totals = report.totals_of("shape", "movement")
        assert [(sum(t.count for t in totals), sum(t.going_on for t in totals))] == gestures

        told_alarms = ask(
            stream_id,
            """SELECT kind, severity, started_at, ended_at, evidence FROM anomalies WHERE $stream
            ORDER BY concerns DESC, array_position(ARRAY['critical', 'warning', 'info'], severity), started_at, kind""",
        )
        assert [(a.kind, a.severity, a.started_at, a.ended_at, a.evidence) for a in report.alarms] == told_alarms
        alarms += len(told_alarms)

        # A minute has a row for each time its stream's clock was set.
        minutes = ask(
            stream_id,
            """SELECT minute, sum(frames), sum(covered_percent), sum(body_valid_percent * frames) / sum(frames),
            min(activity_mean), max(activity_mean), max(activity_peak)
            FROM activity_by_minute WHERE $stream GROUP BY minute ORDER BY minute""",
        )
        for some, (minute, frames, covered, body, least, most, peak) in zip(report.activity, minutes, strict=True):
            assert (some.begins_at, some.frames, some.activity_peak) == (minute, frames, peak)
            assert (some.covered_percent, some.body_valid_percent) == pytest.approx((covered, body), abs=0.11)
            assert some.activity_mean is not None
            assert least - 1e-9 <= some.activity_mean <= most + 1e-9
        repetitions = ask(
            stream_id,
            """SELECT started_at, evidence FROM gesture_events WHERE $stream AND evidence ? 'counted'
            ORDER BY replace(kind, 'half_', ''), subject, started_at""",
        )
        assert [(r.started_at, r.evidence) for e in report.exercises for r in e.repetitions] == repetitions
        for exercise in report.exercises:
            assert exercise.counted == sum(bool(row.evidence["counted"]) for row in exercise.repetitions)
            assert exercise.counted + exercise.half == len(exercise.repetitions)
        assert [rules.version for rules in report.rules] == ["analytics-1"]
        exercises += len(report.exercises)
    # Read again, it is the same page.
    assert write_page(read_report(engine, stream_id)) == write_page(report)
    engine.dispose()
    assert alarms
    assert exercises


def test_what_goes_on_is_told_as_far_as_it_is_known(engine: Engine) -> None:
    keep(
        url(engine),
        found=[
            result("ada", 5),
            result("ada", 50, None),
            result("ada", 40, None, category="anomaly", kind="immobility"),
        ],
        seen=panes("ada", 0, 60, provisional=True),
        known=[session("ada", 59, state=b"open")],
    )
    report = read_report(engine, "ada")
    assert report.going_on
    assert [(t.kind, t.count, t.going_on, t.seconds) for t in report.totals] == [
        ("squat", 2, 1, 1.0),
        ("immobility", 1, 1, None),
    ]
    assert report.alarms[0].ended_at is None
    assert [mark.ended_at for row in report.timeline for mark in row.marks] == [after(6), None, None]
    assert report.activity[0].provisional
    assert report.ends_at == after(59)
    assert not read_report(engine, "ada", Period(ends_at=after(30))).going_on


def test_rows_that_lie_otherwise_in_the_database_give_the_same_figures(make_database: Callable[[], str]) -> None:
    # All at one time, for else an index has them in order.
    found = [result("ada", 5, subject="body", confidence=1 / (3 + number)) for number in range(40)]
    seen = [
        row | {"stretch": number, "activity_mean": 1 / (3 + number), "seconds_covered": 1 / (7 + number)}
        for number in range(59)
        for row in panes("ada", 0, 10, body_share=0.1, seconds_still=0.1, seconds_moving=0.7)
    ]
    reports = []
    for turned in (1, -1):
        database_url = make_database()
        keep(database_url, found=found[::turned], seen=seen[::turned], known=[session("ada", 9)])
        engine = connect(database_url)
        reports.append(read_report(engine, "ada"))
        engine.dispose()
    assert reports[0] == reports[1]


def test_a_period_is_what_reaches_into_it(engine: Engine) -> None:
    keep(
        url(engine),
        found=[result("ada", at_s, 4) for at_s in (10, 98, 150, 299, 300)] + [result("ada", 120, epoch=2)],
        seen=panes("ada", 0, 600),
        known=[session("ada", 600)],
    )

    def squats(period: Period) -> list[float]:
        report = read_report(engine, "ada", period)
        return [(mark.started_at - after(0)).total_seconds() for row in report.timeline for mark in row.marks]

    assert squats(Period(begins_at=after(100), ends_at=after(300))) == [98, 120, 150, 299]
    assert squats(Period(begins_at=after(100), ends_at=after(300), epoch=1)) == [98, 150, 299]
    assert squats(Period(last=timedelta(seconds=305))) == [299, 300]
    assert squats(Period(last=timedelta(seconds=60), ends_at=after(160))) == [98, 120, 150]
    report = read_report(engine, "ada", Period(begins_at=after(105), ends_at=after(300)))
    assert (report.begins_at, report.ends_at) == (after(105), after(300))
    assert report.seen is not None
    assert report.seen.frames == 30 * 200
    assert [some.begins_at for some in report.activity] == [after(60), after(120), after(180), after(240)]


def test_who_has_nothing_is_told_what_there_is(engine: Engine) -> None:
    with pytest.raises(NothingToReport, match="no tables"):
        read_report(engine, "ada")
    keep(
        url(engine),
        seen=panes("ada", 0, 60),
        known=[session("Ada-Lovelace", 60), session("ada", 60), session("bob", 1)],
    )
    with pytest.raises(NothingToReport, match="not seen a stream adaa") as absent:
        read_report(engine, "adaa")
    assert (absent.value.hint or "").startswith("there is ada")
    with pytest.raises(NothingToReport) as absent:
        read_report(engine, "lovelace")
    assert absent.value.hint == "there is Ada-Lovelace"
    with pytest.raises(NothingToReport, match="ada has no epoch 9") as absent:
        read_report(engine, "ada", Period(epoch=9))
    assert absent.value.hint == "it has 1"
    with pytest.raises(NothingToReport, match="nothing of ada in that period") as empty:
        read_report(engine, "ada", Period(begins_at=after(500)))
    assert "from 2026-03-01 09:00:00 to 2026-03-01 09:01:00 UTC" in (empty.value.hint or "")


def test_findings_without_windows_are_reported_and_how_much_was_seen_is_not_known(engine: Engine) -> None:
    keep(url(engine), found=[result("ada", 5), result("ada", 25)])
    report = read_report(engine, "ada")
    assert (report.seen, report.activity) == (None, ())
    assert (report.begins_at, report.ends_at) == (after(5), after(26))
    assert "not known" in write_page(report).lower()


def test_a_recording_played_twice_is_warned_of_and_a_restart_is_not(engine: Engine) -> None:
    twice = panes("twice", 0, 100) + panes("twice", 0, 100, epoch=2, session_offset=7)
    again = panes("again", 0, 100) + panes("again", 90, 200, epoch=2, session_offset=7)
    keep(
        url(engine),
        seen=twice + again,
        known=[session(name, 99, epoch=epoch) for name in ("twice", "again") for epoch in (1, 2)],
    )
    assert read_report(engine, "twice").epochs_overlap
    assert not read_report(engine, "twice", Period(epoch=2)).epochs_overlap
    report = read_report(engine, "again")
    assert (report.epochs, report.epochs_overlap) == ((1, 2), False)


def test_a_clock_at_the_end_of_all_dates_has_a_report(engine: Engine) -> None:
    last = datetime(9999, 12, 31, 23, 59, tzinfo=UTC)
    keep(
        url(engine),
        found=[result("ada", 0, started_at=last + timedelta(seconds=55), ended_at=last + timedelta(seconds=59))],
        seen=[
            row | {"started_at": last + timedelta(seconds=50 if row["length_s"] == 10 else 0)}
            for row in panes("ada", 0, 10)
        ],
    )
    report = read_report(engine, "ada")
    assert report.ends_at.year == 9999
    assert "9999-12-31 23:59:50" in write_page(report)
    with pytest.raises(NothingToReport) as empty:
        read_report(engine, "ada", Period(ends_at=after(0)))
    assert "to 9999-12-31 23:59:59" in (empty.value.hint or "")


def test_a_long_day_stays_a_small_page(engine: Engine) -> None:
    day_s = 86_400
    blinks = [result("day", at_s, 0.2, kind="blink", subject="face") for at_s in range(0, day_s, 30)]
    squats = [
        result("day", at_s, evidence={"counted": True, "uneven": at_s % 400 == 0}) for at_s in range(0, day_s, 200)
    ]
    late = [
        result(
            "day", at_s, 0, category="fault", kind="late", subject="capture", severity="info", evidence={"late_s": 1.0}
        )
        for at_s in range(0, day_s, 100)
    ]
    last_fall = result("day", 80_000, category="fault", kind="frozen", subject="capture", severity="warning")
    rules = [result("day", 9, category="reaction", kind=f"rule_{number}") for number in range(50)]
    keep(
        url(engine),
        found=[*blinks, *squats, *late, last_fall, *rules],
        seen=panes("day", 0, day_s),
        known=[session("day", day_s)],
    )
    report = read_report(engine, "day")
    assert report.count("movement") == len(blinks) + len(squats)
    assert (len(report.exercises[0].repetitions), report.exercises[0].counted) == (ROWS_READ, len(squats))
    assert report.exercises[0].noted == {"uneven": len(squats) // 2}
    assert len(report.alarms) == ROWS_READ
    assert report.alarms[0].kind == "frozen", "the most severe first, whenever it was"
    assert (len(report.timeline), report.timeline_kinds_left_out) == (KINDS_DRAWN, 53 + 1 - KINDS_DRAWN)
    assert marks(report) < 3_000
    assert sum(mark.findings for mark in report.timeline[0].marks) == len(blinks)
    assert report.activity_minutes == 10
    assert sum(some.frames for some in report.activity) == 30 * day_s
    assert len(write_page(report)) < 1_500_000
