"""All the faults there are."""

import signal

from proving.chaos.arena import SERVICES
from proving.chaos.bad_records import Garbage, NewerSchema, RetentionPassed, UnknownSchema
from proving.chaos.ended import ComeAndGo, Frozen, Killed, Told
from proving.chaos.fault import Fault
from proving.chaos.full_disk import DiskFull
from proving.chaos.image_producers import ImageMemberKilled, WorkerTroubled
from proving.chaos.outages import BrokerKilled, BrokerStalled, CommitsCut, Deadlocked, PostgresRestarted
from proving.chaos.producers import FilmKilled, UploadsAway


def list_faults(mounted: bool) -> list[Fault]:
    """One of each. `mounted`: the archive has a disk of its own."""
    return [
        *(Killed(service) for service in SERVICES),
        FilmKilled(),
        ImageMemberKilled(),
        *(Told(service) for service in SERVICES),
        *(Frozen(service) for service in SERVICES),
        BrokerKilled(),
        BrokerStalled(),
        UploadsAway(),
        ComeAndGo(),
        Garbage(),
        NewerSchema(),
        UnknownSchema(),
        RetentionPassed(),
        PostgresRestarted(),
        Deadlocked(),
        CommitsCut(),
        DiskFull(mounted),
        WorkerTroubled("mediapipe-hangs", signal.SIGSTOP, 8.0, 12.0),
        WorkerTroubled("mediapipe-dies", signal.SIGKILL, 3.0, 3.0),
    ]
