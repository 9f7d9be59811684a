"""Secrets among settings."""

import pytest

from connect_runtime.config_keys import ConfigKey, Kind, read_text
from connect_runtime.secrets import MASK, is_secret, mask_config, restore_masked


@pytest.mark.parametrize(
    "name",
    [
        "consumer.override.sasl.plain.password",
        "consumer.override.ssl.password",
        "consumer.override.sasl.jaas.config",
        "oauth.client.secret",
        "bearer.token",
        "basic.auth.user.info",
    ],
)
def test_a_setting_that_sounds_secret_is_masked(name: str) -> None:
    assert mask_config({name: "sesame"}) == {name: MASK}


@pytest.mark.parametrize("name", ["consumer.override.sasl.oauth.token.provider", "oauth.token.endpoint.url", "topics"])
def test_a_setting_that_only_speaks_of_secrets_is_not(name: str) -> None:
    assert not is_secret(name)


def test_the_password_in_an_address_is_masked_and_the_address_is_not() -> None:
    shown = mask_config({"connection.url": "postgresql://ada:sesame@db:5432/frames"})
    assert shown == {"connection.url": f"postgresql://ada:{MASK}@db:5432/frames"}


def test_settings_shown_and_sent_back_keep_their_secrets() -> None:
    keys = [ConfigKey("door", read_text, None, "What opens it.", kind=Kind.PASSWORD)]
    stored = {"door": "sesame", "address": "http://ada:sesame@host/", "tasks.max": "1"}
    sent_back = mask_config(stored, keys) | {"tasks.max": "2"}
    assert restore_masked(sent_back, stored, keys) == stored | {"tasks.max": "2"}
    assert restore_masked({"door": "rosebud"}, stored, keys) == {"door": "rosebud"}
