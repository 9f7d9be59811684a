"""What tables and messages look like on a screen."""

import ast
from pathlib import Path

import pytest
from typer.testing import CliRunner

import holistic_cli
from holistic_cli.main import app


def list_consoles() -> list[tuple[str, ast.Call]]:
    """Every console that a verb makes, by file and line."""
    found: list[tuple[str, ast.Call]] = []
    for path in sorted(Path(holistic_cli.__file__).parent.rglob("*.py")):
        found += [
            (f"{path.name}:{node.lineno}", node)
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Console"
        ]
    return found


def test_a_name_with_colons_is_shown_as_it_is_and_not_as_a_picture() -> None:
    consoles = list_consoles()
    assert len(consoles) > 20
    for place, call in consoles:
        said = {keyword.arg: keyword.value for keyword in call.keywords}
        assert isinstance(said.get("emoji"), ast.Constant), f"{place}: stage:cat:left would show a cat"
        assert ast.literal_eval(said["emoji"]) is False


def test_an_archive_without_files_is_said_to_have_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOLISTIC_ARCHIVE_DIR", str(tmp_path))
    answer = CliRunner().invoke(app, ["files"])
    assert answer.exit_code == 0
    assert f"nothing is archived in {tmp_path}" in answer.stderr
    assert "0 files" in answer.stdout
