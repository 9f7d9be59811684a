"""Where the table is: its catalog in Postgres, and its metadata in the archive beside the files."""

import os
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Final

from psycopg2 import extensions
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.exceptions import NamespaceAlreadyExistsError, NoSuchTableError, TableAlreadyExistsError
from pyiceberg.table import Table
from sqlalchemy import make_url

from consumers.archive.iceberg.errors import IcebergUnusable, explained
from consumers.archive.iceberg.schema import WITH_BOUNDS, frames_schema, order_by_stream, partition_by_day
from consumers.archive.parquet.storage import ArchiveStorage
from consumers.archive.postgres.connection import connect
from consumers.archive.postgres.roles import READER, WRITER

CATALOG_NAME: Final = "archive"
"""Engines must name the catalog so: its rows in Postgres are found by it."""
CATALOG_SCHEMA: Final = "iceberg"
NAMESPACE: Final = "holistic"
TABLE: Final = "frames"
METADATA_FOLDER: Final = "iceberg"

_IDENTIFIER: Final = (NAMESPACE, TABLE)
# Arbitrary numbers all replicas agree on, none of them one the tables of frames are locked by.
_MAKING_LOCK: Final = 4_812_930_101
_TABLE_LOCK: Final = 4_812_930_102
_RIGHTS: Final = {READER: "SELECT", WRITER: "SELECT, INSERT, UPDATE, DELETE"}
_PATIENCE_MS: Final = 20_000
_STATEMENT_TIMEOUT_MS: Final = 60_000
# One that is stopped in the middle of its commit must not hold up those of others.
_IDLE_IN_TRANSACTION_MS: Final = 5_000
_COMMENT: Final = "Frames of human motion. Written by the archive alone: what others add is undone."


class IcebergCatalog:
    """The catalog of one archive. Every call raises PostgresUnavailable, StorageUnavailable or IcebergUnusable."""

    def __init__(self, database_url: str, storage: ArchiveStorage) -> None:
        self.storage = storage
        self.location = self.url(f"{METADATA_FOLDER}/{TABLE}")
        self._database_url = database_url
        self._catalog: SqlCatalog | None = None

    @property
    def jdbc_url(self) -> str:
        """Where engines find the catalog; user and password are told them apart."""
        url = make_url(self._database_url)
        address = f"{url.host or 'localhost'}:{url.port or 5432}/{url.database}"
        return f"jdbc:postgresql://{address}?currentSchema={CATALOG_SCHEMA}"

    def url(self, path: str) -> str:
        """What engines call a file of the archive."""
        url = self.storage.url(path)
        return url if "://" in url else f"file://{Path(url).absolute().as_posix()}"

    def find(self) -> Table | None:
        """The table as it is now, None where there is none. Makes nothing."""
        with explained("reading the Iceberg table", self.location):
            if self._catalog is None and not self._has_catalog():
                return None
            try:
                return self._check(self._opened().load_table(_IDENTIFIER))
            except NoSuchTableError:
                return None

    def open(self) -> Table:
        """The table as it is now, made where there is none."""
        found = self.find()
        if found is None:
            self._make()
            found = self.find()
        if found is None:
            raise IcebergUnusable("the Iceberg table was dropped while it was made", location=self.location)
        return found

    def drop(self) -> None:
        """Take the table out of the catalog. The archive's files stay, and so does the table's metadata."""
        with explained("dropping the Iceberg table", self.location):
            if self._catalog is None and not self._has_catalog():
                return
            try:
                self._opened().drop_table(_IDENTIFIER)
            except NoSuchTableError:
                return

    @contextmanager
    def beside_others(self) -> Iterator[None]:
        """While this lasts nobody removes metadata that no snapshot holds yet; others may commit."""
        with self._locked("pg_advisory_lock_shared"):
            yield

    @contextmanager
    def alone(self) -> Iterator[None]:
        """While this lasts nobody of the archive commits. Raises PostgresUnavailable when others do not end."""
        with self._locked("pg_advisory_lock"):
            yield

    def close(self) -> None:
        """Close the connections."""
        if self._catalog is not None:
            self._catalog.close()
            self._catalog = None

    def _check(self, table: Table) -> Table:
        if table.location() != self.location:
            raise IcebergUnusable(
                f"the Iceberg table is at {table.location()}, and this archive's would be at {self.location}",
                location=self.location,
                found=table.location(),
            )
        return table

    def _has_catalog(self) -> bool:
        with self._connected() as connection, connection.cursor() as cursor:
            cursor.execute("SELECT to_regclass(%s) IS NOT NULL", (f"{CATALOG_SCHEMA}.iceberg_tables",))
            return bool(cursor.fetchall()[0][0])

    def _make(self) -> None:
        with (
            explained("making the Iceberg table", self.location),
            self._connected() as connection,
            connection.cursor() as cursor,
        ):
            # Replicas that start together make it one after the other.
            cursor.execute("SELECT pg_advisory_lock(%s)", (_MAKING_LOCK,))
            # Asked first: who may not make it may use one that is there.
            cursor.execute("SELECT to_regnamespace(%s) IS NULL", (CATALOG_SCHEMA,))
            if cursor.fetchall()[0][0]:
                cursor.execute(f"CREATE SCHEMA {CATALOG_SCHEMA}")
                cursor.execute(f"COMMENT ON SCHEMA {CATALOG_SCHEMA} IS 'Catalog of the archive as an Iceberg table'")
            catalog = self._opened()
            with suppress(NamespaceAlreadyExistsError):
                catalog.create_namespace(NAMESPACE)
            schema = frames_schema()
            with suppress(TableAlreadyExistsError):
                catalog.create_table(
                    _IDENTIFIER,
                    schema,
                    self.location,
                    partition_by_day(schema),
                    order_by_stream(schema),
                    _table_properties(schema.name_mapping.model_dump_json()),
                )
            for role, rights in _RIGHTS.items():
                cursor.execute("SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = %s)", (role,))
                if cursor.fetchall()[0][0]:
                    cursor.execute(f"GRANT USAGE ON SCHEMA {CATALOG_SCHEMA} TO {role}")
                    cursor.execute(f"GRANT {rights} ON ALL TABLES IN SCHEMA {CATALOG_SCHEMA} TO {role}")

    def _opened(self) -> SqlCatalog:
        if self._catalog is None:
            self._catalog = SqlCatalog(
                CATALOG_NAME,
                uri=_catalog_url(self._database_url),
                warehouse=self.url(METADATA_FOLDER),
                pool_pre_ping="true",
                **_file_properties(),
            )
        return self._catalog

    @contextmanager
    def _locked(self, function: str) -> Iterator[None]:
        with self._connected() as connection:
            with explained("waiting for others to be done with the Iceberg table", self.location):
                # Who waits holds all up who come after, so one that does not end must not be waited for long.
                connection.cursor().execute(f"SET lock_timeout = {_PATIENCE_MS}")
                connection.cursor().execute(f"SELECT {function}(%s)", (_TABLE_LOCK,))
            yield

    @contextmanager
    def _connected(self) -> Iterator[extensions.connection]:
        with closing(connect(self._database_url, "holistic-iceberg")) as connection:
            connection.autocommit = True
            yield connection


