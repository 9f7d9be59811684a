"""Standing back: a service nobody waits for leaves the processor to one somebody does."""

import logging
import os
from pathlib import Path
from typing import Final

_AUTOGROUP: Final = Path("/proc/self/autogroup")

log = logging.getLogger(__name__)


def stand_back(niceness: int) -> None:
    """Have this process, and the threads it will begin, wait for others when the processors are all busy.

    `niceness` is nice(1)'s, 0 to 19, and only ever raised: a process that was started nicer stays so. Where the kernel
    shares time among sessions first (sched(7), autogroup), nice counts only within one; a process that leads its own,
    as a service does, makes the session stand back as well, and one in a shell's leaves that alone.
    """
    given = os.nice(0)
    if niceness <= given:
        return
    os.nice(niceness - given)
    if os.getsid(0) != os.getpid():
        return
    try:
        _AUTOGROUP.write_text(str(niceness))
    except OSError as error:
        # A kernel without them, or a container's: then nice says it all.
        log.debug("the session's share of the processors stays as it is: %s", error)
