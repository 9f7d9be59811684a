"""A token endpoint on loopback: client credentials in, unsigned tokens out, as a broker without keys takes them."""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

CLIENT_ID, CLIENT_SECRET = "ada", "sesame:/ü"


class TokenEndpoint:
    """Counts the tokens it gave."""

    def __init__(self, lifetime_s: int) -> None:
        self.url = ""
        self.given = 0
        self.lifetime_s = lifetime_s
        self.scopes: list[str] = []

    def answer(self, authorization: str, form: dict[str, list[str]]) -> tuple[int, dict[str, object]]:
        login = f"{CLIENT_ID}:sesame%3A%2F%C3%BC"
        if authorization != "Basic " + base64.b64encode(login.encode()).decode():
            return 401, {"error": "invalid_client"}
        assert form["grant_type"] == ["client_credentials"]
        self.scopes += form.get("scope", [])
        self.given += 1
        now = int(time.time())
        claims = {"sub": CLIENT_ID, "iat": now - 5, "exp": now + self.lifetime_s}
        token = ".".join([_encode({"alg": "none"}), _encode(claims), ""])
        return 200, {"access_token": token, "token_type": "Bearer", "expires_in": self.lifetime_s}


@contextmanager
def giving_tokens(lifetime_s: int = 3600) -> Iterator[TokenEndpoint]:
    """An endpoint for the length of the block."""
    endpoint = TokenEndpoint(lifetime_s)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
            status, content = endpoint.answer(self.headers["Authorization"], form)
            body = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None: ...  # noqa: A002 - the name is http.server's

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    endpoint.url = f"http://127.0.0.1:{server.server_address[1]}/token"
    try:
        yield endpoint
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _encode(content: dict[str, object]) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).decode().rstrip("=")
