"""What became of one picture: every picture handed in gets exactly one of these."""

from dataclasses import dataclass

from keypoints.frame import HolisticFrame
from producer_service.capture.captured import RefusalReason
from producer_service.watchers import Delivered


@dataclass(frozen=True, slots=True)
class Spent:
    """Where a picture's time went, in ms: waiting for its turn, decoding, finding landmarks, and Kafka's answer."""

    waiting_ms: float
    decoding_ms: float
    inference_ms: float
    publishing_ms: float

    @property
    def total_ms(self) -> float:
        """From being handed in to Kafka's acknowledgement."""
        return self.waiting_ms + self.decoding_ms + self.inference_ms + self.publishing_ms


@dataclass(frozen=True, slots=True, eq=False)
class Acknowledged:
    """Kafka has the frame, and this is where."""

    frame: HolisticFrame
    delivered: Delivered
    spent: Spent


@dataclass(frozen=True, slots=True)
class Dropped:
    """The picture was good, and gave no record: why, in the ledger's word and in a sentence."""

    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class Rejected:
    """The picture gave no frame: why, in the ledger's word and in a sentence."""

    reason: RefusalReason
    message: str


PictureOutcome = Acknowledged | Dropped | Rejected


class DropReason:
    """Why a good picture gave no record, besides what Kafka says (`kafka_unavailable`, `publisher_full`, …)."""

    OVERTAKEN = "overtaken"
    """A newer picture of its live stream came while it waited."""
    STREAM_CLOSED = "stream_closed"
    """Its stream was closed before its turn."""
