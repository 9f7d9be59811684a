"""A run over files: for each a journal, and, where an earlier run left one, what that run had published."""

import logging
import threading
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from kafka_io.admin import topic_end_offsets, topic_id
from kafka_io.partitioning import partition_of
from kafka_io.settings import KafkaSettings
from producer_service.capture.captured import Clock, Source
from producer_service.capture.video_file import VideoFile
from producer_service.progress.identity import FileSource, Target, identify, is_file_source
from producer_service.progress.journal import SUFFIX, Beginning, Journal, JournalInUse, find_state_dir
from producer_service.progress.on_topic import PublishedFrames
from producer_service.settings import ProducerSettings

log = logging.getLogger(__name__)

_KEPT_S: Final = 7 * 24 * 60 * 60
"""As long as the suite's topic keeps frames: what is older cannot be gone on with."""


class SourceProgress:
    """How far one source's pictures are published; without a journal nothing is, and nothing is noted."""

    def __init__(
        self,
        journal: Journal | None = None,
        published: frozenset[int] | None = None,
        say: Callable[[OSError], None] = lambda _: None,
    ) -> None:
        """`published` are the numbers of the pictures that are on the topic already; None: nobody began with it.

        `say` is told when nothing more can be noted.
        """
        self.resumed = published is not None
        self.published = published or frozenset()
        self._journal = journal
        self._say = say
        self._earlier = dict(journal.epochs) if journal is not None else {}

    @property
    def complete(self) -> bool:
        """Whether there is nothing left to publish, so that it need not be read."""
        return self._journal is not None and self._journal.pictures == len(self.published) and self.resumed

    @property
    def epoch(self) -> int | None:
        """The last epoch an earlier run began, or None."""
        return self._earlier[max(self._earlier)] if self._earlier else None

    def epoch_at(self, picture: int) -> int | None:
        """The epoch an earlier run began with this picture, or None."""
        return self._earlier.get(picture)

    def begin_epoch(self, epoch: int, picture: int) -> None:
        """Note an epoch before its first frame is published."""
        if self._journal is not None:
            try:
                self._journal.begin_epoch(epoch, picture)
            except OSError as error:
                self._say(error)
                self.close()

    def end(self, pictures: int) -> None:
        """The source was read to its end, and all of it could be read."""
        if self._journal is not None and self._journal.pictures is None:
            try:
                self._journal.end(pictures)
            except OSError as error:
                self._say(error)

    def close(self) -> None:
        """Nothing more is noted."""
        if self._journal is not None:
            self._journal.close()
            self._journal = None


class FileProgress:
    """The journals of one run. Safe for several threads.

    They are the run's: one of a file that was read to its end stays until all the run's files were, so that the same
    command goes on at the file it was killed at. Where no journal can be written that is said once, and the run goes on
    without.
    """

    def __init__(self, kafka: KafkaSettings, settings: ProducerSettings, now_us: Clock, *, afresh: bool) -> None:
        """`afresh`: what an earlier run noted does not count."""
        self._kafka = kafka
        self._settings = settings
        self._now_us = now_us
        self._published = PublishedFrames(kafka, settings.topic)
        self._afresh = afresh
        self._lock = threading.Lock()
        self._directory: Path | None = None
        self._unusable = False
        self._said = False
        self._target: Target | None = None
        self._ends: dict[int, int] = {}
        self._seen: Counter[str] = Counter()
        self._journals: list[Path] = []

    def follow(self, source: Source, find_model: Callable[[], str]) -> SourceProgress:
        """How far a source is, before it is read; a video that an earlier run began is told when that was.

        `find_model` is asked what will look at its pictures, where that matters. Raises what that raises,
        KafkaUnavailable or KafkaRefused.
        """
        if not is_file_source(source):
            return SourceProgress()
        journal = self._open_journal(source, find_model)
        if journal is None:
            return SourceProgress()
        try:
            return self._take_up(journal, source)
        except OSError as error:
            self._say_not_noted(error)
            journal.close()
            return SourceProgress()
        except BaseException:
            journal.close()
            raise

    @property
    def noted(self) -> bool:
        """Whether the same command would go on where this run ended."""
        return bool(self._journals)

    def forget(self) -> None:
        """All is published, or nobody wants it to be gone on with."""
        for path in self._journals:
            with suppress(OSError):
                path.unlink(missing_ok=True)
        self._journals.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # A person who interrupts a second time has given it up, too.
        if kind is KeyboardInterrupt:
            self.forget()

    def _open_journal(self, source: FileSource, find_model: Callable[[], str]) -> Journal | None:
        with self._lock:
            directory = self._find_directory()
        if directory is None:
            return None
        model = find_model()
        with self._lock:
            name = identify(source, model, self._look_at_topic())
            # A file that is named twice is published twice.
            path = directory / f"{name}-{self._seen[name]}{SUFFIX}"
            self._seen[name] += 1
        try:
            journal = Journal(path)
        except JournalInUse:
            log.warning("%s is being published by another run, too: this one is not gone on with", source.name)
            return None
        except OSError as error:
            self._say_not_noted(error)
            return None
        self._journals.append(path)
        return journal

    def _take_up(self, journal: Journal, source: FileSource) -> SourceProgress:
        beginning = journal.beginning
        if beginning is None or not journal.epochs or self._afresh or self._is_old(journal.written_at_s):
            # Pictures have no time of their own to go on from: each is taken when it is opened.
            started_at_us = self._now_us() if source.started_at_us is None else source.started_at_us
            partition = partition_of(source.stream_id, len(self._ends))
            beginning = Beginning(started_at_us, partition, self._ends[partition])
            journal.begin(beginning)
            published = None
        else:
            place = beginning.partition, beginning.offset
            published = self._published.find(source.stream_id, place, journal.epochs)
        if isinstance(source, VideoFile):
            source.started_at_us = beginning.started_at_us
        return SourceProgress(journal, published, self._say_not_noted)

    def _find_directory(self) -> Path | None:
        """Called with the lock held."""
        if self._directory is None and not self._unusable:
            try:
                self._directory = find_state_dir(self._settings.state_dir)
                self._remove_old(self._directory)
            except OSError as error:
                self._unusable = True
                self._say_not_noted(error)
        return self._directory

    def _look_at_topic(self) -> Target:
        """Called with the lock held. The topic's ends are read once: no frame of this run can be before them."""
        if self._target is None:
            topic = self._settings.topic
            self._ends = topic_end_offsets(self._kafka, topic)
            self._target = Target(topic, topic_id(self._kafka, topic), self._settings.mirrored)
        return self._target

    def _is_old(self, written_at_s: float) -> bool:
        return self._now_us() / 1e6 - written_at_s > _KEPT_S

    def _remove_old(self, directory: Path) -> None:
        """Nobody has come back for these. Raises OSError."""
        for path in directory.glob(f"*{SUFFIX}"):
            with suppress(FileNotFoundError, JournalInUse):
                if self._is_old(path.stat().st_mtime):
                    with Journal(path):
                        path.unlink()

    def _say_not_noted(self, error: OSError) -> None:
        """Once a run: what one file's journal met, the next one's will, too."""
        if not self._said:
            self._said = True
            log.warning("how far files are published cannot be noted; a run that is killed will begin anew: %s", error)
