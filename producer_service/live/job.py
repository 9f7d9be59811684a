"""One picture on its way, and the promise to say what became of it exactly once."""

import threading
from concurrent.futures import Future
from dataclasses import dataclass, field

from producer_service.capture.captured import RefusalReason
from producer_service.ledger import Ledger
from producer_service.live.outcome import Dropped, PictureOutcome, Rejected
from producer_service.live.picture import EncodedPicture, Picture


@dataclass(slots=True, eq=False)
class Job:
    """A picture, when it was handed in (µs since 1970), and who waits for its outcome.

    `stretch` numbers the uninterrupted stretches of its stream: tracking is carried on within one alone.
    """

    picture: Picture
    handed_in_us: int
    ledger: Ledger
    stretch: int = 0
    outcome: "Future[PictureOutcome]" = field(default_factory=Future)
    _open: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self.ledger.count_frame_read()

    def let_go_of_picture(self) -> None:
        """Its frame is made; what waits for Kafka need not hold the pixels as well."""
        self.picture = EncodedPicture(b"", self.picture.captured_at_us)

    def drop(self, reason: str, message: str) -> None:
        """The picture gives no record, and Kafka has not been asked."""
        if self._settle_once():
            self.ledger.count_dropped(reason)
            self.outcome.set_result(Dropped(reason, message))

    def reject(self, reason: RefusalReason, message: str) -> None:
        """The picture gives no frame."""
        if self._settle_once():
            self.ledger.count_frame_rejected(reason)
            self.outcome.set_result(Rejected(reason, message))

    def settle(self, outcome: PictureOutcome) -> None:
        """The publisher has booked what became of its frame."""
        if self._settle_once():
            self.outcome.set_result(outcome)

    def _settle_once(self) -> bool:
        # Never released: who comes second finds it taken. A caller that no longer waits has cancelled nothing.
        return self._open.acquire(blocking=False) and self.outcome.set_running_or_notify_cancel()
