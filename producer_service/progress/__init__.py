"""How far files were published, so that a run that was killed goes on where it ended."""
