"""The clock of a replay: recorded time that goes on as fast as its watcher wants, or stands still."""


class ReplayClock:
    """Recorded time in ms since 1970; `now_s` is seconds on any clock that goes on evenly."""

    def __init__(self, at_ms: float, speed: float, now_s: float) -> None:
        self._at_ms = at_ms
        self._since_s = now_s
        self._speed = speed
        self._is_running = False

    @property
    def speed(self) -> float:
        """Recorded seconds for each second."""
        return self._speed

    @property
    def is_running(self) -> bool:
        """Whether it goes on."""
        return self._is_running

    def at_ms(self, now_s: float) -> float:
        """The recorded time now."""
        return self._at_ms + self._is_running * (now_s - self._since_s) * self._speed * 1000.0

    def set(self, at_ms: float, now_s: float) -> None:
        """Go on, or stand, at another time."""
        self._at_ms, self._since_s = at_ms, now_s

    def change_speed(self, speed: float, now_s: float) -> None:
        """Go on from here at this speed."""
        self.set(self.at_ms(now_s), now_s)
        self._speed = speed

    def run(self, now_s: float, *, is_running: bool) -> None:
        """Go on from here, or stand still."""
        self.set(self.at_ms(now_s), now_s)
        self._is_running = is_running
