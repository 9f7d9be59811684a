"""A stream's frames as a file that other programs read."""
