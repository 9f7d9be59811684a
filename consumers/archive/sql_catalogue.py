"""Questions about what can be asked: views and functions, and the columns of a view."""

from typing import Final

_POSTGRES_VIEWS: Final = """
    SELECT c.relname AS view, obj_description(c.oid, 'pg_class') AS "what it is"
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind = 'v' AND n.nspname = 'public' ORDER BY 1
"""
_POSTGRES_FUNCTIONS: Final = """
    SELECT p.proname || '(' || pg_get_function_identity_arguments(p.oid) || ')' AS function,
           obj_description(p.oid, 'pg_proc') AS "what it is"
    FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname = 'public' ORDER BY 1
"""
_POSTGRES_COLUMNS: Final = """
    SELECT a.attname AS "column", format_type(a.atttypid, a.atttypmod) AS type,
           col_description(a.attrelid, a.attnum) AS "what it is"
    FROM pg_attribute a WHERE a.attrelid = {view}::regclass AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum
"""
_PARQUET_VIEWS: Final = """
    SELECT view_name AS "view", comment AS "what it is" FROM duckdb_views() WHERE NOT internal ORDER BY 1
"""
_PARQUET_FUNCTIONS: Final = """
    SELECT function_name || '(' || array_to_string(parameters, ', ') || ')' AS function, comment AS "what it is"
    FROM duckdb_functions() WHERE function_type = 'macro' AND NOT internal ORDER BY 1
"""
_PARQUET_COLUMNS: Final = """
    SELECT column_name AS "column", CASE WHEN data_type LIKE 'STRUCT%' THEN 'STRUCT' ELSE data_type END AS type,
           comment AS "what it is"
    FROM duckdb_columns() WHERE lower(table_name) = lower({view}) ORDER BY column_index
"""


def list_views(store: str) -> tuple[str, ...]:
    """SQL that lists a store's (`postgres` or `parquet`) views, and its functions."""
    return (_POSTGRES_VIEWS, _POSTGRES_FUNCTIONS) if store == "postgres" else (_PARQUET_VIEWS, _PARQUET_FUNCTIONS)


def describe_view(store: str, view: str) -> str:
    """SQL that lists a view's columns."""
    quoted = "'" + view.replace("'", "''") + "'"
    return (_POSTGRES_COLUMNS if store == "postgres" else _PARQUET_COLUMNS).format(view=quoted)
