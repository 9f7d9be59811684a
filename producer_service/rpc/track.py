"""One stream that a client tracks: pictures out of the call into the stream's line, outcomes back."""

import logging
from collections.abc import Iterator
from concurrent.futures import Future

import grpc

from keypoints.errors import HolisticError, Terminal
from producer_service.capture.captured import DropPolicy
from producer_service.capture.still_image import InvalidImage
from producer_service.live.outcome import PictureOutcome, Rejected
from producer_service.live.stream_line import StreamLine
from producer_service.live.studio import Studio
from producer_service.rpc.answers import Answers
from producer_service.rpc.failures import InvalidRequest
from producer_service.rpc.messages import Interruption, NumberedPicture, TrackMessage
from producer_service.rpc.room import PictureRoom

log = logging.getLogger(__name__)


class Track:
    """A line that is fed by a call. Two threads serve it: one reads pictures, the call's own writes outcomes."""

    def __init__(self, line: StreamLine, studio: Studio, room: PictureRoom, unread_answers: int) -> None:
        self.line = line
        self.answers = Answers(unread_answers, in_order=line.policy is DropPolicy.WAIT)
        self._studio = studio
        self._room = room

    def read(self, messages: "Iterator[TrackMessage | InvalidRequest]") -> None:
        """Hand in what comes until the client has sent everything, is gone, or says what cannot be understood."""
        try:
            while self.answers.wait_for_room():
                message = next(messages, None)
                if message is None:
                    self.end()
                    return
                self._take(message)
        except grpc.RpcError:
            # The client is gone, or the call was ended from here.
            self.abandon()
        except HolisticError as error:
            self.end(error)
        except Exception:
            log.exception("a call could not be read", extra={"stream": self.line.stream_id})
            self.end(Terminal("the call could not be read"))

    def end(self, problem: HolisticError | None = None) -> None:
        """Take no more pictures; what was taken gets its outcomes, and then the call ends, with the problem if any."""
        self._studio.close_stream(self.line, drain=True)
        self.answers.end(problem)

    def abandon(self) -> None:
        """Nobody listens any more: what waits is dropped."""
        self.answers.abandon()
        self._studio.close_stream(self.line, drain=False)

    def _take(self, message: TrackMessage | InvalidRequest) -> None:
        if isinstance(message, InvalidRequest):
            raise message
        if isinstance(message, NumberedPicture):
            self.answers.expect(message.number, self._submit(message))
        elif isinstance(message, Interruption):
            self.line.interrupt()
        else:
            raise InvalidRequest("a stream is opened once, by the first message of its call")

    def _submit(self, numbered: NumberedPicture) -> "Future[PictureOutcome]":
        if not isinstance(numbered.picture, InvalidImage):
            size = self._room.wait_for(numbered.picture, self.answers.is_over)
            if size is None:
                raise InvalidRequest("the call has ended")
            outcome = self.line.submit(numbered.picture)
            self._room.free_after(outcome, size)
            return outcome
        refused = refuse(numbered.picture, self._studio)
        self.line.counts.count(refused)
        return refused


def refuse(error: InvalidImage, studio: Studio) -> "Future[PictureOutcome]":
    """The outcome of what is no picture at all, booked."""
    studio.equipment.ledger.count_input_rejected(error.reason)
    outcome: Future[PictureOutcome] = Future()
    outcome.set_result(Rejected(error.reason, error.message))
    return outcome
