"""A connector's offsets: shown, moved, and read again."""
