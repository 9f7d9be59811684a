"""Replays: what was recorded, shown again to one watcher, who steers it."""
