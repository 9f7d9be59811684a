"""Whether a stranger's Avro schema lets the size of a record bound what it takes to read it.

Avro 1.11 specification, "Data Serialization and Deserialization": null, a fixed of no bytes and a record of those take
no byte, so ten bytes may say that an array holds a billion of them; and a record within itself nests as deep as its
writer likes, which ends in the reader's stack and not in an error.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from keypoints.schemas import SchemaRefused

MOST_TYPES: Final = 10_000
"""Types to be read, each as often as it is referred to. A frame has forty."""
MOST_DEEP: Final = 32
MOST_TYPES_A_BYTE: Final = 4
"""Of an array's item, for each byte that it takes at least."""
_LEAST_BYTES: Final = {
    "null": 0, "boolean": 1, "int": 1, "long": 1, "float": 4, "double": 8, "bytes": 1, "string": 1, "enum": 1,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Weight:
    """How many types are read for a value, and how many bytes it takes at least."""

    types: int
    least_bytes: int


def check_bounds(schema: object) -> None:
    """Raise SchemaRefused for a schema that must not be read with; what is wrong otherwise is left to the reader."""
    _weigh(schema, {}, "", 0)


def _weigh(schema: object, named: dict[str, object], namespace: str, depth: int) -> _Weight:
    if depth > MOST_DEEP:
        raise SchemaRefused(f"the schema nests more than {MOST_DEEP} types, or refers to itself")
    if isinstance(schema, list):
        types = 1
        for branch in schema:
            types += _weigh(branch, named, namespace, depth + 1).types
            _checked(types, 1)
        return _Weight(types, 1)
    if isinstance(schema, str):
        if schema in _LEAST_BYTES:
            return _Weight(1, _LEAST_BYTES[schema])
        definition = named.get(f"{namespace}.{schema}", named.get(schema.lstrip(".")))
        if definition is None:
            raise SchemaRefused(f"the schema names {schema[:100]!r}, which it does not define")
        return _weigh(definition, named, namespace, depth + 1)
    if not isinstance(schema, Mapping):
        raise SchemaRefused(f"no Avro schema: {type(schema).__name__}")
    return _weigh_complex(schema, named, namespace, depth)


def _weigh_complex(schema: Mapping[str, object], named: dict[str, object], namespace: str, depth: int) -> _Weight:
    kind = schema.get("type")
    own_namespace = schema.get("namespace", namespace)
    namespace = own_namespace if isinstance(own_namespace, str) else namespace
    if isinstance(name := schema.get("name"), str):
        # By its last part as well: a reader that finds it by that must find it here.
        named[name.rpartition(".")[2]] = schema
        named[name if "." in name else f"{namespace}.{name}"] = schema
        namespace = name.rpartition(".")[0] if "." in name else namespace
    # Tuples, not sets: a type may be a mapping again.
    if kind in ("record", "error"):
        types, least_bytes = 1, 0
        fields = schema.get("fields")
        for field in fields if isinstance(fields, list) else ():
            weight = _weigh(field.get("type") if isinstance(field, Mapping) else None, named, namespace, depth + 1)
            types, least_bytes = types + weight.types, least_bytes + weight.least_bytes
            _checked(types, least_bytes)
        return _Weight(types, least_bytes)
    if kind in ("array", "map"):
        item = _weigh(schema.get("items" if kind == "array" else "values"), named, namespace, depth + 1)
        # A map's value comes with a key, which has a length.
        least_bytes = item.least_bytes + (1 if kind == "map" else 0)
        if item.types > MOST_TYPES_A_BYTE * least_bytes:
            raise SchemaRefused(f"the schema has {kind}s whose {item.types} types may take {least_bytes} bytes an item")
        return _checked(1 + item.types, 1)
    if kind == "fixed":
        size = schema.get("size")
        return _Weight(1, size if isinstance(size, int) and size > 0 else 0)
    # `{"type": "long", "logicalType": …}` and `{"type": {…}}`.
    return _weigh(kind, named, namespace, depth + 1)


def _checked(types: int, least_bytes: int) -> _Weight:
    if types > MOST_TYPES:
        raise SchemaRefused(f"the schema has more than {MOST_TYPES} types to be read")
    return _Weight(types, least_bytes)
