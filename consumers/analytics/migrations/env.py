"""What Alembic runs for each command: the caller gives the connection, versions are kept in analytics' own schema."""

from alembic import context
from sqlalchemy import Connection, text

from consumers.analytics.tables import METADATA, SCHEMA

connection: Connection = context.config.attributes["connection"]
connection.execute(text(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}"))
context.configure(
    connection=connection,
    target_metadata=METADATA,
    version_table="alembic_version",
    version_table_schema=SCHEMA,
    include_schemas=True,
)
context.run_migrations()
