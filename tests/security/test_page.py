"""The page on security names tests and targets that are there, and every login and role that scripts make."""

from __future__ import annotations

import re

from deploy.security.grants import ACCOUNTS
from deploy.security.postgres_roles import MIGRATOR, READER, TEACHER, WRITER
from tests.conftest import REPOSITORY
from tests.security.fuzz.all_targets import ALL

PAGE = (REPOSITORY / "docs" / "security.md").read_text(encoding="utf-8")


def test_every_test_it_leans_on_is_there() -> None:
    named = set(re.findall(r"`((?:\w+/)+(?:test_\w+\.py)?)`", PAGE.replace("tests/", "")))
    assert len(named) > 25
    missing = {name for name in named if not (REPOSITORY / "tests" / name).exists()}
    assert missing <= {"build/sbom/"}
    shortened = set(re.findall(r"`…/((?:\w+/)*test_\w+\.py)`", PAGE))
    assert [name for name in shortened if not list((REPOSITORY / "tests").rglob(name))] == []


def test_every_decoder_it_says_is_fuzzed_is() -> None:
    told = {name for line in PAGE.splitlines() if "fuzzed:" in line
            for name in re.findall(r"`([a-z-]+)`", line.partition("fuzzed:")[2])}  # fmt: skip
    assert len(told) > 15
    assert told <= ALL.keys()
    assert f"one of {len(ALL)} decoders" in PAGE


def test_every_login_and_role_is_named() -> None:
    for name in (*(account.name for account in ACCOUNTS), WRITER, READER, TEACHER, MIGRATOR):
        assert f"`{name}`" in PAGE, name
