"""A hypothesis strategy for batches of any frames at all: what the codec lets through, as the sinks are given it."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final, TypeVar

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from keypoints.frame import FrameBatch, allocate_batch
from keypoints.landmarks import FACE_POINTS_WITHOUT_IRIS, PART_SHAPES, Part
from keypoints.topics import STREAM_ID_MAX_CHARACTERS, Headers, frame_headers, record_key
from tests.consumers.archive.made_frames import NOON_US

_T = TypeVar("_T")

DAY_US: Final = 86_400_000_000
YEAR_9999_US: Final = 253_370_764_800_000_000
"""The first moment of the last year that Python's calendar has."""
LAST_US: Final = 253_402_300_799_999_999

_UNICODE: Final = st.characters(blacklist_characters="\x00", blacklist_categories=["Cs"])
ODD_NAMES: Final = (
    "a/b", "/", "../../etc/passwd", ".", "..", "a.b.c", "it's", 'say "ada"', "back\\slash", "100%", "a=b&c", "*?[x]",
    "stream_id=ada", "  ", "\n", "\t\\N", "NULL", "ä ö ü", "舞踏家", "🕺🏽", "e\u0301", "\u202eoverride", "\ufeff",
    "'; --", "x" * STREAM_ID_MAX_CHARACTERS, "舞" * STREAM_ID_MAX_CHARACTERS, "/" * STREAM_ID_MAX_CHARACTERS,
)  # fmt: skip
NUMBERS: Final = tuple(
    np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, 1e-45, -1e-40, 3.4028235e38, -3.4028235e38], dtype=np.float32)
)


def any_stream_ids() -> st.SearchStrategy[str]:
    """Names of streams: odd ones, and any text of 1 to 512 characters."""
    return st.sampled_from(ODD_NAMES) | st.text(_UNICODE, min_size=1, max_size=STREAM_ID_MAX_CHARACTERS)


def any_captured_at_us(now_us: int = NOON_US) -> st.SearchStrategy[int]:
    """Microseconds since 1970: about now, 1970, tomorrow, midnights, the year 9999, and any time of years 1 to 9999."""
    midnight = now_us // DAY_US * DAY_US
    return st.one_of(
        st.integers(now_us - 3_600_000_000, now_us),
        st.sampled_from([0, 1, -1, now_us + DAY_US, YEAR_9999_US, LAST_US]),
        st.sampled_from([midnight - 1, midnight, midnight + DAY_US - 1, midnight + DAY_US, midnight + 3 * DAY_US]),
        st.integers(-62_135_596_800_000_000, LAST_US),
    )


@st.composite
def any_batches(
    draw: st.DrawFn, *, topic: str = "test", max_rows: int = 12, partitions: int = 2, now_us: int = NOON_US
) -> FrameBatch:
    """One to `max_rows` rows of a topic's partitions; each partition's offsets ascend by one from its first.

    Any part may be absent from any row and from the whole batch, faces have 478 points or 468, coordinates may be NaN,
    infinite, subnormal or −0. Capture times are those of `any_captured_at_us`, names those of `any_stream_ids`.
    Keys are the names' or null; headers are the producer's own, others, or none.
    """
    rows = draw(st.integers(1, max_rows))
    batch = allocate_batch(topic, rows)
    batch.partition[:] = batch.identity_partition[:] = draw(_each(rows, st.integers(0, partitions - 1)))
    batch.offset[:] = _count_up(batch.partition, draw(st.sampled_from([0, 1, 10**12])))
    batch.identity_offset[:] = batch.offset
    names = draw(st.lists(any_stream_ids(), min_size=1, max_size=3))
    batch.stream_id[:] = draw(_each(rows, st.sampled_from(names)))
    batch.model[:] = draw(_each(rows, st.sampled_from(["holistic", "", "modèle 2"])))
    times = draw(st.lists(any_captured_at_us(now_us), min_size=1, max_size=4))
    batch.captured_at_us[:] = draw(_each(rows, st.sampled_from(times)))
    batch.processed_at_us[:] = np.minimum(batch.captured_at_us + 40_000, LAST_US)
    batch.timestamp_ms[:] = np.maximum(batch.captured_at_us // 1000, 0)
    batch.sequence[:] = draw(_each(rows, st.integers(0, 2**63 - 1)))
    batch.epoch[:] = draw(st.integers(0, 2**63 - 1))
    batch.width[:], batch.height[:] = draw(st.sampled_from([(1280, 720), (0, 0), (2**31 - 1, 1)]))
    batch.mirrored[:] = draw(_each(rows, st.booleans()))
    _fill_parts(draw, batch)
    keyed = draw(_each(rows, st.booleans()))
    keys = tuple(record_key(name) if has_key else None for name, has_key in zip(batch.stream_id, keyed, strict=True))
    return replace(batch, keys=keys, headers=tuple(draw(_each(rows, st.sampled_from(_HEADERS)))))


_HEADERS: Final[Sequence[Headers]] = (
    tuple(frame_headers()),
    (),
    (("null", None), ("empty", b""), ("twice", b"\x00\xff"), ("twice", "ü".encode())),
)


def _each(rows: int, of_one: st.SearchStrategy[_T]) -> st.SearchStrategy[list[_T]]:
    return st.lists(of_one, min_size=rows, max_size=rows)


def _count_up(partition: NDArray[np.int32], first: int) -> NDArray[np.int64]:
    offsets = np.zeros(len(partition), dtype=np.int64)
    for number in np.unique(partition):
        of_partition = partition == number
        offsets[of_partition] = first + np.arange(np.count_nonzero(of_partition))
    return offsets


def _fill_parts(draw: st.DrawFn, batch: FrameBatch) -> None:
    rows = len(batch)
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    for part, shape in PART_SHAPES.items():
        presence = draw(st.sampled_from(["in none", "in some", "in all"]))
        if presence == "in none":
            continue
        present = np.array(draw(_each(rows, st.just(True) if presence == "in all" else st.booleans())))
        values = random.normal(size=(rows, *shape)).astype(np.float32)
        strange = random.random(values.shape) < draw(st.sampled_from([0.0, 0.01, 1.0]))
        values[strange] = random.choice(NUMBERS, int(np.count_nonzero(strange)))
        values[~present] = np.nan
        batch.part(part)[:] = values
        if part is Part.FACE:
            refined = np.array(draw(_each(rows, st.booleans())))
            batch.face_points[:] = np.where(present, np.where(refined, shape[0], FACE_POINTS_WITHOUT_IRIS), 0)
            batch.face[~refined, FACE_POINTS_WITHOUT_IRIS:] = np.nan
        else:
            batch.present(part)[:] = present
