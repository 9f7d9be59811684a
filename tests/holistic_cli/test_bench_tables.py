"""What a bench found is read whole, however narrow the terminal."""

import pytest

from holistic_cli.bench_tables import print_headline
from proving.headline import find_ceiling
from proving.report import Audit, Headline
from tests.proving.made_steps import make_step


def test_every_effects_name_and_figure_is_there_where_a_terminal_has_eighty_columns(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    steps = [make_step(800), make_step(1_000)]
    print_headline(Headline({}, 6, 1, steps[0], {}, steps[1:], find_ceiling(steps), Audit(1_000, 0, 0, clean=True)))
    said = capsys.readouterr().out
    assert "…" not in said
    assert all(name in said for name in steps[0].effects)
    assert "waited first" in said
    assert "datagram p99" in said
