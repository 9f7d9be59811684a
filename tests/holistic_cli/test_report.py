"""`holistic report`: a page in a file, on standard output, or figures as JSON."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
from typer.testing import CliRunner

from holistic_cli.main import app
from keypoints.errors import HolisticError
from tests.consumers.analytics.report.made_rows import keep, panes, result, session

NOWHERE = "postgresql://a@127.0.0.1:1/b"
NAME = "<script>alert(1)</script> & yoga"


def report(*arguments: object, database: str = NOWHERE, code: int = 0) -> str:
    """What is printed; what went wrong where it ends with another code."""
    settings = {"COLUMNS": "200", "TERM": "dumb", "DATABASE_URL": database}
    done = CliRunner().invoke(app, ["report", *map(str, arguments)], env=settings)
    ended, said = done.exit_code, done.stderr
    if isinstance(done.exception, HolisticError):
        ended, said = 1, f"{done.exception.message} {done.exception.hint}"
    assert ended == code, (done.output, done.exception)
    return " ".join(said.split()) if code else done.stdout


@pytest.mark.servers
def test_a_page_is_written_and_the_same_figures_are_told_as_json(
    make_database: Callable[[], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = make_database()
    keep(
        database,
        found=[result(NAME, 5, epoch=1), result(NAME, 70, epoch=2), result(NAME, 80, None, epoch=2)],
        seen=[*panes(NAME, 0, 60), *panes(NAME, 60, 120, epoch=2)],
        known=[session(NAME, 59), session(NAME, 119, epoch=2)],
    )
    monkeypatch.chdir(tmp_path)
    assert report(NAME, database=database) == "report-_script_alert_1_script_yoga.html is written\n"
    written = Path("report-_script_alert_1_script_yoga.html").read_text(encoding="utf-8")
    assert "<script" not in written
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; yoga" in written
    assert report(NAME, "--out", "-", database=database) == written
    report(NAME, "--out", tmp_path / "other.html", database=database)
    assert (tmp_path / "other.html").read_text(encoding="utf-8") == written
    assert sorted(path.name for path in tmp_path.iterdir()) == ["other.html", "report-_script_alert_1_script_yoga.html"]

    def ask(*options: str) -> dict[str, Any]:
        told: dict[str, Any] = orjson.loads(report(NAME, "--json", *options, database=database))
        return told

    figures = ask()
    assert figures["stream_id"] == NAME
    assert (figures["begins_at"], figures["seen"]["frames"]) == ("2026-03-01T09:00:00Z", 3_600)
    assert figures["totals"][0]["count"] == 3
    assert figures["totals"][0]["going_on"] == 1
    assert ask("--epoch", "1")["totals"][0]["count"] == 1
    assert ask("--last", "45s")["seen"]["frames"] == 1_500
    assert ask("--from", "2026-03-01T09:00:30Z", "--to", "2026-03-01T09:01:15Z")["totals"][0]["count"] == 1
    assert "was seen from" in report(NAME, "--to", "2020-01-01", database=database, code=1)


@pytest.mark.servers
def test_a_stream_that_is_not_there_is_answered_with_those_that_look_like_it(make_database: Callable[[], str]) -> None:
    database = make_database()
    keep(database, known=[session("studio-camera", 1)])
    said = report("studio_camera", database=database, code=1)
    assert said == "analytics has not seen a stream studio_camera there is studio-camera"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--from", "1h", "--last", "2h"), "either --from or --last"),
        (("--from", "1h", "--to", "2h"), "the range is empty"),
        (("--from", "latest"), "is no time"),
        (("--last", "yesterday"), "is no duration"),
        (("--json", "--out", "-"), "it prints figures"),
        (("--open", "--out", "-"), "there is no file to open"),
    ],
)
def test_wishes_that_contradict_one_another_are_refused(options: tuple[str, ...], said: str) -> None:
    assert said in report("ada", *options, code=2)


def test_a_database_that_does_not_answer_is_said_to_be_so() -> None:
    assert "is Postgres up" in report("ada", code=1)
