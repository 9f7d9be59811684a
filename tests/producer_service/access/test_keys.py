"""API keys: who is let in, whose a stream is, and what happens to the file meanwhile."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from producer_service.access.errors import Forbidden, KeysUnavailable, TooManyStreams, Unauthorized
from producer_service.access.key_file import KeyFileError, Right, create_key, read_keys, revoke_key
from producer_service.access.keys import ApiKeys

NOW = datetime(2026, 1, 2, tzinfo=UTC)
ALL = frozenset(Right)


def make_key(path: Path, name: str, *streams: str, rights: frozenset[Right] = ALL) -> str:
    return create_key(path, name, streams or ("*",), rights, NOW).token


def test_without_a_file_everybody_may_do_everything() -> None:
    keys = ApiKeys(None)
    caller = keys.authenticate(None)
    caller.check_owns("any stream at all")
    caller.check_may(Right.MANAGE)
    assert not keys.asks_who


def test_the_file_holds_no_token_and_is_its_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "api.json"
    token = make_key(path, "ada", "ada-*")
    assert token.startswith("hk_")
    assert len(token) >= 46
    assert token not in path.read_text()
    assert path.stat().st_mode & 0o777 == 0o600
    assert [entry.name for entry in path.parent.iterdir()] == ["api.json"]


def test_a_key_is_known_by_its_token_alone(tmp_path: Path) -> None:
    path = tmp_path / "api.json"
    ada, bob = make_key(path, "ada", "ada-*"), make_key(path, "bob", "bob")
    keys = ApiKeys(path)
    assert keys.asks_who
    assert keys.authenticate(ada).name == "ada"
    assert keys.authenticate(bob).name == "bob"
    sha256 = read_keys(path)[0].sha256
    for wrong in (None, "", "hk_", ada[:-1], ada + "x", ada.upper(), sha256, "x" * 1_000_000, "\ud800", "\0"):
        with pytest.raises(Unauthorized) as refused:
            keys.authenticate(wrong)
        assert refused.value.status == 401
        assert wrong is None or len(wrong) < 4 or wrong not in str(refused.value)


def test_a_key_owns_the_streams_of_its_patterns(tmp_path: Path) -> None:
    path = tmp_path / "api.json"
    token = make_key(path, "ada", "ada-*", "stage")
    caller = ApiKeys(path).authenticate(token)
    for own in ("ada-left", "ada-", "stage"):
        caller.check_owns(own)
    for foreign in ("ada", "bob-ada-1", "Ada-1", "stage2", "x\nada-1"):
        with pytest.raises(Forbidden) as refused:
            caller.check_owns(foreign)
        assert refused.value.status == 403


def test_a_key_has_only_the_rights_it_was_given(tmp_path: Path) -> None:
    path = tmp_path / "api.json"
    token = make_key(path, "publisher", rights=frozenset({Right.PUBLISH}))
    caller = ApiKeys(path).authenticate(token)
    caller.check_may(Right.PUBLISH)
    with pytest.raises(Forbidden):
        caller.check_may(Right.MANAGE)


def test_a_stream_another_key_opened_is_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "api.json"
    tokens = [make_key(path, "ada"), make_key(path, "bob")]
    keys = ApiKeys(path)
    ada, bob = (keys.authenticate(token) for token in tokens)
    claim, again = ada.claim("stage"), ada.claim("stage")
    with pytest.raises(Forbidden):
        bob.check_owns("stage")
    with pytest.raises(Forbidden):
        bob.claim("stage")
    claim.release()
    claim.release()
    with pytest.raises(Forbidden):
        bob.check_owns("stage")
    again.release()
    bob.claim("stage")
    with pytest.raises(Forbidden):
        ada.check_owns("stage")


def test_streams_open_at_once_are_counted_for_each_key(tmp_path: Path) -> None:
    path = tmp_path / "api.json"
    tokens = [make_key(path, "ada"), make_key(path, "bob")]
    keys = ApiKeys(path, streams_a_key=2)
    ada, bob = (keys.authenticate(token) for token in tokens)
    first = ada.claim("1")
    ada.claim("2")
    ada.claim("2")
    with pytest.raises(TooManyStreams) as refused:
        ada.claim("3")
    assert refused.value.status == 429
    bob.claim("4")
    first.release()
    ada.claim("3")


def test_a_revoked_key_is_refused_with_the_next_request(tmp_path: Path) -> None:
    path = tmp_path / "api.json"
    ada = make_key(path, "ada")
    keys = ApiKeys(path)
    bob = make_key(path, "bob")
    assert keys.authenticate(bob).name == "bob"
    revoke_key(path, "ada")
    with pytest.raises(Unauthorized):
        keys.authenticate(ada)
    with pytest.raises(KeyFileError, match="no key 'ada'"):
        revoke_key(path, "ada")
    assert keys.authenticate(bob).name == "bob"


def test_a_file_that_cannot_be_read_lets_nobody_in_until_it_can(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "api.json"
    token = make_key(path, "ada")
    keys = ApiKeys(path)
    good = path.read_text()
    path.write_text('{"keys": [{"name": "ada"')
    for _ in range(3):
        with pytest.raises(KeysUnavailable) as refused:
            keys.authenticate(token)
        assert refused.value.status == 503
    assert len(caplog.records) == 1
    path.write_text(good)
    assert keys.authenticate(token).name == "ada"
    path.unlink()
    with pytest.raises(KeysUnavailable):
        keys.authenticate(token)
    path.write_text(good)
    path.chmod(0o600)
    assert keys.authenticate(token).name == "ada"
    path.chmod(0o666)
    with pytest.raises(KeysUnavailable):
        keys.authenticate(token)
    path.chmod(0o600)
    assert keys.authenticate(token).name == "ada"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "damaged"),
        ("[]", "damaged"),
        ('{"keys": [{"name": "a b"}]}', "damaged"),
        ('{"keys": [], "more": 1}', "damaged"),
    ],
)
def test_a_service_does_not_begin_with_a_damaged_file(tmp_path: Path, content: str, says: str) -> None:
    path = tmp_path / "api.json"
    path.write_text(content)
    path.chmod(0o600)
    with pytest.raises(KeyFileError, match=says):
        ApiKeys(path)


def test_a_service_does_not_begin_without_its_file(tmp_path: Path) -> None:
    with pytest.raises(KeyFileError, match="cannot be read") as refused:
        ApiKeys(tmp_path / "nothing.json")
    assert "holistic keys create" in str(refused.value.hint)


def test_a_name_is_given_once_and_is_a_name(tmp_path: Path) -> None:
    path = tmp_path / "api.json"
    make_key(path, "ada")
    with pytest.raises(KeyFileError, match="already"):
        make_key(path, "ada")
    for wrong in ("", "a b", "../x", "x" * 65, "-a"):
        with pytest.raises(KeyFileError, match="cannot be a key's name"):
            make_key(path, wrong)
    assert [key.name for key in read_keys(path)] == ["ada"]
