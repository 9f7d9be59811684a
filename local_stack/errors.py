"""What can go wrong with a stack of one's own, said so that a person can act on it."""

from keypoints.errors import Terminal, Transient


class DownloadFailed(Transient):
    """A file of Kafka's or the registry's could not be fetched. Fields: artifact."""


class DamagedDownload(Terminal):
    """What was fetched is not the file that was pinned. Fields: artifact, expected, found."""


class JavaUnusable(Terminal):
    """The Java runtime that comes with the `local` extra is missing or does not start. Fields: java."""


class PostgresUnusable(Terminal):
    """The Postgres that comes with the `local` extra does not fit this machine or this data. Fields: path."""


class PortTaken(Terminal):
    """Another program listens on the port that was asked for. Fields: part, port."""


class StackIsUp(Terminal):
    """What was asked for needs a start, and the stack is up. Fields: part, port."""


class DataDirUnusable(Terminal):
    """The data directory cannot be written, or has no room. Fields: path."""


class PartFailed(Terminal):
    """A part of the stack does not come up; the end of its log is in the message. Fields: part, log."""


class StopFailed(Transient):
    """The stack did not stop in time. Fields: path."""


class ServersUnusable(Transient):
    """Kafka or Postgres named by the environment does not answer, or refuses us. Fields: server."""
