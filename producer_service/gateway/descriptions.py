"""What the OpenAPI document says of bodies and of errors."""

from typing import Any, Final

from producer_service.gateway.errors import ErrorAnswer
from producer_service.gateway.wishes import CAPTURE_TIME_PATTERN

_MEANINGS: Final[dict[int, str]] = {
    400: "The request cannot be read, or a value in it is wrong.",
    401: "An API key is needed, or this one is not known.",
    403: "The key has no right to that, or the stream is another's.",
    404: "There is no such stream, or no such file.",
    408: "The body came in too slowly.",
    409: "The stream is open already, or was closed meanwhile.",
    413: "The body, or the picture in it, is too large.",
    415: "Not a JPEG, PNG or WebP picture, or not the form that is expected.",
    422: "The picture is damaged, takes too long to decode, or shows nobody.",
    429: "Too many requests, or too many streams, for this key.",
    503: "No room at the moment, or Kafka is away; `Retry-After` says when to try again.",
}
_RETRY_AFTER: Final = {"Retry-After": {"description": "Seconds.", "schema": {"type": "integer", "minimum": 1}}}

_FORM_FIELDS: Final[dict[str, Any]] = {
    "file": {"type": "string", "format": "binary", "description": "A JPEG, PNG or WebP picture."},
    "stream": {"type": "string", "description": "Name of the stream."},
    "captured_at": {"type": "string", "pattern": CAPTURE_TIME_PATTERN, "description": "ISO 8601, or ms since 1970."},
    "mirrored": {"type": "string", "enum": ["true", "false"]},
    "landmarks": {"type": "string", "enum": ["true", "false"]},
}
FORM_BODY: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "properties": _FORM_FIELDS,
                    "required": ["file"],
                    "additionalProperties": False,
                },
                "encoding": {"file": {"contentType": "image/jpeg, image/png, image/webp"}},
            }
        },
    }
}
PICTURE_BODY: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {
            f"image/{kind}": {"schema": {"type": "string", "format": "binary"}} for kind in ("jpeg", "png", "webp")
        },
    }
}


def describe_errors(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """FastAPI's `responses` for these."""
    return {
        status: {
            "model": ErrorAnswer,
            "description": _MEANINGS[status],
            **({"headers": _RETRY_AFTER} if status in {429, 503} else {}),
        }
        for status in statuses
    }
