"""Secrets among settings: which they are, and how a configuration is shown without them."""

import re
from collections.abc import Mapping, Sequence
from typing import Final

from connect_runtime.config_keys import ConfigKey, Kind

MASK: Final = "********"

_SECRET_WORDS: Final = re.compile(r"password|passwd|secret|token|credential|private|jaas|basic\.auth|api\.?key", re.I)
# Of what the words above also find, these are no secrets.
_OPEN_NAMES: Final = re.compile(r"(provider|endpoint|url|file|location|class|timeout\.ms|interval\.ms)$", re.I)
_LOGIN_IN_ADDRESS: Final = re.compile(r"(://[^/@:\s]*:)[^/@\s]+(@)")


def is_secret(name: str, keys: Sequence[ConfigKey] = ()) -> bool:
    """Whether a setting's value must not be shown: it says so itself, or its name does."""
    if any(key.name == name and key.type is Kind.PASSWORD for key in keys):
        return True
    return _SECRET_WORDS.search(name) is not None and _OPEN_NAMES.search(name) is None


def mask_value(name: str, value: str, keys: Sequence[ConfigKey] = ()) -> str:
    """The value as it may be shown; the password in an address is masked as well."""
    if value and is_secret(name, keys):
        return MASK
    return _LOGIN_IN_ADDRESS.sub(rf"\g<1>{MASK}\g<2>", value)


def mask_config(config: Mapping[str, str], keys: Sequence[ConfigKey] = ()) -> dict[str, str]:
    """The settings as they may be shown."""
    return {name: mask_value(name, value, keys) for name, value in config.items()}


def restore_masked(
    given: Mapping[str, str], stored: Mapping[str, str], keys: Sequence[ConfigKey] = ()
) -> dict[str, str]:
    """What a client means that sends back settings it was shown: a masked value is the stored one."""
    return {
        name: stored[name] if _is_mask_of(name, value, stored.get(name), keys) else value
        for name, value in given.items()
    }


def _is_mask_of(name: str, value: str, stored: str | None, keys: Sequence[ConfigKey]) -> bool:
    return stored is not None and value == mask_value(name, stored, keys)
