"""What avatars showed last, in a file: whoever is started again goes on from there, and the receivers see no jump.

The file is mapped into memory, so that writing a pose is a copy of a kilobyte and no call of the system; what is in it
survives the process, however it ended, and is worth nothing a few seconds later.
"""

import fcntl
import os
from collections.abc import Sequence
from hashlib import blake2b
from pathlib import Path
from typing import BinaryIO, Final

import numpy as np

from consumers.avatar.face.arkit import SHAPE_COUNT
from consumers.avatar.humanoid.skeleton import BONE_COUNT
from consumers.avatar.stage.performer import Performer
from consumers.avatar.states import AvatarStates

WORTH_S: Final = 15.0
"""A pose older than this is not gone on from: receivers have given their avatar back to its idle motion."""

_RECORD: Final = np.dtype(
    [
        ("stream", "<u8"),
        ("shown_at_us", "<i8"),
        ("tracked", "?"),
        ("bones_known", "?", BONE_COUNT),
        ("shapes_known", "?", SHAPE_COUNT),
        ("root_m", "<f4", 3),
        ("rotations", "<f4", (BONE_COUNT, 4)),
        ("shapes", "<f4", SHAPE_COUNT),
    ]
)


class PoseMemory:
    """Poses by slot, for at most `most` performers. Each file is one process's: a second one goes without.

    Raises OSError when the file cannot be made.
    """

    def __init__(self, path: Path, most: int) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("a+b")
        try:
            _take_alone(self._file)
            self._file.truncate(most * _RECORD.itemsize)
            # A page of a mapped file that finds no room on the disk later would end the process.
            os.posix_fallocate(self._file.fileno(), 0, most * _RECORD.itemsize)
            self._records = np.memmap(self._file, dtype=_RECORD, mode="r+", shape=(most,))
        except OSError:
            self._file.close()
            raise
        # A stream has another slot in the next process: what is known now is kept apart from what is written.
        self._before = np.array(self._records)

    def note(self, performers: Sequence[Performer], states: AvatarStates, now_us: int) -> None:
        """Keep what these performers' avatars show now."""
        slots = [performer.slot for performer in performers]
        records = np.empty(len(slots), dtype=_RECORD)
        records["stream"] = [digest(performer.stream_id) for performer in performers]
        records["shown_at_us"] = now_us
        for name in ("tracked", "bones_known", "shapes_known", "root_m", "rotations", "shapes"):
            records[name] = getattr(states, name)
        self._records[slots] = records

    def recall(self, stream_id: str, now_us: int) -> AvatarStates | None:
        """What the stream's avatar showed when an earlier process ended, as one row; None where that is too long ago,
        or was not whole."""
        found = np.flatnonzero(
            (self._before["stream"] == digest(stream_id)) & (now_us - self._before["shown_at_us"] <= WORTH_S * 1e6)
        )
        if not len(found):
            return None
        newest = self._before[found[self._before["shown_at_us"][found].argmax()]]
        rotations = newest["rotations"].astype(np.float64)
        length = np.sqrt((rotations * rotations).sum(axis=-1, keepdims=True))
        numbers = (newest["root_m"], newest["shapes"])
        if not (np.abs(length - 1.0) < 0.01).all() or not all(np.isfinite(part).all() for part in numbers):
            return None
        return AvatarStates(
            rotations=(rotations / length)[None],
            shapes=np.clip(newest["shapes"].astype(np.float64), 0.0, 1.0)[None],
            root_m=newest["root_m"].astype(np.float64)[None],
            bones_known=newest["bones_known"][None].copy(),
            shapes_known=newest["shapes_known"][None].copy(),
            tracked=np.array([bool(newest["tracked"])]),
        )

    def close(self) -> None:
        """Let the file go; it keeps what was noted."""
        self._records.flush()
        del self._records
        self._file.close()


def _take_alone(file: BinaryIO) -> None:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise BlockingIOError(error.errno, "another process uses it") from error


def digest(stream_id: str) -> int:
    """The stream's name as a number: the file holds no names."""
    return int.from_bytes(blake2b(stream_id.encode(), digest_size=8).digest(), "little")
