"""What an error of the table, its catalog or its files means for the caller."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg2
from pydantic import ValidationError as FieldsInvalid
from pyiceberg.exceptions import NoSuchTableError, ValidationError
from sqlalchemy import exc

from consumers.archive.parquet.storage import StorageUnavailable
from consumers.archive.postgres.errors import PostgresUnavailable, explain_postgres_error
from keypoints.errors import Terminal, Transient


class IcebergConflict(Transient):
    """Others changed the table each time this one tried. Nothing of it is in the table. Field: tries."""


class IcebergUnusable(Terminal):
    """The table is not what this archive made. Fields: location, and where it is known found."""

    def __init__(self, message: str, *, hint: str | None = None, **fields: object) -> None:
        super().__init__(
            message,
            hint=hint or "`holistic iceberg sync --rebuild` makes the table anew from the manifest; it copies no files",
            **fields,
        )


@contextmanager
def explained(doing: str, location: str) -> Iterator[None]:
    """Turn the libraries' errors into PostgresUnavailable, PostgresRefused, StorageUnavailable or IcebergUnusable."""
    try:
        yield
    except exc.DBAPIError as error:
        if isinstance(error.orig, psycopg2.Error):
            raise explain_postgres_error(error.orig, doing) from error
        raise PostgresUnavailable(f"{doing}: {error}", hint="is Postgres up, and DATABASE_URL right?") from error
    except exc.TimeoutError as error:
        raise PostgresUnavailable(f"{doing}: {error}", hint="is Postgres up?") from error
    except psycopg2.Error as error:
        raise explain_postgres_error(error, doing) from error
    except FileNotFoundError as error:
        raise IcebergUnusable(f"{doing}: a file of the table is missing: {error}", location=location) from error
    except OSError as error:
        raise StorageUnavailable(f"{doing}: {error}", hint="is the archive's storage up, with space?") from error
    except (ValidationError, FieldsInvalid, NoSuchTableError) as error:
        raise IcebergUnusable(f"{doing}: {error}", location=location) from error