def _catalog_url(database_url: str) -> str:
    url = make_url(database_url).set(drivername="postgresql+psycopg2")
    given = url.query.get("options", ())
    options = " ".join(
        [
            *([given] if isinstance(given, str) else given),
            f"-csearch_path={CATALOG_SCHEMA}",
            f"-cstatement_timeout={_STATEMENT_TIMEOUT_MS}",
            f"-cidle_in_transaction_session_timeout={_IDLE_IN_TRANSACTION_MS}",
        ]
    )
    timeouts = {"connect_timeout": "5", "tcp_user_timeout": "20000", "application_name": "holistic-iceberg"}
    return url.update_query_dict({**timeouts, "options": options}).render_as_string(hide_password=False)


def _table_properties(name_mapping: str) -> dict[str, str]:
    return {
        "comment": _COMMENT,
        # The archive's files carry no field numbers: their columns are found by name.
        "schema.name-mapping.default": name_mapping,
        # Who lost a race reads the manifest again: what it was about to add may be there by then.
        "commit.retry.num-retries": "0",
        "commit.manifest-merge.enabled": "true",
        "commit.manifest.min-count-to-merge": "20",
        "write.metadata.delete-after-commit.enabled": "true",
        "write.metadata.previous-versions-max": "20",
        "write.metadata.metrics.default": "none",
        **{f"write.metadata.metrics.column.{name}": "full" for name in WITH_BOUNDS},
    }


def _file_properties() -> dict[str, str]:
    """How files are reached: in S3 by the same environment the archive's own storage reads."""
    named = {
        "s3.endpoint": os.environ.get("AWS_ENDPOINT_URL"),
        "s3.access-key-id": os.environ.get("AWS_ACCESS_KEY_ID"),
        "s3.secret-access-key": os.environ.get("AWS_SECRET_ACCESS_KEY"),
        "s3.session-token": os.environ.get("AWS_SESSION_TOKEN"),
        # Named in any case, or each bucket is asked for it.
        "s3.region": os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or "us-east-1",
        "s3.connect-timeout": "5",
        "s3.request-timeout": "30",
    }
    return {"py-io-impl": "pyiceberg.io.pyarrow.PyArrowFileIO", **{key: value for key, value in named.items() if value}}
