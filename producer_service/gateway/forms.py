"""A form with one file in it, out of a body that was read whole.

What the file calls itself is never looked at: names are what attacks come in.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from producer_service.gateway.errors import RequestRefused

FILE_FIELD: Final = "file"
_MAX_PARTS: Final = 16
_MAX_VALUE_BYTES: Final = 4096


@dataclass(frozen=True, slots=True)
class UploadForm:
    """The file's bytes, and the other fields' values."""

    file: bytes
    values: dict[str, str]


@dataclass(slots=True)
class _Part:
    header_name: bytearray = field(default_factory=bytearray)
    header_value: bytearray = field(default_factory=bytearray)
    disposition: bytes = b""
    data: list[bytes] = field(default_factory=list)


def parse_form(content_type: str, body: bytes, known: Iterable[str]) -> UploadForm:
    """The form of a `multipart/form-data` body. Raises RequestRefused: 415 another type, 400 not such a form.

    Fields must be `file`, exactly once, and the `known` ones, each at most once.
    """
    kind, options = parse_options_header(content_type)
    boundary = options.get(b"boundary", b"")
    if kind != b"multipart/form-data" or not boundary:
        raise RequestRefused(
            415,
            "not_a_form",
            "the body is no multipart form",
            "send the picture as the field `file`, or its bytes alone to /v1/images",
        )
    try:
        parts = _read_parts(boundary, body)
    except (FormParserError, ValueError) as error:
        raise RequestRefused(400, "damaged_form", "the form is damaged or cut off") from error
    files: list[bytes] = []
    values: dict[str, str] = {}
    expected = sorted(known)
    for part in parts:
        name = _name_field(part)
        if name == FILE_FIELD:
            files.append(part.data[0] if len(part.data) == 1 else b"".join(part.data))
        elif name not in expected:
            message = f"the form has an unknown field {name[:100]!r}"
            raise RequestRefused(400, "unknown_field", message, f"fields are file, {', '.join(expected)}")
        elif name in values:
            raise RequestRefused(400, "field_twice", f"the form has the field {name!r} twice")
        else:
            values[name] = _read_value(name, part)
    if len(files) != 1:
        message = f"the form has {len(files)} fields `{FILE_FIELD}`, and must have one"
        raise RequestRefused(400, "one_file_expected", message, "curl -F file=@picture.jpg sends one")
    return UploadForm(files[0], values)


def _read_parts(boundary: bytes, body: bytes) -> list[_Part]:
    parts: list[_Part] = []
    ended = False

    def begin() -> None:
        if len(parts) >= _MAX_PARTS:
            raise ValueError("too many parts")
        parts.append(_Part())

    def add_header_name(data: bytes, start: int, end: int) -> None:
        parts[-1].header_name += data[start:end]

    def add_header_value(data: bytes, start: int, end: int) -> None:
        parts[-1].header_value += data[start:end]

    def end_header() -> None:
        part = parts[-1]
        if part.header_name.lower() == b"content-disposition":
            part.disposition = bytes(part.header_value)
        part.header_name.clear()
        part.header_value.clear()

    def add_data(data: bytes, start: int, end: int) -> None:
        parts[-1].data.append(data[start:end])

    def end_all() -> None:
        nonlocal ended
        ended = True

    parser = MultipartParser(
        boundary,
        {
            "on_part_begin": begin,
            "on_header_field": add_header_name,
            "on_header_value": add_header_value,
            "on_header_end": end_header,
            "on_part_data": add_data,
            "on_end": end_all,
        },
    )
    parser.write(body)
    parser.finalize()
    if not ended:
        raise ValueError("no end")
    return parts


def _name_field(part: _Part) -> str:
    kind, options = parse_options_header(part.disposition)
    if kind != b"form-data" or b"name" not in options:
        raise RequestRefused(400, "damaged_form", "a part of the form has no name")
    return options[b"name"].decode("utf-8", "replace")


def _read_value(name: str, part: _Part) -> str:
    value = b"".join(part.data)
    if len(value) > _MAX_VALUE_BYTES:
        raise RequestRefused(400, "field_too_long", f"the field {name!r} has more than {_MAX_VALUE_BYTES} bytes")
    try:
        return value.decode()
    except UnicodeDecodeError as error:
        raise RequestRefused(400, "damaged_form", f"the field {name!r} is no UTF-8 text") from error
