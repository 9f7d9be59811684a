"""The Avro schema of a frame, its fingerprint, and where a reader finds the schemas of other writers."""

from typing import Any, Final, Protocol

import fastavro.schema

from keypoints.errors import Terminal, Transient
from keypoints.landmarks import PART_SHAPES, Part

Schema = dict[str, Any]

_PART_DOCS: Final = {
    Part.POSE: "33 points of x, y, z, visibility; x and y are fractions of image width and height",
    Part.POSE_WORLD: "33 points of x, y, z, visibility in metres, origin between the hips, y down",
    Part.FACE: "478 points of x, y, z (468 without refined irises), as fractions of the image",
    Part.LEFT_HAND: "21 points of x, y, z of the person's left hand, as fractions of the image",
    Part.RIGHT_HAND: "21 points of x, y, z of the person's right hand, as fractions of the image",
}


def _micros(name: str, doc: str) -> Schema:
    return {"name": name, "type": {"type": "long", "logicalType": "timestamp-micros"}, "doc": doc}


FRAME_SCHEMA: Final[Schema] = {
    "type": "record",
    "name": "HolisticFrame",
    "namespace": "holistic.tracking",
    "doc": "What MediaPipe Holistic saw of one performer in one image. A part not seen is null.",
    "fields": [
        {"name": "stream_id", "type": "string", "doc": "the performer's stream; also the record's key"},
        {"name": "sequence", "type": "long", "doc": "counts processed frames of a stream and epoch without gaps"},
        {"name": "epoch", "type": "long", "doc": "changes whenever the tracking state was reset"},
        _micros("captured_at", "when the image was taken"),
        _micros("processed_at", "when its landmarks were ready"),
        {"name": "width", "type": "int", "doc": "image width in pixels"},
        {"name": "height", "type": "int", "doc": "image height in pixels"},
        {"name": "mirrored", "type": "boolean", "doc": "the source was mirrored; sides have been put right"},
        {"name": "model", "type": "string", "doc": "the landmarker and its settings"},
        *(
            {
                "name": part.value,
                "type": ["null", {"type": "array", "items": "float"}],
                "default": None,
                "doc": _PART_DOCS[part],
            }
            for part in PART_SHAPES
        ),
    ],
}


def fingerprint_schema(schema: Schema | str) -> bytes:
    """8 bytes, little endian: the CRC-64-AVRO (Rabin) fingerprint of the schema's parsing canonical form.

    Source: Avro 1.11 specification, "Schema Fingerprints" and "Single-object encoding".
    """
    canonical = fastavro.schema.to_parsing_canonical_form(schema)
    return bytes.fromhex(fastavro.schema.fingerprint(canonical, "CRC-64-AVRO"))


FRAME_FINGERPRINT: Final = fingerprint_schema(FRAME_SCHEMA)


class SchemaRefused(Terminal):
    """A schema by which a small record could take all the time, memory or stack there is."""


class SchemaUnknown(Transient):
    """The writer's schema is not known yet. Fields: fingerprint (hex) or schema_id."""


class SchemaLookup(Protocol):
    """Finds the schema a record was written with; both raise SchemaUnknown when nobody has announced it."""

    def by_fingerprint(self, fingerprint: bytes) -> Schema:
        """The schema of an 8-byte little-endian CRC-64-AVRO fingerprint."""

    def by_registry_id(self, schema_id: int) -> Schema:
        """The schema of a Confluent-compatible registry's id."""
