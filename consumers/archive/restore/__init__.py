"""Archived records published again: the same keys, headers, timestamps and values, known by who they were."""
