"""What is kept on disk comes back whole and in order, whatever happens to the process or to the disk."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from producer_service.spill.errors import SpillDamaged, SpillFailed, SpillFull, SpillUnusable
from producer_service.spill.records import SpilledFrame, pack_frame
from producer_service.spill.store import SpillStore
from tests.full_disk import no_file_larger_than
from tests.producer_service.spill.spilled_frames import make_spilled

_PLENTY = 10_000_000
_SPILL_FOR_EVER = """
import sys
from pathlib import Path
from producer_service.spill.store import SpillStore
from tests.producer_service.spill.spilled_frames import make_spilled
store = SpillStore(Path(sys.argv[1]), 100_000_000)
for number in range(1_000_000):
    store.append(make_spilled(number, bytes([number % 251]) * 5_000))
    print(number, flush=True)
"""


@contextmanager
def opened(directory: Path, max_bytes: int = _PLENTY) -> Iterator[SpillStore]:
    store = SpillStore(directory, max_bytes)
    try:
        yield store
    finally:
        store.close()


def take_all(store: SpillStore) -> list[SpilledFrame | SpillDamaged]:
    """Read what is there, and be done with it."""
    taken = []
    while store.waiting:
        number, frame = store.read()
        store.note_handed_on()
        store.acknowledge(number)
        taken.append(frame)
    return taken


def frame_files(directory: Path) -> list[Path]:
    return sorted(directory.glob("*.spill"))


def test_frames_come_back_whole_and_in_order_and_leave_nothing_on_disk(tmp_path: Path) -> None:
    frames = [make_spilled(number, stream_id="ada" if number % 3 else "bob, ☃") for number in range(500)]
    with opened(tmp_path, 100_000_000) as store:
        for frame in frames:
            store.append(frame)
        assert store.waiting == 500
        assert store.bytes_on_disk == sum(len(pack_frame(frame)) for frame in frames)
        assert take_all(store) == frames
        assert store.bytes_on_disk == 0
        assert frame_files(tmp_path) == []
        store.append(frames[0])
        assert take_all(store) == frames[:1]


def test_frames_are_read_while_others_are_written_through_many_files(tmp_path: Path) -> None:
    with opened(tmp_path, 8 * 2_000) as store:
        taken: list[SpilledFrame | SpillDamaged] = []
        for number in range(200):
            store.append(make_spilled(number))
            if number % 3 == 2:
                assert len(frame_files(tmp_path)) <= 2
                taken += take_all(store)
        taken += take_all(store)
        assert taken == [make_spilled(number) for number in range(200)]


def test_nobody_but_the_owner_may_read_what_is_on_disk(tmp_path: Path) -> None:
    directory = tmp_path / "made" / "spill"
    with opened(directory) as store:
        store.append(make_spilled(0))
        assert directory.stat().st_mode & 0o777 == 0o700
        assert {path.stat().st_mode & 0o777 for path in directory.iterdir()} == {0o600}


def test_a_full_spill_refuses_the_newest_and_keeps_the_others(tmp_path: Path) -> None:
    size = len(pack_frame(make_spilled(11, bytes(1_000))))
    with opened(tmp_path, 20 * size) as store:
        for number in range(20):
            store.append(make_spilled(number, bytes(1_000)))
        with pytest.raises(SpillFull):
            store.append(make_spilled(20, bytes(1_000)))
        for number in range(5):
            store.read()
            store.note_handed_on()
            store.acknowledge(number)
        store.append(make_spilled(21, bytes(1_000)))
        sequences = [frame.facts.sequence for frame in take_all(store) if isinstance(frame, SpilledFrame)]
        assert sequences == [*range(5, 20), 21]


def test_what_was_not_acknowledged_comes_again_after_a_restart_and_what_was_does_not(tmp_path: Path) -> None:
    with opened(tmp_path) as store:
        for number in range(10):
            store.append(make_spilled(number))
        for _ in range(6):
            store.read()
            store.note_handed_on()
        # 3 is not acknowledged, so what is behind it may come twice.
        for number in (0, 2, 1, 4, 5):
            store.acknowledge(number)
    with opened(tmp_path) as store:
        assert store.recovered == 7
        assert store.append(make_spilled(10)) == 10
        assert take_all(store) == [make_spilled(number) for number in range(3, 11)]
    with opened(tmp_path) as store:
        assert store.recovered == 0
        assert store.append(make_spilled(11)) == 11


def test_a_record_torn_by_a_kill_is_cut_off_and_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with opened(tmp_path) as store:
        for number in range(3):
            store.append(make_spilled(number))
    [file] = frame_files(tmp_path)
    os.truncate(file, file.stat().st_size - 1)
    with opened(tmp_path) as store:
        assert "cut off" in caplog.text
        assert store.recovered == 2
        store.append(make_spilled(9))
        assert take_all(store) == [make_spilled(0), make_spilled(1), make_spilled(9)]


def test_a_process_killed_while_it_spills_loses_nothing_it_kept(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", _SPILL_FOR_EVER, tmp_path], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        while int(process.stdout.readline()) < 300:
            pass
        process.kill()
        kept = 301 + len(process.stdout.readlines())
    with opened(tmp_path, 100_000_000) as store:
        # One more than was said may be there.
        assert store.recovered in {kept, kept + 1}
        frames = take_all(store)
        assert frames == [make_spilled(number, bytes([number % 251]) * 5_000) for number in range(len(frames))]


def test_damage_in_an_earlier_file_costs_the_frames_it_hit_and_no_others(tmp_path: Path) -> None:
    size = len(pack_frame(make_spilled(0)))
    with opened(tmp_path, 8 * 10 * (size + 10)) as store:
        for number in range(40):
            store.append(make_spilled(number))
    first, second, *_ = frame_files(tmp_path)
    with first.open("r+b") as file:
        file.seek(5 * size + 100)
        file.write(b"\xff" * 20)
    with opened(tmp_path) as store:
        lost = int(second.stem) - 5
        assert store.recovered == 40
        taken = take_all(store)
        assert [isinstance(frame, SpillDamaged) for frame in taken] == [5 <= n < 5 + lost for n in range(40)]
    assert frame_files(tmp_path) == []


def test_a_full_disk_refuses_frames_keeps_those_before_and_takes_others_when_there_is_room(tmp_path: Path) -> None:
    with opened(tmp_path) as store:
        for number in range(3):
            store.append(make_spilled(number, bytes(1_000)))
        with no_file_larger_than(store.bytes_on_disk + 700):
            with pytest.raises(SpillFailed):
                store.append(make_spilled(3, bytes(1_000)))
            with pytest.raises(SpillFailed):
                store.append(make_spilled(4, bytes(5_000)))
        store.append(make_spilled(5, bytes(1_000)))
        sequences = [frame.facts.sequence for frame in take_all(store) if isinstance(frame, SpilledFrame)]
        assert sequences == [0, 1, 2, 5]
    assert frame_files(tmp_path) == []


def test_frames_sent_while_the_disk_is_full_make_room_on_it(tmp_path: Path) -> None:
    with opened(tmp_path) as store:
        for number in range(3):
            store.append(make_spilled(number, bytes(1_000)))
        with no_file_larger_than(0):
            assert len(take_all(store)) == 3
        assert frame_files(tmp_path) == []
        store.append(make_spilled(3, bytes(1_000)))
        assert len(take_all(store)) == 1


def test_two_producers_do_not_share_a_directory(tmp_path: Path) -> None:
    with opened(tmp_path), pytest.raises(SpillUnusable, match="another producer"):
        SpillStore(tmp_path, _PLENTY)
    with opened(tmp_path):
        pass


def test_a_directory_that_cannot_be_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(SpillUnusable, match="file"):
        SpillStore(tmp_path / "file" / "spill", _PLENTY)
