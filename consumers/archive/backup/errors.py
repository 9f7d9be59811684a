"""Why there is no backup, or none that can be used."""

from keypoints.errors import Terminal, Transient


class BackupRefused(Terminal):
    """The two places do not go together, and nothing was changed. Fields: location."""


class ArchiveDamaged(Terminal):
    """What the manifest says and what the files are do not agree. Fields: path."""


class ArchiveTooBusy(Transient):
    """Files were replaced again and again while they were copied; what was copied stays for the next try."""
