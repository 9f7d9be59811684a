"""A database for one measure."""

import os
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager

import psycopg2
from psycopg2 import sql

from consumers.archive.postgres.migrate import migrate


@contextmanager
def own_database() -> Iterator[str]:
    """The URL of an empty, migrated database beside the one DATABASE_URL names, dropped at the end."""
    url = os.environ["DATABASE_URL"]
    name = f"bench_{uuid.uuid4().hex[:8]}"
    with closing(psycopg2.connect(url)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
            try:
                own = f"{url.rpartition('/')[0]}/{name}"
                migrate(own)
                yield own
            finally:
                cursor.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
