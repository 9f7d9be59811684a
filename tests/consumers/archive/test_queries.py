"""Every question of docs/queries.md, as it stands there, on both stores over the same performers."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import numpy as np
import pytest

from consumers.archive.sql import ask_parquet, ask_postgres
from consumers.archive.sql_script import split_statements
from keypoints.frame import FrameBatch
from keypoints.landmarks import Part, PoseLandmark
from performers.acts import Act, ActKind
from performers.joints import Side
from performers.motions import blink_starts_s, squat_starts_s
from performers.performer import Performer
from tests.consumers.archive.archived import Archived

pytestmark = pytest.mark.servers

PAGE: Final = Path(__file__).resolve().parents[3] / "docs" / "queries.md"
FPS: Final = 30
STARTED: Final = datetime(2026, 9, 21, 14, 0, tzinfo=UTC)
LATER: Final = STARTED + timedelta(hours=2)
SESSION_S: Final = 60.0

WAVES: Final = Act(ActKind.WAVE, 4.0, 12.0)
SQUATS: Final = Act(ActKind.SQUAT, 14.0, 28.0)
BLINKS: Final = Act(ActKind.BLINK, 36.0, 44.0)
AWAY: Final = Act(ActKind.LEAVE, 10.0, 24.0)
ADA: Final = Performer("ada", [WAVES, SQUATS, BLINKS], seed=11)
BOB: Final = Performer("bob", [Act(ActKind.WAVE, 30.0, 34.0, side=Side.LEFT)], seed=12)
CLEO: Final = Performer("cleo", [AWAY], seed=13)
LATE_SESSION_S: Final = 30.0
DROPOUT_S: Final = (50.0, 53.0)


@dataclass
class Asked:
    """A question and the answer both stores gave."""

    columns: Sequence[str]
    rows: list[dict[str, Any]]

    def of(self, stream_id: str) -> list[dict[str, Any]]:
        return [row for row in self.rows if row["stream_id"] == stream_id]


def read_page() -> dict[str, str]:
    """Heading → the question under it."""
    sections = PAGE.read_text().split("\n## ")[1:]
    found = {section.partition("\n")[0]: re.findall(r"```sql\n(.*?)```", section, re.DOTALL) for section in sections}
    assert all(len(blocks) == 1 for blocks in found.values())
    return {heading: question for heading, [question] in found.items()}


QUESTIONS: Final = read_page()


def microseconds(at: datetime) -> int:
    return int(at.timestamp()) * 1_000_000


def perform(performer: Performer, seconds: float, start: datetime, epoch: int) -> FrameBatch:
    at_s = np.arange(round(seconds * FPS)) / FPS
    return performer.batch(at_s, start_us=microseconds(start), epoch=epoch)


def without_hands(batch: FrameBatch) -> FrameBatch:
    nobody = np.zeros(len(batch), dtype=np.bool_)
    gone = np.full_like(batch.left_hand, np.nan)
    return replace(batch, left_hand=gone, right_hand=gone, left_hand_present=nobody, right_hand_present=nobody)


def make_archive(topic: str) -> FrameBatch:
    """ada twice, two hours apart, at last without hands and slowly; bob with a dropout; cleo away for a while."""
    later = without_hands(perform(ADA, LATE_SESSION_S, LATER, epoch=2))
    later = replace(later, processed_at_us=later.captured_at_us + 90_000)
    bobs = perform(BOB, SESSION_S, STARTED, epoch=1)
    at_s = (bobs.captured_at_us - microseconds(STARTED)) / 1e6
    bobs = bobs.take((at_s < DROPOUT_S[0]) | (at_s >= DROPOUT_S[1]))
    everything = [perform(ADA, SESSION_S, STARTED, epoch=1), later, bobs, perform(CLEO, SESSION_S, STARTED, epoch=1)]
    joined = FrameBatch.concat([replace(batch, topic=topic) for batch in everything])
    offsets = np.arange(len(joined), dtype=np.int64)
    return replace(
        joined, offset=offsets, identity_offset=offsets, identity_topic=np.full(len(joined), topic, dtype=np.object_)
    )


@pytest.fixture
def asked(archived: Archived) -> dict[str, Asked]:
    """The answers, by heading; both stores must agree on each."""
    archived.keep(make_archive(archived.topic))
    return {heading: ask_both(archived, question) for heading, question in QUESTIONS.items()}


def ask_both(archived: Archived, question: str) -> Asked:
    [statement] = split_statements(question).all
    with (
        ask_postgres(archived.database_url, statement) as postgres,
        ask_parquet(archived.root, statement) as parquet,
    ):
        ours, theirs = list(postgres.rows), list(parquet.rows)
        assert postgres.columns == parquet.columns, statement
    assert len(ours) == len(theirs), statement
    assert ours, statement
    for our_row, their_row in zip(ours, theirs, strict=True):
        for ours_value, theirs_value in zip(our_row, their_row, strict=True):
            if isinstance(ours_value, float | Decimal):
                assert float(ours_value) == pytest.approx(float(theirs_value), rel=1e-5, abs=1e-9), statement
            else:
                assert ours_value == theirs_value, statement
    return Asked(postgres.columns, [dict(zip(postgres.columns, row, strict=True)) for row in ours])


def test_the_page_has_ten_questions_each_with_a_reason() -> None:
    assert len(QUESTIONS) == 10
    for heading in QUESTIONS:
        reason = PAGE.read_text().split(f"## {heading}\n")[1].split("```sql")[0].strip()
        assert reason.endswith(".")


def test_both_stores_answer_each_question_alike_and_as_the_performers_acted(asked: dict[str, Asked]) -> None:
    for heading, check in CHECKS.items():
        check(asked[heading])
    assert set(CHECKS) == set(QUESTIONS)


def check_sessions(asked: Asked) -> None:
    first, second = asked.rows
    assert (first["epoch"], first["began"], first["frames"]) == (1, STARTED, SESSION_S * FPS)
    assert (second["epoch"], second["began"], second["frames"]) == (2, LATER, LATE_SESSION_S * FPS)
    assert float(first["frames_a_second"]) == pytest.approx(FPS, rel=1e-4)


def check_wrist_speed(asked: Asked) -> None:
    assert [row["minute"] for row in asked.rows] == [STARTED, LATER]
    seen = perform(ADA, SESSION_S, STARTED, epoch=1).pose_world[:, PoseLandmark.RIGHT_WRIST, :3].astype(np.float64)
    speeds = np.linalg.norm(np.diff(seen, axis=0), axis=1) * FPS
    assert asked.rows[0]["mean_speed"] == pytest.approx(speeds.mean(), rel=1e-3)
    assert asked.rows[0]["top_speed"] == pytest.approx(speeds.max(), rel=1e-3)
    assert asked.rows[0]["top_speed"] > 1.0


def check_visible_hands(asked: Asked) -> None:
    [ada], [bob], [cleo] = asked.of("ada"), asked.of("bob"), asked.of("cleo")
    # In a third of her frames she has no hands.
    assert float(ada["left_hand"]) <= 2 / 3
    assert float(bob["left_hand"]) > 0.8
    assert float(cleo["both_hands"]) < 0.9
    for row in asked.rows:
        assert 0 < float(row["both_hands"]) <= min(float(row["left_hand"]), float(row["right_hand"]))
    seen = perform(CLEO, SESSION_S, STARTED, epoch=1).present(Part.RIGHT_HAND)
    assert float(cleo["right_hand"]) == pytest.approx(seen.mean())


def check_blinks(asked: Asked) -> None:
    [bob], [ada] = asked.of("bob"), asked.of("ada")
    bobs = [at_s for at_s in BOB.blinks_s(SESSION_S) if not DROPOUT_S[0] - 0.3 < at_s < DROPOUT_S[1]]
    assert bob["blinks"] == len(bobs)
    unasked = [
        at_s
        for seconds in (SESSION_S, LATE_SESSION_S)
        for at_s in ADA.blinks_s(seconds)
        if not (BLINKS.start_s <= at_s <= BLINKS.end_s)
    ]
    assert ada["blinks"] == pytest.approx(len(unasked) + len(blink_starts_s(BLINKS)), abs=1)
    assert float(ada["blinks_a_minute"]) == pytest.approx(ada["blinks"] / 1.5, rel=0.02)


def check_elbows(asked: Asked) -> None:
    [ada], [bob] = asked.of("ada"), asked.of("bob")
    # The one waves with the right arm, the other with the left, and for a shorter time.
    assert ada["right_spread"] > 2 * ada["left_spread"]
    assert bob["left_spread"] > 2 * bob["right_spread"]
    for row in (ada, bob):
        assert 90 < row["left_mean"] < 180


def check_latency(asked: Asked) -> None:
    first, second = asked.rows
    assert (first["hour"], second["hour"]) == (STARTED, LATER)
    assert float(first["median_ms"]) == pytest.approx(40)
    assert float(second["slow_ms"]) == pytest.approx(90)


def check_dropouts(asked: Asked) -> None:
    [row] = asked.rows
    assert row["stream_id"] == "bob"
    assert row["back_at"] == STARTED + timedelta(seconds=DROPOUT_S[1])
    assert float(row["seconds"]) == pytest.approx(DROPOUT_S[1] - DROPOUT_S[0] + 1 / FPS, rel=1e-3)


def check_squats(asked: Asked) -> None:
    [ada] = asked.rows
    assert ada["stream_id"] == "ada"
    # Both her sessions have the act.
    assert ada["squats"] == len(squat_starts_s(SQUATS)) + sum(at < LATE_SESSION_S - 2 for at in squat_starts_s(SQUATS))


def check_raised_hands(asked: Asked) -> None:
    for began in (STARTED, LATER):
        [waving] = [row for row in asked.of("ada") if began <= row["up_at"] < began + timedelta(seconds=WAVES.end_s)]
        first_s, last_s = WAVES.held_s
        assert waving["up_at"] <= began + timedelta(seconds=first_s)
        assert waving["down_at"] >= began + timedelta(seconds=last_s)
        assert waving["frames"] >= (last_s - first_s) * FPS
    assert not asked.of("cleo")


def check_visibility(asked: Asked) -> None:
    by_name = {row["name"]: row for row in asked.rows}
    assert set(by_name) == {landmark.name.lower() for landmark in PoseLandmark}
    assert by_name["nose"]["visibility"] > 0.9
    assert all(0 <= float(row["hidden"]) <= 1 for row in asked.rows)


CHECKS: Final = {
    "The sessions of a stream": check_sessions,
    "Wrist speed, minute by minute": check_wrist_speed,
    "Share of time the hands were visible": check_visible_hands,
    "Blink rate": check_blinks,
    "Two performers compared": check_elbows,
    "Latency by hour": check_latency,
    "Dropouts": check_dropouts,
    "Squats": check_squats,
    "When a hand was raised": check_raised_hands,
    "What the camera does not see": check_visibility,
}
