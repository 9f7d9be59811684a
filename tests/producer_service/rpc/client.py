"""A client of HolisticLandmarks, as somebody else would write it."""

import queue
from collections.abc import Iterable, Iterator
from typing import Any, Self

import grpc
import numpy as np

from keypoints.frame import Float32Array
from keypoints.landmarks import PART_SHAPES, Part
from producer_service.capture.captured import RgbImage
from producer_service.live.opening import OpenStudio
from producer_service.rpc.schema import SERVICE, message_class
from producer_service.rpc.server import RpcServer

DROP_OLDEST, WAIT = 1, 2
_LARGE: list[tuple[str, int]] = [
    ("grpc.max_send_message_length", -1),
    # Each client has a connection of its own.
    ("grpc.use_local_subchannel_pool", 1),
]


def raw(image: RgbImage, number: int = 0, captured_at_us: int = 0) -> Any:
    """A Picture of pixels."""
    height, width = image.shape[:2]
    pixels = message_class("RawPicture")(width=width, height=height, rgb24=image.tobytes())
    return message_class("Picture")(number=number, captured_at_us=captured_at_us, raw=pixels)


def encoded(data: bytes, number: int = 0, captured_at_us: int = 0) -> Any:
    """A Picture of a file."""
    return message_class("Picture")(number=number, captured_at_us=captured_at_us, encoded=data)


def read_parts(outcome: Any) -> dict[Part, Float32Array]:
    """The parts that were found, as they were before they travelled."""
    assert outcome.WhichOneof("outcome") == "acknowledged"
    landmarks = outcome.acknowledged.landmarks
    found = {}
    for part in PART_SHAPES:
        if landmarks.HasField(part.value):
            message = getattr(landmarks, part.value)
            found[part] = np.array(message.values, np.float32).reshape(-1, message.values_per_point)
    return found


def open_and_send(stream_id: str, pictures: Iterable[Any], policy: int, *, mirrored: bool = False) -> Iterator[Any]:
    """The messages of a TrackStream, made as gRPC asks for them."""
    message = message_class("PictureMessage")
    yield message(opening=message_class("StreamOpening")(stream_id=stream_id, policy=policy, mirrored=mirrored))
    for picture in pictures:
        yield message(picture=picture)


class TrackCall:
    """A TrackStream whose pictures are sent one by one; iterate over `outcomes`."""

    def __init__(self, client: "Client", stream_id: str, policy: int, *, mirrored: bool = False) -> None:
        self._messages: queue.SimpleQueue[Any] = queue.SimpleQueue()
        opening = message_class("StreamOpening")(stream_id=stream_id, policy=policy, mirrored=mirrored)
        self._messages.put(message_class("PictureMessage")(opening=opening))
        self.outcomes = client.call_track(iter(self._messages.get, None))

    def wait_until_open(self) -> Self:
        """Until the server says so. Raises RpcError when it says no."""
        self.outcomes.initial_metadata()
        return self

    def send(self, *pictures: Any) -> None:
        for picture in pictures:
            self._messages.put(message_class("PictureMessage")(picture=picture))

    def interrupt(self) -> None:
        self._messages.put(message_class("PictureMessage")(interruption=message_class("Interruption")()))

    def send_message(self, message: object) -> None:
        self._messages.put(message)

    def send_no_more(self) -> None:
        self._messages.put(None)

    def cancel(self) -> None:
        self.outcomes.cancel()
        self._messages.put(None)


class Client:
    """One connection to a server."""

    def __init__(self, port: int, token: str | None = None, credentials: Any = None) -> None:
        address = f"localhost:{port}" if credentials else f"127.0.0.1:{port}"
        self.channel = (
            grpc.secure_channel(address, credentials, _LARGE) if credentials else grpc.insecure_channel(address, _LARGE)
        )
        self.metadata = () if token is None else (("authorization", f"Bearer {token}"),)

    def track(self, stream_id: str, policy: int = WAIT, *, mirrored: bool = False) -> TrackCall:
        return TrackCall(self, stream_id, policy, mirrored=mirrored)

    def track_all(
        self, stream_id: str, pictures: Iterable[Any], policy: int = WAIT, *, mirrored: bool = False
    ) -> list[Any]:
        """Send pictures, and return all outcomes once the server has ended the call."""
        return list(self.call_track(open_and_send(stream_id, pictures, policy, mirrored=mirrored)))

    def call_track(self, messages: Iterator[Any], timeout_s: float = 60.0) -> Any:
        call = self.channel.stream_stream(
            f"/{SERVICE}/TrackStream", _serialize, message_class("FrameOutcome").FromString
        )
        return call(messages, timeout=timeout_s, metadata=self.metadata)

    def find(self, stream_id: str, picture: Any, *, mirrored: bool = False, timeout_s: float = 60.0) -> Any:
        request = message_class("StillPicture")(stream_id=stream_id, mirrored=mirrored, picture=picture)
        return self._ask("FindInPicture", "FrameOutcome", request, timeout_s)

    def list_streams(self) -> list[Any]:
        return list(self._ask("ListStreams", "ListStreamsResponse", message_class("ListStreamsRequest")()).streams)

    def close_stream(self, stream_id: str) -> None:
        self._ask("CloseStream", "CloseStreamResponse", message_class("CloseStreamRequest")(stream_id=stream_id))

    def close(self) -> None:
        self.channel.close()

    def _ask(self, method: str, answer: str, request: Any, timeout_s: float = 60.0) -> Any:
        call = self.channel.unary_unary(f"/{SERVICE}/{method}", _serialize, message_class(answer).FromString)
        return call(request, timeout=timeout_s, metadata=self.metadata)


class RpcService:
    """A server, and what it stands on; its clients are closed with it."""

    def __init__(self, opened: OpenStudio, topic: str, server: RpcServer) -> None:
        self.opened = opened
        self.topic = topic
        self.server = server
        self._clients: list[Client] = []

    def connect(self, token: str | None = None, credentials: Any = None) -> Client:
        client = Client(self.server.port, token, credentials)
        self._clients.append(client)
        return client

    def close(self) -> None:
        for client in self._clients:
            client.close()


def _serialize(message: Any) -> bytes:
    return message if isinstance(message, bytes) else bytes(message.SerializeToString())
