"""Of a performer's frames the newest by their own time is taken, and what is passed over is counted by its reason."""

import pytest

from consumers.avatar.stage.performer import CLOCK_PATIENCE_S, Performer
from consumers.avatar.stage.timeline import Moment, choose_newest

SHOWN = Moment(epoch=2, captured_at_us=1_000, partition=0, offset=10)


@pytest.mark.parametrize(
    ("moment", "row", "late", "duplicate"),
    [
        pytest.param(Moment(2, 1_001, 0, 11), 0, 0, 0, id="newer"),
        pytest.param(Moment(2, 999, 0, 11), None, 1, 0, id="captured before"),
        pytest.param(Moment(2, 1_000, 0, 11), None, 0, 1, id="written twice"),
        pytest.param(Moment(2, 1_001, 0, 10), None, 0, 1, id="delivered twice"),
        pytest.param(Moment(3, 1, 0, 11), 0, 0, 0, id="a new epoch"),
        pytest.param(Moment(1, 999, 0, 11), None, 1, 0, id="an old epoch"),
        pytest.param(Moment(2, 1_001, 1, 3), 0, 0, 0, id="another partition"),
    ],
)
def test_a_frame_is_taken_or_passed_over(moment: Moment, row: int | None, late: int, duplicate: int) -> None:
    choice = choose_newest([moment], [0], SHOWN)
    assert (None if choice.newest is None else choice.newest.row) == row
    assert (choice.late, choice.duplicate, choice.superseded) == (late, duplicate, 0)


def test_of_several_newer_ones_the_newest_is_taken_wherever_it_stands() -> None:
    moments = [Moment(2, at_us, 0, 11 + row) for row, at_us in enumerate((1_100, 1_300, 1_200))]
    choice = choose_newest(moments, [0, 1, 2], SHOWN)
    assert choice.newest is not None
    assert (choice.newest.row, choice.superseded, choice.late) == (1, 1, 1)
    assert not choice.newest.restarted


def test_a_clock_that_was_set_back_is_followed_once_it_stays_there() -> None:
    performer = Performer("ada", 0, 0, heard_at_us=0, last=SHOWN)
    back = Moment(2, 5, 0, 11)
    assert performer.choose([back], [0], int(CLOCK_PATIENCE_S * 1e6)).newest is None
    newest = performer.choose([back], [0], int(CLOCK_PATIENCE_S * 1e6) + 1).newest
    assert newest is not None
    assert newest.restarted
