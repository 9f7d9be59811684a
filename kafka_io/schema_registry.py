"""The two calls we make of a Confluent-compatible schema registry.

Source: Confluent Schema Registry API, `POST /subjects/{subject}/versions` and `GET /schemas/ids/{id}`.
"""

import urllib.error
import urllib.parse
import urllib.request
from typing import Any

import orjson

from keypoints.errors import Terminal, Transient

_TIMEOUT_S = 5.0
_MEDIA_TYPE = "application/vnd.schemaregistry.v1+json"


class RegistryUnavailable(Transient):
    """The schema registry did not answer, or failed while answering."""


class RegistryRefused(Terminal):
    """The schema registry refused: an incompatible schema, an unknown id, a wrong address."""


def register_schema(url: str, subject: str, schema: dict[str, Any]) -> int:
    """Register a schema under a subject (again is no error) and return its id."""
    body = orjson.dumps({"schema": orjson.dumps(schema).decode(), "schemaType": "AVRO"})
    answer = _ask(url, f"/subjects/{urllib.parse.quote(subject, safe='')}/versions", body)
    return int(answer["id"])


def fetch_schema(url: str, registry_id: int) -> dict[str, Any]:
    """The schema with this id."""
    answer = _ask(url, f"/schemas/ids/{registry_id}", None)
    schema = orjson.loads(answer["schema"])
    if not isinstance(schema, dict):
        raise RegistryRefused(f"schema {registry_id} is no record", registry_id=registry_id)
    return schema


def _ask(url: str, path: str, body: bytes | None) -> dict[str, Any]:
    address = url.rstrip("/") + path
    if urllib.parse.urlsplit(address).scheme not in {"http", "https"}:
        raise RegistryRefused(f"{url} is no http address", url=url, hint="check SCHEMA_REGISTRY_URL")
    request = urllib.request.Request(address, body, {"Content-Type": _MEDIA_TYPE, "Accept": _MEDIA_TYPE})  # noqa: S310 - scheme checked above
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as response:  # noqa: S310 - scheme checked above
            answer: dict[str, Any] = orjson.loads(response.read())
            return answer
    except urllib.error.HTTPError as error:
        with error:
            detail = error.read(500).decode(errors="replace")
        kind = RegistryUnavailable if error.code >= 500 or error.code == 429 else RegistryRefused
        raise kind(f"schema registry answered {error.code} to {path}: {detail}", url=url, status=error.code) from error
    except (OSError, ValueError) as error:
        raise RegistryUnavailable(f"schema registry {url}: {error}", url=url) from error
