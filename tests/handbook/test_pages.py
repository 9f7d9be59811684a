"""The reference says what the code does, and leaves nothing out."""

import re

import pytest

from connect_runtime.runtime_keys import RUNTIME_KEYS
from handbook.commands import walk_commands
from handbook.environment import OTHERS
from handbook.markdown import write_code, write_table
from handbook.metrics import find_metrics
from handbook.pages import DIRECTORY, TABLES, WRITERS, read_page
from handbook.sources import find_sources
from handbook.tables import write_tables
from handbook.topics import MEANINGS
from holistic_cli.main import VERBS
from keypoints.topics import SUITE_TOPICS
from local_stack import Endpoints

HOW = "python -m handbook write makes it anew"


@pytest.mark.parametrize("name", WRITERS)
def test_a_page_says_what_the_code_does(name: str) -> None:
    assert read_page(DIRECTORY / name) == WRITERS[name](), HOW


@pytest.mark.servers
def test_the_page_of_tables_says_what_the_migrations_make(stack: Endpoints) -> None:
    assert read_page(DIRECTORY / TABLES) == write_tables(stack.database_url), HOW


def test_every_verb_is_there() -> None:
    page = WRITERS["commands.md"]()
    assert {words[0] for words, _ in walk_commands()} == set(VERBS)
    for words, command in walk_commands():
        part = page.partition(f"## holistic {' '.join(words)}\n")[2].partition("\n## ")[0]
        shown = [param for param in command.params if not getattr(param, "hidden", False)]
        names = [param.opts[0] for param in shown if param.opts[0].startswith("--") and param.opts[0] != "--help"]
        assert [name for name in names if f"`{name}`" not in part] == []


def test_every_setting_and_topic_and_metric_is_there() -> None:
    for name, wanted in {
        "connectors.md": [key.name for key in RUNTIME_KEYS],
        "topics.md": [spec.name for spec in SUITE_TOPICS],
        "metrics.md": [one.name for found in find_metrics().values() for one in found],
    }.items():
        page = WRITERS[name]()
        assert [one for one in wanted if f"`{one}" not in page] == []
    assert len([one for found in find_metrics().values() for one in found]) > 60
    assert {spec.name for spec in SUITE_TOPICS} == set(MEANINGS)


def test_every_variable_that_is_read_is_there() -> None:
    reads = re.compile(
        r"environ(?:\.get\(|\[)\s*\"([A-Z][A-Z_]+)\"|envvar=\"([A-Z_]+)\"|\"((?:HOLISTIC|KAFKA)_[A-Z_]+)\""
    )
    page = WRITERS["environment.md"]()
    read = {
        next(filter(None, found.groups()))
        for path in find_sources()
        for found in reads.finditer(path.read_text(encoding="utf-8"))
    }
    foreign = {"PATH", "PYTHONPATH", "MPLCONFIGDIR"}
    missing = {name for name in read - foreign if f"`{name}`" not in page and not name.endswith("_")}
    assert missing == set()
    assert len(read) > len(OTHERS) / 2


def test_what_would_break_a_table_does_not() -> None:
    assert write_table(("a", "b"), [("x|y", "two\nlines")]).splitlines()[2] == "| x\\|y | two lines |"
    assert write_code("a`b") == "``a`b``"
    assert write_code("") == ""
