"""Forgetting a stream in the archive: its rows, its files, and a record that they are missed by nobody."""
