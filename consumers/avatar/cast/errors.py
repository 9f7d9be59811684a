"""What can be wrong about a cast."""

from keypoints.errors import Terminal, Transient


class BadRole(Terminal):
    """Fields no role can be made of. Fields: stream."""

    status = 400


class NoSuchRole(Terminal):
    """The stream has no role of its own. Fields: stream."""

    status = 404


class RolesUnknown(Transient):
    """The topic of roles has not been read to its end, or cannot be written now."""

    status = 503
