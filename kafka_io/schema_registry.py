"""The calls we make of a Confluent-compatible schema registry.

Source: Confluent Schema Registry API, `GET|POST /subjects/{subject}/versions`, `PUT /config/{subject}` and
`GET /schemas/ids/{id}`.
"""

import logging
import urllib.error
import urllib.parse
import urllib.request
from typing import Any

import orjson

from keypoints.errors import Terminal, Transient

log = logging.getLogger(__name__)

_TIMEOUT_S = 5.0
_MEDIA_TYPE = "application/vnd.schemaregistry.v1+json"
_NOT_FOUND = 404
_MOST_BYTES = 4 * 1024 * 1024
"""Of an answer; a longer one is cut off, and then no JSON."""
_HINTS = {
    401: "does SCHEMA_REGISTRY_URL name a user the registry knows?",
    403: "this user may not write to the subject",
    409: "the subject's schemas are not compatible with this one: another topic, or another compatibility, is needed",
}
COMPATIBILITY = "FULL"
"""Of the subjects we make."""


class RegistryUnavailable(Transient):
    """The schema registry did not answer, or failed while answering."""


class RegistryRefused(Terminal):
    """The schema registry refused: an incompatible schema, an unknown id, a wrong address."""


def register_schema(url: str, subject: str, schema: dict[str, Any]) -> int:
    """Register a schema under a subject (again is no error) and return its id.

    A subject that is not there yet is made with compatibility FULL: old readers read new frames and new readers old
    ones. One that is there keeps what it has. Where the registry refuses that setting it is said in the log, and the
    schema counts. Raises RegistryUnavailable or RegistryRefused.
    """
    quoted = urllib.parse.quote(subject, safe="")
    is_new = not _has_versions(url, quoted)
    answer = _ask(url, f"/subjects/{quoted}/versions", {"schema": orjson.dumps(schema).decode(), "schemaType": "AVRO"})
    if is_new:
        try:
            _ask(url, f"/config/{quoted}", {"compatibility": COMPATIBILITY}, method="PUT")
        except RegistryRefused as error:
            log.warning("the subject %s has no compatibility of its own: %s", subject, error.message)
    return read_id(answer, url)


def _has_versions(url: str, quoted_subject: str) -> bool:
    try:
        _ask(url, f"/subjects/{quoted_subject}/versions", None)
    except RegistryRefused as error:
        if error.fields.get("status") == _NOT_FOUND:
            return False
        raise
    return True


def fetch_schema(url: str, registry_id: int) -> dict[str, Any]:
    """The schema with this id. Raises RegistryUnavailable or RegistryRefused."""
    return read_schema(_ask(url, f"/schemas/ids/{registry_id}", None), url)


def read_id(answer: object, url: str) -> int:
    """The id in a registry's answer to a registration. Raises RegistryRefused."""
    found = answer.get("id") if isinstance(answer, dict) else None
    if isinstance(found, bool) or not isinstance(found, int) or not 0 <= found < 2**31:
        raise _refuse_answer(url)
    return found


def read_schema(answer: object, url: str) -> dict[str, Any]:
    """The schema in a registry's answer to a question for one. Raises RegistryRefused."""
    text = answer.get("schema") if isinstance(answer, dict) else None
    if not isinstance(text, str):
        raise _refuse_answer(url)
    try:
        schema = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise _refuse_answer(url) from error
    if not isinstance(schema, dict):
        raise RegistryRefused(f"what {url} has is no schema of records", url=url)
    return schema


def _refuse_answer(url: str) -> RegistryRefused:
    return RegistryRefused(f"{url} does not answer as a schema registry", url=url, hint="check SCHEMA_REGISTRY_URL")


def _ask(url: str, path: str, content: dict[str, str] | None, method: str | None = None) -> Any:
    address = url.rstrip("/") + path
    if urllib.parse.urlsplit(address).scheme not in {"http", "https"}:
        raise RegistryRefused(f"{url} is no http address", url=url, hint="check SCHEMA_REGISTRY_URL")
    body = None if content is None else orjson.dumps(content)
    headers = {"Content-Type": _MEDIA_TYPE, "Accept": _MEDIA_TYPE}
    request = urllib.request.Request(address, body, headers, method=method)  # noqa: S310 - scheme checked above
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as response:  # noqa: S310 - scheme checked above
            return orjson.loads(response.read(_MOST_BYTES))
    except urllib.error.HTTPError as error:
        with error:
            detail = error.read(500).decode(errors="replace")
        kind = RegistryUnavailable if error.code >= 500 or error.code == 429 else RegistryRefused
        raise kind(
            f"schema registry answered {error.code} to {path}: {detail}",
            hint=_HINTS.get(error.code),
            url=url,
            status=error.code,
        ) from error
    except (OSError, ValueError) as error:
        raise RegistryUnavailable(f"schema registry {url}: {error}", url=url) from error
