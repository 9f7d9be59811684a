"""Streams taken from a topic into a file, and published again from it."""
