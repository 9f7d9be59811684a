"""A report with a bit of everything, made by hand."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from consumers.analytics.report.figures import (
    Activity,
    Exercise,
    FindingRow,
    KindTotal,
    Mark,
    Rules,
    Seen,
    Source,
    StreamReport,
    Stretch,
    TimelineRow,
)

START = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)


def after(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def make_total(category: str, kind: str, subject: str, count: int = 1, *, going_on: int = 0) -> KindTotal:
    return KindTotal(
        category=category,
        kind=kind,
        subject=subject,
        count=count,
        going_on=going_on,
        seconds=2.5 * (count - going_on) if count > going_on else None,
        confidence=0.9,
        first_at=after(1),
        last_at=after(100),
    )


def make_finding(category: str, kind: str, subject: str, at_s: float, **changes: Any) -> FindingRow:
    found = FindingRow(
        category=category,
        kind=kind,
        subject=subject,
        severity=None,
        started_at=after(at_s),
        ended_at=after(at_s + 2.5),
        confidence=0.9,
        observed=1.0,
        evidence={},
        first_offset=10,
        last_offset=20,
    )
    return replace(found, **changes)


def make_squat(number: int, at_s: float, **changes: Any) -> FindingRow:
    evidence = {
        "repetition": number,
        "counted": True,
        "depth_deg": 70.0 + number,
        "knees_in": number == 2,
        "uneven": False,
    }
    return make_finding("movement", "squat", "body", at_s, evidence=evidence, **changes)


def make_timeline_row(category: str, kind: str, *marks: tuple[str, float, float | None]) -> TimelineRow:
    """Marks as subject, and seconds from when to when; None: it goes on."""
    return TimelineRow(
        category=category,
        kind=kind,
        marks=tuple(
            Mark(subject=subject, started_at=after(begin), ended_at=None if end is None else after(end), findings=1)
            for subject, begin, end in marks
        ),
    )


def make_report(**changes: Any) -> StreamReport:
    """Two minutes of a stream."""
    report = StreamReport(
        stream_id="ada",
        begins_at=START,
        ends_at=after(120),
        going_on=False,
        epochs=(1,),
        epochs_overlap=False,
        seen=Seen(
            frames=3_600,
            late_frames=4,
            too_late_frames=1,
            frames_per_s=30.0,
            seconds_covered=118.5,
            body_valid_percent=98.76,
            face_valid_percent=50.0,
            left_hand_valid_percent=0.0,
            right_hand_valid_percent=None,
            seconds_still=20.0,
            seconds_moving=90.0,
        ),
        stretches=(Stretch(begins_at=START, ends_at=after(120)),),
        activity_minutes=1,
        activity=(
            Activity(
                begins_at=START, provisional=False, frames=1_800, covered_percent=99.0, body_valid_percent=97.0,
                activity_mean=0.41, activity_peak=1.62, seconds_still=10.0, seconds_moving=45.0,
            ),
            Activity(
                begins_at=after(60), provisional=True, frames=1_800, covered_percent=98.0, body_valid_percent=None,
                activity_mean=None, activity_peak=None, seconds_still=None, seconds_moving=None,
            ),
        ),
        totals=(
            make_total("shape", "thumbs_up", "left", 2),
            make_total("shape", "thumbs_up", "right", 3, going_on=1),
            make_total("movement", "squat", "body", 3),
            make_total("anomaly", "fall", "body"),
            make_total("fault", "frozen", "capture"),
            make_total("reaction", "raised_hand_long", "right"),
        ),
        exercises=(
            Exercise(
                kind="squat", subject="body", counted=3, half=0, noted={"knees_in": 1},
                repetitions=tuple(make_squat(number, 10.0 * number) for number in (1, 2, 3)),
            ),
        ),
        alarms=(
            make_finding(
                "anomaly", "fall", "body", 50, severity="critical", evidence={"lean_deg": 78.4, "on_ground_s": 2.6}
            ),
            make_finding("fault", "frozen", "capture", 70, severity="warning", evidence={"frames": 40}),
        ),
        timeline=(
            make_timeline_row("shape", "thumbs_up", ("left", 1, 4), ("right", 30, 33), ("right", 110, None)),
            make_timeline_row("movement", "squat", ("body", 10, 12), ("body", 20, 22), ("body", 30, 32)),
            make_timeline_row("anomaly", "fall", ("body", 50, 52.5)),
            make_timeline_row("fault", "frozen", ("capture", 70, 72.5), ("capture", 80, 80.1)),
        ),
        timeline_kinds_left_out=0,
        rules=(Rules(version="analytics-1", findings=11),),
        sources=(Source(topic="holistic-tracking-stream", partition=0, first_offset=10, last_offset=3_600),),
    )  # fmt: skip
    return replace(report, **changes)
