"""Values of restored records, made anew: the archive keeps what a value says, not its bytes.

Our encoder writes the same frame the same way each time, so that records our producers wrote in Avro come out byte for
byte. Others come out in the form their content type names, equal when decoded.
"""

from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from keypoints.codec import encode_avro, encode_json
from keypoints.frame import FrameBatch
from keypoints.landmarks import PART_SHAPES
from keypoints.topics import CONTENT_TYPE_HEADER, JSON_CONTENT_TYPE, Headers

_PLAIN_NAN: Final = np.array(np.nan, dtype=np.float32).view(np.uint32)


def encode_values(batch: FrameBatch, registry_id: int | None) -> Iterator[bytes]:
    """Each row's value, in order.

    Avro in Confluent's framing where `registry_id` is given, else with the single-object header. JSON where the
    record's content type says so, unless it has numbers JSON has no words for.
    """
    as_json = np.array([_is_json(headers) for headers in batch.headers], dtype=np.bool_)
    if as_json.any():
        as_json &= _fits_json(batch)
    for row, json in enumerate(as_json.tolist()):
        frame = batch.frame(row)
        yield encode_json(frame) if json else encode_avro(frame, registry_id=registry_id)


def _is_json(headers: Headers) -> bool:
    said = next((value for name, value in headers if name == CONTENT_TYPE_HEADER and value), b"")
    return said.split(b";")[0].strip().lower() == JSON_CONTENT_TYPE.encode()


def _fits_json(batch: FrameBatch) -> NDArray[np.bool_]:
    """bool (N,): whether every coordinate is a number, or the one NaN that null is read as."""
    fits = np.ones(len(batch), dtype=np.bool_)
    for part in PART_SHAPES:
        values = batch.part(part)
        odd = ~np.isfinite(values) & (values.view(np.uint32) != _PLAIN_NAN)
        fits &= ~(odd.any(axis=(1, 2)) & batch.present(part))
    return fits
