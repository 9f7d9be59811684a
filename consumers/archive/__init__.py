"""Keeps every frame: as rows in Postgres and as columns in Parquet, each offset once in both."""
