"""The `holistic` command: every verb is one call into a room above."""
