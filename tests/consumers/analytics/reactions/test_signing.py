"""Secrets: what is none is told before anything starts, by the variable's name and never by what is in it."""

import base64
from pathlib import Path

import pytest

from consumers.analytics.reactions.signing import SecretUnusable, SigningKey, find_routes
from tests.consumers.analytics.reactions.made_rules import make_rule

KEY = bytes(range(32))
ENCODED = "whsec_" + base64.b64encode(KEY).decode()


def test_a_signature_is_what_openssl_makes_of_the_same() -> None:
    # printf %s 'msg_1.1674087231.{}' | openssl dgst -sha256 -mac HMAC -macopt hexkey:0001…1f -binary | base64
    signature = SigningKey(KEY).sign("msg_1", 1_674_087_231, b"{}")
    assert signature == "v1,BxU1mYCBV2ldG2HAG6MnEv0UJfY6XIfbCpPpj/9VI/Y="


def test_a_secret_is_base64_behind_its_prefix_and_otherwise_as_it_stands(tmp_path: Path) -> None:
    rule = make_rule(tmp_path, "wave", secret_variable="MINE")
    plain = "twenty-four-characters.."
    for secret, keys in (
        (ENCODED, [KEY]),
        (plain, [plain.encode()]),
        (f" {ENCODED}\n{plain} ", [KEY, plain.encode()]),
    ):
        assert find_routes([rule], {"MINE": secret})["told"].keys == tuple(map(SigningKey, keys))


@pytest.mark.parametrize("secret", [None, "", "  ", "hunter2", "whsec_hunter2!", "whsec_aHVudGVyMg==", "whsec_"])
def test_a_secret_that_is_none_is_told_by_the_name_of_its_variable(tmp_path: Path, secret: str | None) -> None:
    rule = make_rule(tmp_path, "wave", secret_variable="MINE")
    with pytest.raises(SecretUnusable, match="MINE") as caught:
        find_routes([rule], {} if secret is None else {"MINE": secret, "HOLISTIC_WEBHOOK_SECRET": ENCODED})
    assert caught.value.fields == {"variable": "MINE"}
    assert "hunter2" not in str(caught.value) + str(caught.value.hint)
    assert caught.value.__cause__ is None
