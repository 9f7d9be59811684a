"""Which forms of a record's value a connector reads, under names a user of Kafka Connect gives as `value.converter`."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from keypoints.codec import Undecodable


class WireForm(StrEnum):
    """A form of a value. ANY: each record tells by its first bytes which it has."""

    ANY = "any"
    AVRO = "avro"
    JSON = "json"


CONVERTERS: Final[Mapping[str, WireForm]] = {
    "holistic.converters.AnyForm": WireForm.ANY,
    "holistic.converters.Avro": WireForm.AVRO,
    "holistic.converters.Json": WireForm.JSON,
}
KEY_CONVERTER: Final = "org.apache.kafka.connect.storage.StringConverter"

_JSON_START: Final = b"{"
_SPACE: Final = b" \t\r\n"


def read_converter(text: str) -> str:
    """The whole name of a converter; it may be given without its package, as `Avro`."""
    for name in CONVERTERS:
        if text in {name, name.rpartition(".")[2]}:
            return name
    raise ValueError(f"must be one of {', '.join(CONVERTERS)}")


def read_key_converter(text: str) -> str:
    """The one converter of keys; it may be given without its package."""
    if text not in {KEY_CONVERTER, KEY_CONVERTER.rpartition(".")[2]}:
        raise ValueError(f"must be {KEY_CONVERTER}")
    return KEY_CONVERTER


def check_form(value: bytes | None, wanted: WireForm) -> Undecodable | None:
    """What is wrong with a value's form, if anything is."""
    if wanted is WireForm.ANY or not value:
        return None
    found = WireForm.JSON if value[:64].lstrip(_SPACE).startswith(_JSON_START) else WireForm.AVRO
    if found is wanted:
        return None
    return Undecodable(f"the value looks like {found}, and value.converter takes {wanted} only", form=found.value)
