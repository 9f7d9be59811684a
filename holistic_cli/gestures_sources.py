"""What `holistic gestures teach --from` names, as frames: a recording, a file of poses or of JSON, or a stream."""

import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from holistic_cli.recordings.container import SUFFIX as RECORDING_SUFFIX
from holistic_cli.recordings.container import RecordingWriter
from holistic_cli.recordings.pose_take import SUFFIX as POSE_SUFFIX
from holistic_cli.recordings.pose_take import read_pose_take
from holistic_cli.recordings.recorder import NothingRecorded, RecordRequest, record_streams
from holistic_cli.recordings.take import survey_recording
from keypoints.codec import decode
from keypoints.errors import HolisticError, Terminal
from keypoints.frame import FrameBatch, HolisticFrame
from keypoints.schemas import SchemaUnknown

JSON_SUFFIX: Final = ".jsonl"
FILE_SUFFIXES: Final = (RECORDING_SUFFIX, ".avro", JSON_SUFFIX, POSE_SUFFIX)
_MOST_FRAMES: Final = 20_000


class NothingToTeachFrom(Terminal):
    """A source without frames, or with too many people or frames. Fields: source."""


@dataclass(frozen=True, slots=True)
class Segment:
    """Seconds of a source, from its first frame; `to_s` None: to its end."""

    from_s: float = 0.0
    to_s: float | None = None


def is_file(source: str) -> bool:
    """Whether a source is a file, of whatever kind; else it is a stream's name."""
    return Path(source).is_file() or Path(source).suffix.lower() in (*FILE_SUFFIXES, ".csv")


def read_file(path: Path, stream: str | None) -> FrameBatch:
    """The frames of a file, in order of time. Raises NothingToTeachFrom and DamagedRecording."""
    if not path.is_file():
        raise NothingToTeachFrom(f"there is no file {path}", source=str(path))
    suffix = path.suffix.lower()
    if suffix == POSE_SUFFIX:
        frames: list[HolisticFrame] = list(read_pose_take(path).frames)
    elif suffix == JSON_SUFFIX:
        frames = list(_read_lines(path))
    else:
        frames = list(_read_recording(path))
    return _put_in_order(str(path), frames, stream)


def read_stream(stream: str, since_s: float, topic: str) -> FrameBatch:
    """The last `since_s` seconds of a stream, off the topic, without a group.

    Raises NothingToTeachFrom, KafkaUnavailable and KafkaRefused.
    """
    from kafka_io.schema_topic import TopicSchemaLookup
    from kafka_io.settings import read_kafka_settings

    settings = read_kafka_settings()
    now_ms = int(time.time() * 1000)
    request = RecordRequest(topic, (stream,), now_ms - round(since_s * 1000), now_ms)
    with tempfile.TemporaryDirectory(prefix="holistic-teach-") as directory:
        path = Path(directory) / f"stream{RECORDING_SUFFIX}"
        with path.open("wb") as file:
            try:
                record_streams(settings, request, RecordingWriter(file), TopicSchemaLookup(settings), threading.Event())
            except NothingRecorded as error:
                raise NothingToTeachFrom(
                    f"{topic} holds no records of {stream} in the last {since_s:g} s",
                    hint="--since looks further back; a file needs its ending: .holistic, .pose, .jsonl or .csv",
                    source=stream,
                ) from error
        return _put_in_order(stream, list(_read_recording(path)), stream)


def cut(batch: FrameBatch, segment: Segment, source: str) -> FrameBatch:
    """The frames of a segment. Raises NothingToTeachFrom when there are none."""
    at_s = (batch.captured_at_us - batch.captured_at_us[0]) / 1e6
    to_s = float(at_s[-1]) if segment.to_s is None else segment.to_s
    found = batch.take((at_s >= segment.from_s) & (at_s <= to_s))
    if not len(found):
        raise NothingToTeachFrom(
            f"{source} has no frames from {segment.from_s:g} to {to_s:g} s: it lasts {at_s[-1]:.1f} s", source=source
        )
    return found


def _read_recording(path: Path) -> Iterator[HolisticFrame]:
    take = survey_recording(path)
    for record in take.read():
        try:
            yield decode(record.value, key=record.key, partition=record.partition, offset=record.offset,
                         timestamp_ms=record.timestamp_ms, schemas=take.schemas)  # fmt: skip
        except (Terminal, SchemaUnknown):
            # A dead letter is no example.
            continue


def _read_lines(path: Path) -> Iterator[HolisticFrame]:
    for number, line in enumerate(path.read_bytes().splitlines(), start=1):
        if not line.strip():
            continue
        try:
            yield decode(line, offset=number)
        except HolisticError as error:
            raise NothingToTeachFrom(
                f"{path}, line {number}: {error.message}", hint="a JSON frame a line, as `holistic export` writes",
                source=str(path)
            ) from error  # fmt: skip


def _put_in_order(source: str, frames: Sequence[HolisticFrame], stream: str | None) -> FrameBatch:
    chosen = [frame for frame in frames if stream is None or frame.stream_id == stream]
    streams = sorted({frame.stream_id for frame in chosen})
    if len(streams) > 1:
        raise NothingToTeachFrom(
            f"{source} has {len(streams)} streams: {', '.join(streams[:5])}", hint="name one with --stream",
            source=source,
        )  # fmt: skip
    if not chosen:
        raise NothingToTeachFrom(f"{source} has no frames" + (f" of {stream}" if stream else ""), source=source)
    if len(chosen) > _MOST_FRAMES:
        raise NothingToTeachFrom(
            f"{source} has {len(chosen):,} frames, and {_MOST_FRAMES:,} are enough",
            hint="teach from a shorter recording, or with a smaller --since",
            source=source,
        )
    batch = FrameBatch.from_frames(chosen)
    # What was published again has its time of before.
    _, rows = np.unique(batch.captured_at_us, return_index=True)
    return batch.take(rows)
