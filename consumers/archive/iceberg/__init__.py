"""The same Parquet files as an Apache Iceberg table, which follows the manifest."""
