"""When news is saved: at once, but where saving takes long, less often."""

from dataclasses import dataclass


@dataclass(slots=True)
class SavePacer:
    """Saving takes one part in `share` of the time at most, however many streams there are."""

    spacing_s: float = 0.02
    """No two saves are closer than this."""
    share: int = 2
    wait_s: float = 0.0
    """From the end of the last save to the next one."""
    saved_s: float = 0.0

    def is_due(self, now_s: float) -> bool:
        """Whether there may be another one."""
        return now_s - self.saved_s >= self.wait_s

    def note(self, began_s: float, ended_s: float) -> None:
        """One was made."""
        self.saved_s = ended_s
        self.wait_s = max(self.spacing_s, (ended_s - began_s) * (self.share - 1))
