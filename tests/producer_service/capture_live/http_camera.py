"""A webcam server on the loopback: MJPEG over HTTP, and the answers of servers that are none."""

import socket
import ssl

from tests.producer_service.capture_live.moods import Listener, Moods, pictures

BOUNDARY = "a-boundary"


class HttpCamera:
    """Streams pictures at `/video`, with or without their lengths, and answers other paths as `answers` says."""

    def __init__(
        self, authorization: str | None = None, *, tell_length: bool = True, tls: ssl.SSLContext | None = None
    ) -> None:
        self.moods = Moods()
        self.requests: list[str] = []
        self.answers: dict[str, tuple[str, dict[str, str], bytes]] = {}
        self.damaged = False
        self._authorization = authorization
        self._tell_length = tell_length
        self._protocol = "http" if tls is None else "https"
        self.listener = Listener(self._talk, self.moods.closing, tls)

    @property
    def url(self) -> str:
        """The address of its stream, without a user."""
        return self.url_of("/video")

    def url_of(self, path: str) -> str:
        """The address of a path."""
        return f"{self._protocol}://127.0.0.1:{self.listener.port}{path}"

    def url_with(self, user: str, password: str) -> str:
        """The address of its stream with a user and a password."""
        return self.url.replace("://", f"://{user}:{password}@")

    def _talk(self, connected: socket.socket) -> None:
        with connected.makefile("rb") as stream:
            line = stream.readline().decode()
            headers = {}
            while (header := stream.readline().strip()) != b"":
                name, _, value = header.decode().partition(":")
                headers[name.lower()] = value.strip()
        if not line:
            return
        if self.moods.deaf.is_set():
            self.moods.closing.wait()
            return
        path = line.split()[1]
        self.requests.append(path)
        if self._authorization is not None and headers.get("authorization") != self._authorization:
            _respond(connected, "401 Unauthorized", {"WWW-Authenticate": 'Basic realm="camera"'}, b"")
        elif path in self.answers:
            _respond(connected, *self.answers[path])
        elif path.partition("?")[0] == "/video":
            self._stream(connected)
        else:
            _respond(connected, "404 Not Found", {}, b"")

    def _stream(self, connected: socket.socket) -> None:
        _respond(connected, "200 OK", {"Content-Type": f"multipart/x-mixed-replace; boundary={BOUNDARY}"}, b"")
        for jpeg in pictures(self.moods):
            data = jpeg[: len(jpeg) // 2] if self.damaged else jpeg
            head = f"--{BOUNDARY}\r\nContent-Type: image/jpeg\r\n"
            head += f"Content-Length: {len(data)}\r\n" if self._tell_length else ""
            connected.sendall(f"{head}\r\n".encode() + data + b"\r\n")


def _respond(connected: socket.socket, status: str, headers: dict[str, str], body: bytes) -> None:
    lines = [f"HTTP/1.0 {status}", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
    connected.sendall("\r\n".join(lines).encode() + body)
