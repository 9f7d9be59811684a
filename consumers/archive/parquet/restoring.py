"""An archive that is being put back from a backup is nobody's until all of it is there."""

from typing import Final

from consumers.archive.parquet.storage import ArchiveStorage
from keypoints.errors import Transient

RESTORE_MARK: Final = "restore-under-way"
"""File in the archive's place, from a restore's first step to its last."""


class RestoreUnderWay(Transient):
    """A restore into this archive has begun and not ended. Fields: location."""


def refuse_half_restored(storage: ArchiveStorage) -> None:
    """Raise RestoreUnderWay where a restore has not ended.

    What is read now is half of it, and what is written now would keep it from going on.
    """
    if storage.exists(RESTORE_MARK):
        location = storage.url("").rstrip("/")
        raise RestoreUnderWay(
            f"the archive in {location} is being restored from a backup",
            hint="wait for its end, as services do; was it interrupted, run `holistic backup restore` again",
            location=location,
        )
