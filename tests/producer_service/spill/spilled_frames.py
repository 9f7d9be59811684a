"""Frames for the spill's tests."""

from producer_service.encode import FrameRecord
from producer_service.spill.records import SpilledFrame
from producer_service.travelling import FrameFacts


def make_spilled(sequence: int, value: bytes | None = None, stream_id: str = "ada") -> SpilledFrame:
    """A frame whose value is its number, unless one is given."""
    facts = FrameFacts(stream_id, 7, sequence, 1_000_000 + sequence, 1_000_001, 1_000_002, has_person=sequence % 2 == 0)
    content = b"frame %d" % sequence if value is None else value
    headers = [("content-type", b"avro/binary"), ("odd", bytes(range(256)))]
    return SpilledFrame("a-topic", FrameRecord(stream_id.encode(), content, headers, 1_000 + sequence), facts)
