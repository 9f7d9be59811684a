"""The page: what it says, that it needs nothing else, and that nobody's text becomes part of it."""

import re
from dataclasses import replace

import matplotlib
import pytest

from consumers.analytics.report.figures import StreamReport
from consumers.analytics.report.page import write_page
from tests.consumers.analytics.report.made_reports import (
    after,
    make_finding,
    make_report,
    make_squat,
    make_timeline_row,
    make_total,
)
from tests.consumers.analytics.report.page_read import PageRead

MISCHIEF = "<script>alert('1')</script> \"&amp; $x^2$ {{ 7 * 7 }}"


@pytest.fixture(scope="module")
def page() -> PageRead:
    return PageRead(write_page(make_report()))


def test_figures_are_said_and_what_is_missing_is_said_to_be_missing(page: PageRead) -> None:
    assert "Frames 3,600" in page.text
    assert "Frames a second 30.0" in page.text
    assert "Body valid 98.8 %" in page.text
    assert "Left hand valid 0.0 %" in page.text
    assert "Right hand valid not known" in page.text
    assert "Late frames 4 too late to count: 1" in page.text
    assert "2026-03-01 09:00:00 to 09:02:00 UTC · 2 min 0 s · epoch 1" in page.text


def test_repetitions_have_their_depth_and_their_notes(page: PageRead) -> None:
    assert "squat: 3 counted Noted: knees in 1×." in page.text
    assert "2 09:00:20 72.0 knees in 3 09:00:30 73.0" in page.text


def test_shapes_are_told_hand_by_hand(page: PageRead) -> None:
    assert "thumbs up is held 2 5.0 s 3 5.0 s 90 %" in page.text


def test_alarms_come_with_severity_and_evidence(page: PageRead) -> None:
    assert "fall critical 09:00:50 2.5 s 100 % lean 78.4° on ground 2.60 s" in page.text
    assert "frozen warning 09:01:10 2.5 s 100 % frames 40" in page.text


def test_what_goes_on_is_marked_so() -> None:
    held = make_report(
        going_on=True,
        alarms=(make_finding("anomaly", "tremor", "left", 90, ended_at=None, severity="warning"),),
    )
    text = PageRead(write_page(held)).text
    assert "the stream goes on: figures so far" in text
    assert "tremor (left) goes on warning 09:01:30 not over" in text
    assert "09:01:00 not over 1,800 98.0 % not known not known" in text
    assert "Pale bars with an arrow still go on." in text
    over = make_report(totals=(make_total("movement", "squat", "body", 3),))
    assert "still go on." not in PageRead(write_page(over)).text


def test_the_page_needs_nothing_else_and_runs_nothing(page: PageRead) -> None:
    written = write_page(make_report())
    assert not page.find("script")
    assert "http" not in re.sub("http-equiv", "", written)
    assert "@import" not in written
    names = {name for _, attributes in page.elements for name in attributes}
    assert not {name for name in names if name.startswith("on")}
    links = [value for _, attributes in page.elements for name in ("src", "href") if (value := attributes.get(name))]
    assert links
    assert all(link == "data:," or link.startswith("#") for link in links)
    assert all(target.startswith("#") for target in re.findall(r"url\((.)", written))


def test_the_page_is_well_formed_and_its_ids_are_its_own(page: PageRead) -> None:
    assert (page.open, page.strayed) == ([], [])
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    used = {value[1:] for _, attributes in page.elements if (value := attributes.get("href") or "").startswith("#")}
    assert used <= set(ids)


def test_every_picture_says_what_it_shows(page: PageRead) -> None:
    pictures = page.find("svg")
    assert all("aria-hidden" in picture or "aria-labelledby" in picture for picture in pictures)
    named = {name for picture in pictures for name in (picture.get("aria-labelledby") or "").split()}
    assert len(named) == 8
    assert named <= {attributes.get("id") for _, attributes in page.elements}
    assert "thumbs up 5, squat 3, fall 1" in page.text


@pytest.mark.parametrize("where", ["stream", "kind", "evidence", "source"])
def test_text_of_others_stays_text(where: str) -> None:
    report = make_report()
    rows: dict[str, StreamReport] = {
        "stream": replace(report, stream_id=MISCHIEF),
        "kind": replace(
            report,
            totals=(make_total("reaction", MISCHIEF, "body"), make_total("shape", MISCHIEF, "left")),
            timeline=(make_timeline_row("reaction", MISCHIEF, ("body", 1, 2)),),
        ),
        "evidence": replace(
            report,
            alarms=(make_finding("anomaly", "fall", MISCHIEF, 5, severity=MISCHIEF, evidence={MISCHIEF: MISCHIEF}),),
        ),
        "source": replace(report, rules=(replace(report.rules[0], version=MISCHIEF),)),
    }
    page = PageRead(write_page(rows[where]))
    assert not page.find("script")
    assert page.strayed == []
    assert "<script>alert('1')</script>" in page.text
    assert "$x^2$ {{ 7 * 7 }}" in page.text


def test_the_same_figures_give_the_same_bytes_whatever_somebody_set_for_their_own_plots() -> None:
    report = make_report()
    written = write_page(report)
    assert write_page(report) == written
    with matplotlib.rc_context({"font.size": 30, "svg.fonttype": "path", "axes.grid": True}):
        assert write_page(report) == written
        assert matplotlib.rcParams["font.size"] == 30


def test_letters_the_layout_has_no_font_for_are_drawn_by_the_reader() -> None:
    report = make_report(timeline=(make_timeline_row("reaction", "手を挙げる", ("body", 1, 2)),))
    assert PageRead(write_page(report)).text.count("手を挙げる") == 2


def test_of_very_many_the_rest_is_counted() -> None:
    squats = tuple(make_squat(number, number / 2) for number in range(1, 201))
    report = make_report(
        exercises=(replace(make_report().exercises[0], counted=1_434, repetitions=squats),),
        totals=(make_total("fault", "late", "capture", 1_234), make_total("movement", "squat", "body", 1_434)),
        alarms=tuple(make_finding("fault", "late", "capture", number / 2, severity="info") for number in range(200)),
        timeline_kinds_left_out=3,
    )
    text = PageRead(write_page(report)).text
    assert "… and 1,234 more repetitions." in text
    assert "1,222 more of the capture" in text
    assert "… and 1,034 more of the capture." in text
    assert "… and 3 more kinds" in text


def test_a_stream_without_windows_and_without_findings_is_said_to_be_so() -> None:
    nothing = make_report(seen=None, activity=(), totals=(), exercises=(), alarms=(), timeline=(), rules=(), sources=())
    text = PageRead(write_page(nothing)).text
    assert text.count("Not known: there are no windows of this time.") == 2
    assert "Nothing was found." in text
    assert "Found by no rules." in text


def test_days_are_said_where_there_is_more_than_one() -> None:
    report = make_report(ends_at=after(100_000))
    assert "2026-03-01 09:00:50" in PageRead(write_page(report)).text


def test_epochs_that_cover_the_same_time_are_warned_of() -> None:
    text = PageRead(write_page(make_report(epochs=(1, 2), epochs_overlap=True))).text
    assert "counted more than once. --epoch chooses one of 1, 2." in text
