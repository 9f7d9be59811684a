"""Which runs are gone on with, which begin anew, and that no frame is on the topic twice where one is."""

import logging
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from kafka_io.settings import KafkaSettings
from producer_service.capture.open_source import SourceOptions, open_source
from producer_service.ledger import SourceOutcome
from producer_service.pipeline import wall_clock_us
from producer_service.progress.file_progress import FileProgress
from producer_service.progress.journal import Journal
from producer_service.settings import ProducerSettings
from tests.producer_service.made_media import draw_quarters, encode_picture, write_video
from tests.producer_service.progress.conftest import ReadTopic, Runner, by_identity

pytestmark = pytest.mark.servers


def write_pictures(folder: Path, breaking_at: int, pictures: int) -> Path:
    """Pictures of a person, one of which breaks the landmarker, and one of which is damaged."""
    folder.mkdir()
    for index in range(pictures):
        image = np.full((48, 64, 3), 255, np.uint8) if index == breaking_at else draw_quarters()
        (folder / f"{index}.png").write_bytes(encode_picture(image))
    (folder / "1.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    return folder


def test_a_run_that_went_well_leaves_no_journal_and_the_next_begins_anew(
    tmp_path: Path, runner: Runner, read_topic: ReadTopic
) -> None:
    video = write_video(tmp_path / "walk.mp4", frames=6)
    first, second = runner.run([video]), runner.run([video])
    assert not runner.journals()
    assert not second.watcher.resumed
    assert first.ledger.sources[0].epoch != second.ledger.sources[0].epoch
    assert len(read_topic(runner.topic)) == 12


def test_a_file_that_changed_begins_anew(tmp_path: Path, runner: Runner, read_topic: ReadTopic) -> None:
    video = write_video(tmp_path / "walk.mp4", frames=12)
    runner.run([video], ended_after=4)
    os.utime(video, ns=(1, 1))
    again = runner.run([video])
    assert not again.watcher.resumed
    assert again.ledger.counts().acknowledged == 12
    assert len({frame.epoch for frame in read_topic(runner.topic).values()}) == 2


def test_who_asks_for_it_begins_anew_under_another_epoch(tmp_path: Path, runner: Runner, read_topic: ReadTopic) -> None:
    video = write_video(tmp_path / "walk.mp4", frames=12)
    runner.run([video], ended_after=4)
    runner.run([video], ended_after=6, afresh=True)
    again = runner.run([video])
    assert len(again.watcher.resumed) == 1
    frames = by_identity(read_topic(runner.topic))
    of_last = [frame.sequence for frame in frames.values() if frame.epoch == again.ledger.sources[0].epoch]
    assert of_last == list(range(12))
    assert len({frame.epoch for frame in frames.values()}) == 2


@pytest.mark.parametrize("ended_after", [3, 53, 58])
def test_epochs_begin_where_they_began_before(
    tmp_path: Path, runner: Runner, read_topic: ReadTopic, ended_after: int
) -> None:
    # Its picture 51 is white, which breaks the landmarker.
    video = write_video(tmp_path / "walk.mp4", frames=70)
    runner.run([video])
    undisturbed = by_identity(read_topic(runner.topic))
    runner.run([video], ended_after=ended_after)
    again = runner.run([video])
    assert again.ledger.counts().rejected == {"inference_failed": 1}
    assert again.ledger.sources[0].already_published >= ended_after
    frames = {name: frame for name, frame in by_identity(read_topic(runner.topic)).items() if name not in undisturbed}
    assert len({frame.epoch for frame in frames.values()}) == 2
    assert [frame.sequence for frame in frames.values()] == [frame.sequence for frame in undisturbed.values()]
    for frame, same in zip(frames.values(), undisturbed.values(), strict=True):
        assert (frame.right_hand is None) == (same.right_hand is None)
        if frame.right_hand is not None:
            np.testing.assert_array_equal(frame.right_hand, same.right_hand)


@pytest.mark.parametrize("ended_after", [1, 3, 5])
def test_pictures_of_a_folder_that_are_published_are_not_looked_at_again(
    tmp_path: Path, runner: Runner, read_topic: ReadTopic, ended_after: int
) -> None:
    folder = write_pictures(tmp_path / "shots", breaking_at=4, pictures=12)
    runner.run([folder], ended_after=ended_after)
    already = len(read_topic(runner.topic))
    again = runner.run([folder])
    [source] = again.ledger.sources
    assert source.already_published == already
    assert source.frames == 10 - already == again.looked_at - 1
    frames = list(by_identity(read_topic(runner.topic)).values())
    assert [frame.sequence for frame in frames] == [*range(3), *range(7)]
    assert len({frame.epoch for frame in frames}) == 2
    assert np.diff([frame.captured_at_us for frame in frames]).min() > 0


def test_of_several_files_those_that_were_done_are_not_read_again(
    tmp_path: Path, runner: Runner, read_topic: ReadTopic
) -> None:
    videos = [write_video(tmp_path / f"{name}.mp4", frames=12) for name in ("ada", "bob", "cy")]
    runner.run(videos, ended_after=16)
    again = runner.run(videos)
    ada, bob, cy = again.ledger.sources
    assert (ada.already_published, ada.frames, ada.outcome) == (12, 0, SourceOutcome.PUBLISHED)
    assert bob.already_published + bob.frames == 12
    assert (cy.already_published, cy.frames) == (0, 12)
    assert again.looked_at == 24
    assert len(by_identity(read_topic(runner.topic))) == 36
    assert not runner.journals()


def test_a_file_named_twice_is_published_twice_and_gone_on_with_once(
    tmp_path: Path, runner: Runner, read_topic: ReadTopic
) -> None:
    video = write_video(tmp_path / "walk.mp4", frames=10)
    runner.run([video, video], ended_after=14)
    first, second = runner.run([video, video]).ledger.sources
    assert first.already_published == 10
    assert 4 <= second.already_published < 10
    frames = by_identity(read_topic(runner.topic))
    assert len(frames) == 20
    assert len({frame.epoch for frame in frames.values()}) == 2


def test_a_journal_that_ends_in_the_middle_of_a_line_is_read_up_to_there(
    tmp_path: Path, runner: Runner, read_topic: ReadTopic
) -> None:
    video = write_video(tmp_path / "walk.mp4", frames=12)
    runner.run([video], ended_after=4)
    [journal] = runner.journals()
    with journal.open("ab") as file:
        file.write(b'{"epoch":17')
    runner.run([video], ended_after=2)
    assert len(runner.run([video]).watcher.resumed) == 1
    frames = by_identity(read_topic(runner.topic))
    assert len(frames) == 12
    assert len({frame.epoch for frame in frames.values()}) == 1


def test_a_file_that_another_run_is_publishing_gets_an_epoch_of_its_own(
    tmp_path: Path, runner: Runner, read_topic: ReadTopic, caplog: pytest.LogCaptureFixture
) -> None:
    video = write_video(tmp_path / "walk.mp4", frames=12)
    runner.run([video], ended_after=4)
    [path] = runner.journals()
    with Journal(path):
        runner.run([video])
    assert "another run" in caplog.text
    assert len({frame.epoch for frame in read_topic(runner.topic).values()}) == 2
    # What that other run noted is still there.
    assert runner.run([video]).watcher.resumed


def test_where_no_journal_can_be_written_that_is_said_once_and_all_is_published(
    tmp_path: Path, runner: Runner, caplog: pytest.LogCaptureFixture
) -> None:
    runner.state_dir.write_text("a file, where a directory is to be")
    videos = [write_video(tmp_path / f"{name}.mp4", frames=3) for name in ("ada", "bob")]
    with caplog.at_level(logging.WARNING):
        run = runner.run(videos)
    assert run.ledger.clean
    assert run.ledger.counts().acknowledged == 6
    assert caplog.text.count("how far files are published cannot be noted") == 1


def test_journals_are_readable_by_their_owner_only_and_old_ones_go(tmp_path: Path, runner: Runner) -> None:
    video, other = (write_video(tmp_path / f"{name}.mp4", frames=12) for name in ("walk", "other"))
    runner.run([video], ended_after=4)
    [journal] = runner.journals()
    assert journal.stat().st_mode & 0o777 == 0o600
    assert journal.parent.stat().st_mode & 0o777 == 0o700
    os.utime(journal, (1, 1))
    runner.run([other])
    assert not runner.journals()


def test_a_camera_has_no_journal(runner: Runner, kafka_settings: KafkaSettings) -> None:
    settings = ProducerSettings(topic=runner.topic, state_dir=runner.state_dir)
    progress = FileProgress(kafka_settings, settings, wall_clock_us, afresh=False)

    def find_model() -> str:
        raise AssertionError("nobody need open a landmarker for that")

    followed = progress.follow(open_source("webcam:0", SourceOptions(), wall_clock_us), find_model)
    assert not followed.resumed
    assert not runner.journals()


def test_a_home_that_is_not_there_is_not_made(
    tmp_path: Path,
    make_topic: Callable[..., str],
    kafka_settings: KafkaSettings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    monkeypatch.delenv("HOLISTIC_STATE_DIR", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "nowhere"))
    settings = ProducerSettings(topic=make_topic())
    progress = FileProgress(kafka_settings, settings, wall_clock_us, afresh=False)
    source = open_source(write_video(tmp_path / "walk.mp4", frames=1), SourceOptions(), wall_clock_us)
    assert not progress.follow(source, lambda: "a model").resumed
    assert not progress.noted
    assert not (tmp_path / "nowhere").exists()
