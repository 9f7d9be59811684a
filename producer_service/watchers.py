"""Who may watch a run: progress bars, demos that measure latency, later the capture page."""

from dataclasses import dataclass

from keypoints.frame import HolisticFrame
from producer_service.capture.captured import Interrupted, Refused, Source
from producer_service.ledger import SourceReport


@dataclass(frozen=True, slots=True)
class Delivered:
    """A frame that Kafka acknowledged: where it is, and when it was where (wall time, µs since 1970).

    `handed_over_us` is when capture handed the picture over, `processed_at_us` when its landmarks were ready,
    `acknowledged_us` when Kafka's acknowledgement came.
    """

    stream_id: str
    epoch: int
    sequence: int
    topic: str
    partition: int
    offset: int
    captured_at_us: int
    handed_over_us: int
    processed_at_us: int
    acknowledged_us: int
    has_person: bool


class Watcher:
    """Does nothing; override what you want to know. Calls must be quick: frames wait for them.

    What is about one source comes from one thread, in order; several sources may be read at once.
    """

    def source_opened(self, source: Source, /) -> None:
        """Reading begins."""

    def source_resumed(self, source: Source, epoch: int, already_published: int, /) -> None:
        """An earlier run was ended in this source; so many of its frames are on the topic, the last of this epoch."""

    def frame_processed(self, source: Source, frame: HolisticFrame, /) -> None:
        """A frame was handed to Kafka's client."""

    def frame_passed_over(self, source: Source, /) -> None:
        """A picture was read whose frame is on the topic already."""

    def input_refused(self, source: Source, refused: Refused, /) -> None:
        """An input gave no frame."""

    def source_interrupted(self, source: Source, interrupted: Interrupted, /) -> None:
        """A live source came back: its tracking begins anew."""

    def frame_delivered(self, delivered: Delivered, /) -> None:
        """Kafka acknowledged a frame. Called on Kafka's own thread."""

    def source_finished(self, report: SourceReport, /) -> None:
        """Reading ended; acknowledgements may still be to come."""
