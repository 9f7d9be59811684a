"""When a member opens and closes streams, and who gives way to whom."""

from contextlib import closing
from typing import Any, cast

import pytest

from producer_service.encode import EpochClock
from producer_service.image_topic.image_record import ImageRecord
from producer_service.image_topic.stream_lines import LineOptions, NoRoomForStream, OpenLine, StreamLines
from producer_service.landmarks.landmarker import NoLandmarkerFree
from producer_service.ledger import Ledger
from producer_service.live.equipment import Equipment
from producer_service.live.picture import EncodedPicture
from producer_service.live.studio import Studio

OPTIONS = LineOptions(pictures=2, idle_s=60.0, spare_s=2.0, patience_s=15.0, again_s=0.25)


class TwoLandmarkers:
    """A supply that has two, and counts how many are lent."""

    def __init__(self) -> None:
        self.lent = 0

    def open_stream(self) -> "TwoLandmarkers":
        if self.lent == 2:
            raise NoLandmarkerFree("two streams are tracked here")
        self.lent += 1
        return self

    def close(self) -> None:
        self.lent -= 1


class Room:
    """Lines over two landmarkers, at a time that goes on when it is told to."""

    def __init__(self, options: LineOptions = OPTIONS) -> None:
        self.now_s = 100.0
        self.landmarkers = TwoLandmarkers()
        nothing = cast("Any", None)
        equipment = Equipment(cast("Any", self.landmarkers), nothing, nothing, Ledger(), EpochClock(), lambda: 0)
        self.studio = Studio(equipment)
        self.lines = StreamLines(self.studio, options, lambda: self.now_s)

    def find(self, stream_id: str, partition: int = 0, *, mirrored: bool = False) -> OpenLine | None:
        return self.lines.find_room(ImageRecord(stream_id, mirrored, EncodedPicture(b"", 0)), partition)

    def hand(self, stream_id: str) -> OpenLine:
        line = self.find(stream_id)
        assert line is not None
        self.lines.note_handed(line)
        return line

    def open_streams(self) -> set[str]:
        return {line.stream_id for line in self.studio.lines()}

    def close(self) -> None:
        self.studio.close()


def test_a_stream_takes_as_many_pictures_as_may_be_under_way() -> None:
    with closing(Room()) as room:
        line = room.hand("ada")
        assert room.hand("ada") is line
        assert room.find("ada") is None
        room.lines.note_settled(line)
        assert room.find("ada") is line


def test_a_stream_that_rests_is_closed_after_its_time_and_before_it_only_for_another() -> None:
    with closing(Room()) as room:
        for name in ("ada", "bob"):
            room.lines.note_settled(room.hand(name))
            room.now_s += 1
        room.lines.tidy(())
        assert room.open_streams() == {"ada", "bob"}
        with pytest.raises(NoRoomForStream):
            room.find("cy")
        room.now_s += 0.5
        room.lines.tidy({"cy"})
        # The one that rests longest, and long enough.
        assert room.open_streams() == {"bob"}
        room.hand("cy")
        room.now_s += 61
        room.lines.tidy(())
        assert room.open_streams() == {"cy"}


def test_streams_that_never_rest_give_way_to_one_that_has_waited_long() -> None:
    with closing(Room()) as room:
        eldest, other = room.hand("ada"), room.hand("bob")
        with pytest.raises(NoRoomForStream):
            room.find("cy")
        room.now_s += 14
        room.lines.tidy({"ada", "bob", "cy"})
        assert room.find("ada") is eldest
        room.now_s += 2
        room.lines.tidy({"ada", "bob", "cy"})
        # It gets nothing more, and ends what it has.
        assert room.find("ada") is None
        assert room.find("bob") is other
        assert room.open_streams() == {"ada", "bob"}
        room.lines.note_settled(eldest)
        room.lines.tidy({"ada", "bob", "cy"})
        assert room.open_streams() == {"bob"}
        assert room.find("cy") is not None


def test_no_more_streams_are_open_than_the_options_say() -> None:
    with closing(Room(LineOptions(streams=1))) as room:
        room.hand("ada")
        with pytest.raises(NoRoomForStream, match="1 streams"):
            room.find("bob")


def test_a_stream_that_turns_its_mirror_is_opened_anew_once_nothing_is_under_way() -> None:
    with closing(Room()) as room:
        line = room.hand("ada")
        assert room.find("ada", mirrored=True) is None
        room.lines.note_settled(line)
        turned = room.find("ada", mirrored=True)
        assert turned is not None
        assert turned is not line
        assert room.landmarkers.lent == 1


def test_the_streams_of_a_partition_that_is_gone_are_closed_and_no_others() -> None:
    with closing(Room()) as room:
        assert room.find("ada", 0)
        assert room.find("bob", 1)
        room.lines.close_all_but([1])
        assert room.open_streams() == {"bob"}
        room.lines.close_of([1])
        assert room.landmarkers.lent == 0
