"""All replays there are, no more than so many at once."""

import threading
from typing import Final

from consumers.avatar.viewer.orders import Replay
from consumers.avatar.viewer.replay.session import ReplaySession
from consumers.avatar.viewer.replay.tools import ReplayTools
from keypoints.errors import Terminal, Transient

MOST_REPLAYS: Final = 4


class TooManyReplays(Transient):
    """There is no room for one more at the moment."""


class NoReplays(Terminal):
    """There is nothing to be replayed here."""


class Replays:
    """Safe to be used on any thread."""

    def __init__(self, tools: ReplayTools | None, most: int = MOST_REPLAYS) -> None:
        """Without tools there are none."""
        self._tools = tools
        self._most = most
        self._lock = threading.Lock()
        self._sessions: list[ReplaySession] = []

    def begin(self, asked: Replay, before: ReplaySession | None = None) -> ReplaySession:
        """A replay that has begun; `before` is the one it comes after, which is closed. Raises TooManyReplays."""
        if self._tools is None:
            raise NoReplays("this service replays nothing")
        with self._lock:
            self._sessions = [one for one in self._sessions if not one.has_ended]
            watched = [one for one in self._sessions if not one.is_closed and one is not before]
            # Those that were closed take a moment to end: whoever begins one after the other gets no thread for each.
            if len(watched) >= self._most or len(self._sessions) >= 2 * self._most:
                raise TooManyReplays(f"{self._most} replays are watched already", hint="try again in a moment")
            session = ReplaySession(asked, self._tools)
            session.start()
            self._sessions.append(session)
        return session

    def close(self) -> None:
        """End all, and wait for them."""
        with self._lock:
            sessions, self._sessions = self._sessions, []
        for session in sessions:
            session.close()
        for session in sessions:
            session.join()
