"""One bound on the memory of all of a task's buffers, and what share of it each may have."""

from dataclasses import dataclass

_FETCHED_SHARE = 4
_WAITING_SHARE = 4
_SINK_SHARE = 2


@dataclass(frozen=True, slots=True)
class MemoryBudget:
    """`buffer.memory`, divided so that no buffer has to know how full the others are.

    Beyond its share each stops: the client fetches no more, the runtime pauses the partitions and goes on polling, the
    sink makes durable what it has. A single record or poll larger than a share still passes, alone.
    """

    total_bytes: int

    @property
    def fetched_bytes(self) -> int:
        """Of records as they came from the broker, not yet polled."""
        return self.total_bytes // _FETCHED_SHARE

    @property
    def waiting_bytes(self) -> int:
        """Of decoded frames between the polling thread and the sink."""
        return self.total_bytes // _WAITING_SHARE

    @property
    def sink_bytes(self) -> int:
        """Of what the sink buffers until it is durable."""
        return self.total_bytes // _SINK_SHARE
