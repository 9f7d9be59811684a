"""One export: survey the stream, read it window by window, write its frames, let the files appear."""

import difflib
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO, Final, Protocol

from consumers.archive.capture_range import CaptureRange
from consumers.archive.export.files import write_together
from consumers.archive.export.json_lines import JsonLinesFile
from consumers.archive.export.long_layout import LongLayoutFile
from consumers.archive.export.pose_file import PoseFile
from consumers.archive.export.source import FrameSource, Survey, split_windows
from consumers.archive.export.times import TimesFile
from consumers.archive.export.wide_rows import WideCsvFile
from keypoints.errors import Terminal
from keypoints.frame import FrameBatch
from keypoints.landmarks import FACE_POINTS, FACE_POINTS_WITHOUT_IRIS

_NAMES_SHOWN: Final = 3


class NothingToExport(Terminal):
    """There is no such stream, or it has no frames in the range. Fields: stream_id."""


class Format(StrEnum):
    """What an export can be."""

    POSE = "pose"
    KAGGLE = "kaggle"
    CSV = "csv"
    JSONL = "jsonl"


@dataclass(frozen=True, slots=True)
class ExportRequest:
    """What is wanted."""

    stream_id: str
    wanted: CaptureRange
    form: Format
    path: Path
    overwrite: bool = False

    @property
    def times_path(self) -> Path | None:
        """The side file, for the forms that have no place for times."""
        return self.path.with_name(f"{self.path.name}.times.csv") if self.form in _WITHOUT_TIMES else None


@dataclass(frozen=True, slots=True)
class ExportReport:
    """What was written. `rate` is the median number of frames a second, None for a single frame."""

    frames: int
    first_us: int
    last_us: int
    rate: float | None
    paths: tuple[Path, ...]


class FrameFile(Protocol):
    """A file in the making."""

    def write(self, batch: FrameBatch, first_frame: int) -> None:
        """Add the rows, the first of which has this number."""

    def finish(self) -> None:
        """Write what is left; the file is closed by its owner."""


_WITHOUT_TIMES: Final = {Format.POSE, Format.KAGGLE}


def export_stream(
    source: FrameSource,
    request: ExportRequest,
    on_progress: Callable[[int, int], None] = lambda _done, _all: None,
) -> ExportReport:
    """Write a stream's frames, in order of capture time, to the request's file (and its side file).

    `on_progress` hears how many frames of how many are written. A bounded number of frames is in memory. Raises
    NothingToExport, FileExists, FileNotWritten, or what the source raises.
    """
    survey = source.survey(request.stream_id, request.wanted)
    if survey is None:
        raise _explain_nothing(source, request)
    paths = [path for path in (request.path, request.times_path) if path is not None]
    frames = 0
    with write_together(paths, overwrite=request.overwrite) as files, ExitStack() as opened:
        writers: list[FrameFile] = [_open(source, request, survey, files[0], opened)]
        writers += [TimesFile(file) for file in files[1:]]
        for writer in writers:
            # Also when it ends badly: the draft is removed, but no writer may be left to end after its file.
            opened.callback(writer.finish)
        for window in split_windows(survey, request.wanted):
            batch = source.read(request.stream_id, window)
            if len(batch):
                for writer in writers:
                    writer.write(batch, frames)
            frames += len(batch)
            on_progress(frames, survey.frames)
    rate = 1e6 / survey.median_interval_us if survey.median_interval_us else None
    return ExportReport(frames, survey.first_us, survey.last_us, rate, tuple(paths))


def _open(source: FrameSource, request: ExportRequest, survey: Survey, file: BinaryIO, opened: ExitStack) -> FrameFile:
    if request.form is Format.POSE:
        scratch = opened.enter_context(tempfile.TemporaryFile(dir=request.path.parent))  # noqa: SIM115
        irises = source.has_irises(request.stream_id, request.wanted)
        return PoseFile(file, scratch, survey, FACE_POINTS if irises else FACE_POINTS_WITHOUT_IRIS)
    if request.form is Format.KAGGLE:
        return LongLayoutFile(file, as_csv=request.path.suffix.lower() == ".csv")
    return WideCsvFile(file) if request.form is Format.CSV else JsonLinesFile(file)


def _explain_nothing(source: FrameSource, request: ExportRequest) -> NothingToExport:
    stream_id = request.stream_id
    everything = source.survey(stream_id, CaptureRange())
    if everything is not None:
        return NothingToExport(
            f"{stream_id} has no frames in that range",
            hint="`holistic streams` says since when it has been seen, and until when",
            stream_id=stream_id,
        )
    known = source.list_stream_ids()
    by_folded = {name.casefold(): name for name in known}
    near = difflib.get_close_matches(stream_id.casefold(), by_folded, _NAMES_SHOWN)
    near += [name for name in by_folded if stream_id.casefold() in name and name not in near][:_NAMES_SHOWN]
    if near:
        hint = f"did you mean {' or '.join(by_folded[name] for name in near[:_NAMES_SHOWN])}?"
    else:
        hint = "`holistic streams` lists who is in the archive" if known else "the archive is empty"
    return NothingToExport(f"there is no stream {stream_id!r} in the archive", hint=hint, stream_id=stream_id)
