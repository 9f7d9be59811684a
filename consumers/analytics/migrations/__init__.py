"""How the tables of analytics came to be, step by step (Alembic)."""
