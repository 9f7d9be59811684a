"""A record cut from a reel is, byte for byte, what encoding its frame gives."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keypoints.codec import encode_avro
from performers.acts import ActKind
from performers.loops import Reel, rehearse, share_streams
from performers.schedule import Look

CAST = rehearse(
    ["s", "a stream whose name is longer than sixty-three bytes, so that its length takes two", "łódź"],
    [(ActKind.IDLE,), (ActKind.LEAVE, ActKind.WAVE), (ActKind.IDLE,)],
    5.0,
    seed=3,
)
LONGS = st.integers(-(2**63), 2**63 - 1)


@given(
    stream=st.integers(0, 2),
    at_us=st.integers(0, 2**45),
    look=st.sampled_from(Look),
    sequence=LONGS,
    epoch=LONGS,
    times_us=st.tuples(LONGS, LONGS),
    registry_id=st.sampled_from([None, 0, 7, 2**32 - 1]),
)
def test_a_reel_gives_the_bytes_of_encode_avro(
    stream: int,
    at_us: int,
    look: Look,
    sequence: int,
    epoch: int,
    times_us: tuple[int, int],
    registry_id: int | None,
) -> None:
    record = REELS[registry_id].record(stream, at_us, look, sequence=sequence, epoch=epoch, times_us=times_us)
    frame = CAST.frame(stream, at_us, look, sequence=sequence, epoch=epoch, times_us=times_us)
    assert record == encode_avro(frame, registry_id=registry_id)


REELS = {registry_id: Reel(CAST, registry_id) for registry_id in (None, 0, 7, 2**32 - 1)}


def test_streams_of_the_same_acts_start_at_different_places() -> None:
    assert CAST.loop_of[0] != CAST.loop_of[1]
    assert len({(CAST.loop_of[stream], CAST.place(stream, 0)) for stream in range(3)}) == 3


def test_a_stream_shows_every_frame_of_its_loop_once_a_round() -> None:
    loop = len(CAST.loops[CAST.loop_of[2]])
    # Its third of the turns comes two thirds of a frame's time after the first stream's.
    places = [CAST.place(2, round((number + 2 / 3) * 200_000)) for number in range(loop)]
    assert sorted(places) == list(range(loop))


@pytest.mark.parametrize(
    ("weights", "streams", "expected"),
    [((5, 2, 1), 40, [25, 10, 5]), ((1, 1, 1), 40, [14, 13, 13]), ((5, 2, 1), 2, [1, 1, 0]), ((0.5, 1.5), 4, [1, 3])],
)
def test_streams_are_shared_out_in_proportion(weights: tuple[float, ...], streams: int, expected: list[int]) -> None:
    assert share_streams(weights, streams) == expected
