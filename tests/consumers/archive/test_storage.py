"""What the archive relies on wherever its files are: the same on a disk and in an object store."""

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from consumers.archive.parquet.location import LocationUnknown, open_storage
from consumers.archive.parquet.storage import ArchiveStorage, FileMissing
from consumers.archive.settings import read_archive_settings
from keypoints.errors import Terminal

KINDS = ("local", "s3")


@pytest.fixture(params=KINDS)
def open_again(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], ArchiveStorage]:
    """Opens the same, at first empty, archive as another process would."""
    if request.param == "local":
        return lambda: open_storage(tmp_path / "archive")
    bucket = request.getfixturevalue("s3").make_bucket()
    return lambda: open_storage(f"s3://{bucket}/some/prefix")


@pytest.fixture
def storage(open_again: Callable[[], ArchiveStorage]) -> ArchiveStorage:
    return open_again()


def test_a_file_has_its_final_name_only_once_it_is_published(storage: ArchiveStorage) -> None:
    with storage.stage("staging/frames/one") as file:
        file.write(b"abc")
        file.write(memoryview(b"def"))
    assert not storage.exists("frames/one")
    assert storage.list_files("staging") == ["staging/frames/one"], "whoever tidies up would not find it"
    storage.publish("staging/frames/one", "frames/one")
    assert storage.read("frames/one") == b"abcdef"
    assert storage.list_files("staging") == ["staging/frames/one"]
    storage.remove("staging/frames/one")
    assert storage.list_files("") == ["frames/one"]


def test_a_large_file_arrives_whole(storage: ArchiveStorage) -> None:
    content = bytes(range(256)) * (40 * 4096)
    with storage.stage("staging/large") as file:
        file.write(content)
        file.write(content[:1000])
    storage.publish("staging/large", "large")
    assert storage.read("large") == content + content[:1000]


def test_parquet_can_be_written_to_a_staged_file(storage: ArchiveStorage) -> None:
    table = pa.table({"x": list(range(10_000))})
    with storage.stage("staging/table") as file, pq.ParquetWriter(file, table.schema) as writer:
        for rows in table.to_batches(max_chunksize=1000):
            writer.write_batch(rows)
    storage.publish("staging/table", "table")
    assert pq.read_table(pa.BufferReader(storage.read("table"))).equals(table)


def test_what_fails_while_it_is_written_does_not_appear(storage: ArchiveStorage) -> None:
    with suppress(KeyError), storage.stage("staging/one") as file:
        file.write(b"half")
        raise KeyError
    assert storage.list_files("frames") == []


def test_a_name_is_given_once(storage: ArchiveStorage) -> None:
    assert storage.create("manifest/1.json", b"first")
    assert not storage.create("manifest/1.json", b"second")
    assert not storage.create("manifest/1.json", b"first"), "not even to the same content: it may be a rival's"
    assert storage.read("manifest/1.json") == b"first"
    assert storage.list_files("") == ["manifest/1.json"], "drafts were left"


def test_of_two_who_want_a_name_at_once_exactly_one_gets_it(open_again: Callable[[], ArchiveStorage]) -> None:
    rivals = [open_again() for _ in range(2)]
    won: list[list[int]] = [[], []]
    start = threading.Barrier(2)

    def race(rival: int) -> None:
        for number in range(20):
            start.wait()
            if rivals[rival].create(f"manifest/{number:03d}", str(rival).encode()):
                won[rival].append(number)

    threads = [threading.Thread(target=race, args=(rival,)) for rival in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(won[0] + won[1]) == list(range(20))
    for rival in range(2):
        assert all(rivals[0].read(f"manifest/{number:03d}") == str(rival).encode() for number in won[rival])


def test_folders_list_what_is_below_them_and_nothing_beside(storage: ArchiveStorage) -> None:
    names = ["a/b/2", "a/b/1", "a/ä ö%2F@x~/c", "ab/1", "a.json"]
    for name in names:
        storage.create(name, b"12345")
    assert storage.list_files("a") == sorted(name for name in names if name.startswith("a/"))
    assert storage.list_files("a/b") == ["a/b/1", "a/b/2"]
    assert storage.list_files("nothing") == []
    described = storage.describe_files("a/b")
    assert [(file.path, file.bytes) for file in described] == [("a/b/1", 5), ("a/b/2", 5)]
    assert all(abs(file.modified_at_us / 1e6 - time.time()) < 60 for file in described)


def test_many_files_are_read_in_the_order_asked_for(storage: ArchiveStorage) -> None:
    names = [f"manifest/{number}" for number in range(40)]
    for name in names:
        storage.create(name, name.encode())
    asked = names[::-1]
    assert storage.read_all(asked) == [name.encode() for name in asked]
    assert storage.read_all([]) == []


def test_what_is_not_there_is_missing_and_may_be_removed_again(storage: ArchiveStorage) -> None:
    storage.create("folder/one", b"1")
    assert storage.exists("folder/one")
    assert not storage.exists("folder/two")
    assert not storage.exists("folder")
    assert not storage.exists("folder/one/more")
    storage.remove("folder/one")
    storage.remove("folder/one")
    assert not storage.exists("folder/one")
    with pytest.raises(FileMissing):
        storage.read("folder/one")
    with pytest.raises(FileMissing):
        storage.read_all(["folder/one", "folder/two"])
    storage.create("folder/one", b"again")
    assert storage.read("folder/one") == b"again"


@pytest.mark.parametrize("location", ["gs://bucket/x", "s3://", "s3:///prefix", "s3://key:secret@bucket/x", "ftp://x"])
def test_locations_that_cannot_be_opened_are_said_before_anything_begins(location: str) -> None:
    with pytest.raises(LocationUnknown):
        open_storage(location)
    with pytest.raises(Terminal, match="ARCHIVE_DIR") as refused:
        read_archive_settings(archive_dir=location)
    assert "secret" not in refused.value.message


def test_a_folder_may_be_named_as_text_or_as_a_path(tmp_path: Path) -> None:
    open_storage(tmp_path).create("one", b"1")
    assert open_storage(str(tmp_path)).read("one") == b"1"
    assert read_archive_settings(archive_dir=tmp_path).archive_dir == str(tmp_path)
    assert read_archive_settings(archive_dir="s3://bucket/x").archive_dir == "s3://bucket/x"
