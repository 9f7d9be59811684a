"""The taught gestures in Postgres, where every replica reads them when it opens."""

import logging
from collections.abc import Iterable, Sequence
from typing import Any, Final

import orjson
from pydantic import ValidationError
from sqlalchemy import Column, DateTime, Engine, Table, Text, delete, inspect, select
from sqlalchemy.dialects.postgresql import JSONB, insert

from consumers.analytics.database import transaction
from consumers.analytics.tables import METADATA, SCHEMA
from consumers.analytics.taught.gesture import GESTURE, TaughtGesture
from keypoints.errors import Terminal

taught_gestures: Final = Table(
    "taught_gestures",
    METADATA,
    Column("name", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("hand", Text, nullable=False),
    Column("examples", JSONB, nullable=False),
    Column("version", Text, nullable=False),
    Column("taught_at", DateTime(timezone=True), nullable=False),
    Column("source", Text, nullable=False),
)

logger = logging.getLogger(__name__)


class TaughtUnreadable(Terminal):
    """A row that this version cannot recognise by. Fields: name."""


class TaughtStore:
    """Each call is one transaction, and raises StoreUnavailable (Transient) or StoreRefused (Terminal)."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def read(self) -> list[TaughtGesture]:
        """All, by name; none in a database analytics never used. Raises TaughtUnreadable."""
        return [_read_row(row) for row in self._read_rows()]

    def read_usable(self) -> list[TaughtGesture]:
        """The same, without those that cannot be read, of which it warns: the others are looked for all the same."""
        gestures: list[TaughtGesture] = []
        for row in self._read_rows():
            try:
                gestures.append(_read_row(row))
            except TaughtUnreadable as error:
                logger.warning("it is not looked for: %s", error.message, extra={"hint": error.hint, **error.fields})
        return gestures

    def _read_rows(self) -> list[dict[str, Any]]:
        with transaction(self._engine, "reading the taught gestures") as connection:
            if not inspect(connection).has_table(taught_gestures.name, SCHEMA):
                return []
            rows = connection.execute(select(taught_gestures).order_by(taught_gestures.c.name)).mappings().all()
        return [dict(row) for row in rows]

    def keep(self, gestures: Iterable[TaughtGesture]) -> None:
        """Write them, in place of those of the same names."""
        rows = [_write_row(gesture) for gesture in gestures]
        if not rows:
            return
        written = insert(taught_gestures)
        replaced = {
            column.name: written.excluded[column.name] for column in taught_gestures.c if not column.primary_key
        }
        with transaction(self._engine, "keeping taught gestures") as connection:
            connection.execute(written.on_conflict_do_update(index_elements=["name"], set_=replaced), rows)

    def remove(self, names: Sequence[str]) -> list[str]:
        """Those of the names that were there and are no more."""
        gone = delete(taught_gestures).where(taught_gestures.c.name.in_(names)).returning(taught_gestures.c.name)
        with transaction(self._engine, "removing taught gestures") as connection:
            if not inspect(connection).has_table(taught_gestures.name, SCHEMA):
                return []
            return sorted(connection.scalars(gone))


def _write_row(gesture: TaughtGesture) -> dict[str, Any]:
    return {
        "name": gesture.name,
        "kind": gesture.kind.value,
        "hand": gesture.hand.value,
        "examples": orjson.loads(orjson.dumps(gesture.examples)),
        "version": gesture.version,
        "taught_at": gesture.taught_at,
        "source": gesture.source,
    }


def _read_row(row: dict[str, Any]) -> TaughtGesture:
    version = row.pop("version")
    try:
        gesture = GESTURE.validate_python(row)
    except ValidationError as error:
        raise TaughtUnreadable(
            f"the taught gesture {row['name']} is not what this version writes: {error.errors()[0]['msg']}",
            hint=f"`holistic gestures remove {row['name']}`, and teach it again",
            name=row["name"],
        ) from error
    if gesture.version != version:
        raise TaughtUnreadable(
            f"the taught gesture {gesture.name} was changed by hand, or taught by another version of the suite",
            hint=f"`holistic gestures remove {gesture.name}`, and teach it again",
            name=gesture.name,
        )
    return gesture
