"""The tables and views in Postgres, with what their comments say."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import psycopg2
from psycopg2 import sql

from consumers.analytics.database import connect as open_engine
from consumers.analytics.database import migrate as migrate_analytics
from consumers.archive.postgres.migrate import migrate as migrate_archive
from handbook.markdown import write_code, write_page, write_table

_ABOUT: Final = (
    "What `holistic archive` and `holistic analytics` make at their start; the comments are in the database too "
    "(`\\d+` in psql). Partitions, which are a day each, are left out. [Postgres](../postgres.md) and [gesture "
    "events](../gesture-events.md) tell how to use them, [queries](../queries.md) shows it."
)
_RELATIONS: Final = """
SELECT n.nspname, c.relname, c.relkind = 'v', coalesce(obj_description(c.oid, 'pg_class'), '')
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'v') AND NOT c.relispartition
  AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND c.relname NOT LIKE '%alembic_version'
ORDER BY n.nspname <> 'public', n.nspname, c.relkind = 'v', c.relname
"""
_COLUMNS: Final = """
SELECT a.attname, format_type(a.atttypid, a.atttypmod), coalesce(col_description(c.oid, a.attnum), '')
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid
WHERE n.nspname = %s AND c.relname = %s AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attnum
"""


def write_tables(database_url: str) -> str:
    """The page of tables, read from a database of its own that is made on this server and dropped again."""
    with _empty_database(database_url) as url:
        migrate_archive(url)
        engine = open_engine(url)
        try:
            migrate_analytics(engine)
        finally:
            engine.dispose()
        connection = psycopg2.connect(url)
        try:
            return write_page("Tables and views", _ABOUT, list(_describe(connection)))
        finally:
            connection.close()


def _describe(connection: Any) -> Iterator[str]:
    with connection.cursor() as cursor:
        cursor.execute(_RELATIONS)
        for schema, name, is_view, comment in cursor.fetchall():
            cursor.execute(_COLUMNS, (schema, name))
            whole = name if schema == "public" else f"{schema}.{name}"
            kind = "A view. " if is_view else ""
            yield f"## {whole}\n\n{kind}{' '.join(comment.split())}".rstrip() + "\n\n" + _write(cursor.fetchall())


def _write(columns: Iterable[tuple[str, str, str]]) -> str:
    rows = [(write_code(name), kind, comment) for name, kind, comment in columns]
    return write_table(("column", "type", "what it is"), rows)


@contextmanager
def _empty_database(database_url: str) -> Iterator[str]:
    name = f"handbook_{uuid4().hex[:12]}"
    _run(database_url, "CREATE DATABASE {}", name)
    try:
        yield urlunsplit(urlsplit(database_url)._replace(path=f"/{name}"))
    finally:
        _run(database_url, "DROP DATABASE IF EXISTS {} WITH (FORCE)", name)


def _run(database_url: str, statement: str, name: str) -> None:
    connection = psycopg2.connect(database_url)
    try:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(sql.SQL(statement).format(sql.Identifier(name)))
    finally:
        connection.close()
