"""Every statement on the page for those who type SQL runs as it stands there."""

import re
import time
from pathlib import Path

import pytest

from tests.consumers.archive.made_frames import make_batch
from tests.consumers.archive.postgres_under_test import ask, open_sink

pytestmark = pytest.mark.servers

PAGE = (Path(__file__).parents[3] / "docs" / "postgres.md").read_text(encoding="utf-8")


def test_the_statements_of_the_page_find_something(database_url: str) -> None:
    now_us = time.time_ns() // 1000
    with open_sink(database_url, now_us=lambda: now_us) as sink:
        sink.put(make_batch(300, starts_at_us=now_us - 30_000_000))
        sink.put(make_batch(1, first_offset=300, starts_at_us=0))
        sink.flush()
    statements = re.findall(r"```sql\n(.*?)```", PAGE, re.DOTALL)
    assert len(statements) > 3
    for statement in statements:
        assert ask(database_url, statement) or "abs(" in statement, statement


def test_the_page_names_every_view_and_function(database_url: str) -> None:
    views = ask(database_url, "SELECT viewname FROM pg_views WHERE schemaname = 'public'")
    functions = ask(
        database_url,
        "SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND proname !~ '_index$|^make_'",
    )
    assert [name for (name,) in views + functions if f"`{name}" not in PAGE] == []
