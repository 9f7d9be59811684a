"""Run by Alembic: applies the steps on the connection `migrate` hands over."""

from alembic import context

from consumers.archive.postgres.migrate import VERSION_TABLE
from consumers.archive.postgres.tables import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    version_table=VERSION_TABLE,
    include_name=lambda name, kind, _parents: kind != "table" or name in METADATA.tables,
)
with context.begin_transaction():
    context.run_migrations()
