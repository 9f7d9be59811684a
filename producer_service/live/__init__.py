"""Streams that are open: each picture that comes in is answered by what became of it."""
