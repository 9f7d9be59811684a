"""A receiver of webhooks, as somebody who read the standard would write it."""

import base64
import hashlib
import hmac
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

SECRET = "whsec_" + base64.b64encode(b"a key of thirty-two bytes, or so").decode()


@dataclass(frozen=True)
class Message:
    """What arrived."""

    message_id: str
    timestamp_s: int
    signatures: tuple[str, ...]
    body: bytes
    content_type: str

    def is_signed_with(self, secret: str) -> bool:
        """Whether one of its signatures was made with a `whsec_` secret."""
        key = base64.b64decode(secret.removeprefix("whsec_"))
        signed = f"{self.message_id}.{self.timestamp_s}.".encode() + self.body
        expected = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
        return any(hmac.compare_digest(f"v1,{expected}", each) for each in self.signatures)


@dataclass
class Receiver:
    """Answers with the next of `answers`, then with 204."""

    answers: list[int | tuple[int, dict[str, str]]] = field(default_factory=list)
    on_message: Callable[[Message], None] = lambda _: None
    """Called before it answers."""
    port: int = 0
    messages: list[Message] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}/hooks/T0PSECRETPATH"

    @property
    def ids(self) -> list[str]:
        """Of all messages so far, those that came again included."""
        with self.lock:
            return [message.message_id for message in self.messages]

    def take(self, message: Message) -> tuple[int, dict[str, str]]:
        with self.lock:
            self.messages.append(message)
            answer = self.answers.pop(0) if self.answers else 204
        self.on_message(message)
        return answer if isinstance(answer, tuple) else (answer, {})

    @contextmanager
    def listening(self) -> Iterator["Receiver"]:
        """It is up for the length of the block, on the port it had before if it had one."""
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                headers = self.headers
                message = Message(
                    message_id=headers["webhook-id"],
                    timestamp_s=int(headers["webhook-timestamp"]),
                    signatures=tuple(headers["webhook-signature"].split(" ")),
                    body=self.rfile.read(int(headers["content-length"])),
                    content_type=headers["content-type"],
                )
                status, more = receiver.take(message)
                self.send_response(status)
                for name, value in more.items():
                    self.send_header(name, value)
                self.send_header("content-length", "0")
                self.end_headers()

            def do_GET(self) -> None:
                raise AssertionError("a redirect was followed")

            def log_message(self, format: str, *args: object) -> None: ...  # noqa: A002 - the name is http.server's

        with ThreadingHTTPServer(("127.0.0.1", self.port), Handler) as server:
            # Who does not wait for the answer is no news.
            # Who does not wait for the answer is no news.
            server.handle_error = lambda *_: None  # type: ignore[method-assign]
            self.port = server.server_port
            thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, name="receiver")
            thread.start()
            try:
                yield self
            finally:
                server.shutdown()
                thread.join()
