"""Rows in Postgres' COPY BINARY form, encoded while Postgres reads them."""

from collections.abc import Iterator
from typing import Final

import pgpq
import pyarrow as pa

_ROWS_AT_ONCE: Final = 200
"""A few megabytes: what is encoded is sent on while it is in the processor's cache, and its memory used again."""
_BYTES_AT_ONCE: Final = 1 << 20


class CopyStream:
    """What COPY reads from. `failure` is what broke the encoding, which COPY itself only calls a failed read."""

    def __init__(self, rows: pa.RecordBatch) -> None:
        self._pieces = _encode(rows)
        self._rest = memoryview(b"")
        self.failure: Exception | None = None

    def read(self, size: int = -1) -> bytes:
        """At most `size` bytes, none at the end; all of them when it is negative."""
        if size < 0:
            return b"".join(iter(lambda: self.read(_BYTES_AT_ONCE), b""))
        while not len(self._rest):
            try:
                piece = next(self._pieces, None)
            except Exception as error:
                self.failure = error
                raise
            if piece is None:
                return b""
            self._rest = memoryview(piece)
        taken = self._rest[:size]
        self._rest = self._rest[len(taken) :]
        return bytes(taken)

    def readline(self, size: int = -1) -> bytes:
        """As `read`: psycopg2 wants the method and never calls it."""
        return self.read(size)


def _encode(rows: pa.RecordBatch) -> Iterator[bytes]:
    encoder = pgpq.ArrowToPostgresBinaryEncoder(rows.schema)
    yield encoder.write_header()
    for first in range(0, len(rows), _ROWS_AT_ONCE):
        yield encoder.write_batch(rows.slice(first, _ROWS_AT_ONCE))
    # Not only the trailer: the encoder holds back what is less than a megabyte.
    yield encoder.finish()
