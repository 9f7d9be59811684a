"""Two runs are compared figure by figure."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from proving.history import NoRun, compare_runs, keep_run, read_run

AT = datetime(2026, 3, 1, 12, 30, 5, tzinfo=UTC)


def test_a_run_that_was_kept_is_read_again_by_its_kind_and_time(tmp_path: Path) -> None:
    path = keep_run({"hold": {"achieved_rate": 800.0}}, tmp_path / "runs", "headline", AT)
    assert path.name == "headline-20260301T123005.json"
    assert read_run(path)["hold"] == {"achieved_rate": 800.0}


def test_trials_are_compared_by_their_names() -> None:
    before = {"trials": [{"name": "2 replicas", "step": {"asked_rate": 400.0}, "ms_a_frame": {"avatar": 2.0}}]}
    after = {"trials": [{"name": "2 replicas", "step": {"asked_rate": 400.0}, "ms_a_frame": {"avatar": 1.0}}]}
    ratios = {ratio.figure: ratio.ratio for ratio in compare_runs(before, after)}
    assert ratios["trials 2 replicas · ms_a_frame · avatar"] == 0.5


def test_runs_of_different_benches_are_not_compared() -> None:
    with pytest.raises(NoRun, match="one is a run of soak, the other of headline"):
        compare_runs({"kind": "soak", "rate": 1.0}, {"kind": "headline", "rate": 2.0})


def test_figures_are_compared_as_ratios_and_steps_by_their_rate() -> None:
    before = {
        "hold": {"mean_ms": 20.0},
        "climb": [{"asked_rate": 1_000.0, "p99_ms": 50.0}],
        "machine": {"processors": 2},
    }
    after = {
        "hold": {"mean_ms": 10.0},
        "climb": [{"asked_rate": 1_000.0, "p99_ms": 75.0}],
        "machine": {"processors": 4},
    }
    ratios = {ratio.figure: ratio.ratio for ratio in compare_runs(before, after)}
    assert ratios == {"hold · mean_ms": 0.5, "climb 1000 · asked_rate": 1.0, "climb 1000 · p99_ms": 1.5}


def test_a_figure_only_one_of_them_has_is_left_out_and_nothing_is_divided_by_zero() -> None:
    ratios = compare_runs({"lag": 0.0, "only": 1.0}, {"lag": 3.0})
    assert [(ratio.figure, ratio.ratio) for ratio in ratios] == [("lag", None)]


@pytest.mark.parametrize("content", ["", "[1]", '{"hold": 1}'])
def test_a_file_that_is_no_run_is_refused_by_its_name(tmp_path: Path, content: str) -> None:
    path = tmp_path / "other.json"
    path.write_text(content)
    with pytest.raises(NoRun, match=r"other\.json"):
        read_run(path)
