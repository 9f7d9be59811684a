"""Frames as Parquet files, made visible by a manifest that holds each offset once."""
