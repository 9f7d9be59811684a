"""`holistic keys` on a file, no servers needed."""

from pathlib import Path
from typing import Any

import orjson

from producer_service.access.key_file import Right
from producer_service.access.keys import ApiKeys
from tests.holistic_cli.test_main import run_holistic


def run(path: Path, *arguments: str, code: int = 0) -> str:
    done = run_holistic("keys", *arguments, HOLISTIC_API_KEYS_FILE=str(path))
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + (done.stderr if code else "")


def as_json(text: str) -> Any:
    return orjson.loads(text)


def test_a_key_that_was_made_lets_in_until_it_is_revoked(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    # The key alone is on stdout, so that it can be put where it belongs.
    token = run(path, "create", "ada").strip()
    made = as_json(run(path, "create", "boss", "--stream", "*", "--stream", "stage", "--manage", "--json"))
    keys = ApiKeys(path)
    ada, boss = keys.authenticate(token), keys.authenticate(made["key"])
    assert (ada.streams, ada.rights) == (("ada-*",), frozenset({Right.PUBLISH}))
    assert (boss.streams, boss.rights) == (("*", "stage"), frozenset(Right))
    listed = as_json(run(path, "list", "--json"))
    assert [key["name"] for key in listed] == ["ada", "boss"]
    assert token not in str(listed)
    assert "ada-*" in run(path, "list")
    run(path, "revoke", "ada")
    assert [key["name"] for key in as_json(run(path, "list", "--json"))] == ["boss"]


def test_what_cannot_be_done_is_said(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    assert "cannot be read" in run(path, "list", code=1)
    run(path, "create", "ada")
    assert "already" in run(path, "create", "ada", code=1)
    assert "no key" in run(path, "revoke", "bob", code=1)
    assert "owns no stream" in run(path, "create", "bob", "--stream", "", code=1)
    run(path, "create", code=2)
