"""What a coach would say of a repetition is said of it."""

import pytest

from consumers.analytics.finding import Category, Finding
from performers import Act, ActKind
from tests.consumers.analytics.exercises.exercising import perform, recognise


def middle_one(*script: Act) -> Finding:
    found = recognise(perform(*script, seconds=20.0))
    return found[len(found) // 2]


def number(finding: Finding, name: str) -> float:
    value = finding.evidence[name]
    assert isinstance(value, float)
    return value


def test_a_good_squat_has_nothing_against_it() -> None:
    finding = middle_one(Act(ActKind.SQUAT, 1.0, 18.0))
    assert (finding.category, finding.kind, finding.subject) == (Category.MOVEMENT, "squat", "body")
    assert finding.confidence > 0.8
    assert finding.observed == 1.0
    assert number(finding, "depth_deg") == pytest.approx(76.0, abs=4.0)
    assert number(finding, "asymmetry_deg") < 6.0
    assert number(finding, "range_body_scales") > 0.5
    notes = [name for name, value in finding.evidence.items() if value is True and name != "counted"]
    assert notes == []


def test_from_the_front_a_poor_squat_shows_its_knees_and_its_uneven_legs() -> None:
    finding = middle_one(Act(ActKind.POOR_SQUAT, 1.0, 18.0))
    assert finding.evidence["knees_in"] is True
    assert number(finding, "asymmetry_deg") == pytest.approx(6.0, abs=4.0)
    assert "knees_over_toes" not in finding.evidence


def test_from_the_side_a_poor_squat_shows_how_far_it_leans() -> None:
    finding = middle_one(Act(ActKind.SIDEWAYS, 0.0, 20.0), Act(ActKind.POOR_SQUAT, 1.0, 18.0))
    assert finding.evidence["leaning_forward"] is True
    assert number(finding, "trunk_lean_deg") == pytest.approx(62.0, abs=6.0)
    assert "knees_in" not in finding.evidence
    good = middle_one(Act(ActKind.SIDEWAYS, 0.0, 20.0), Act(ActKind.SQUAT, 1.0, 18.0))
    assert good.evidence["leaning_forward"] is False
    assert good.evidence["knees_over_toes"] is False


def test_a_push_up_says_how_far_the_arms_bent_and_that_the_body_was_straight() -> None:
    finding = middle_one(Act(ActKind.PUSH_UP, 1.0, 19.0, ease_s=1.2))
    assert number(finding, "depth_deg") == pytest.approx(75.0, abs=4.0)
    assert number(finding, "range_body_scales") > 0.3
    assert finding.evidence["hips_bent"] is False
    assert finding.evidence["too_shallow"] is False


def test_a_jumping_jack_says_how_far_feet_and_hands_went() -> None:
    finding = middle_one(Act(ActKind.JUMPING_JACK, 1.0, 18.0))
    assert number(finding, "range_body_scales") == pytest.approx(1.1, abs=0.3)
    assert number(finding, "hands_up_body_scales") > 0.9
    assert finding.evidence["hands_low"] is False


def test_a_curl_says_how_far_it_went_and_that_the_elbow_stayed() -> None:
    finding = middle_one(Act(ActKind.CURL, 1.0, 18.0))
    assert number(finding, "depth_deg") == pytest.approx(44.0, abs=5.0)
    assert finding.evidence["elbow_drifts"] is False
