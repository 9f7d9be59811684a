"""The page without a service behind it."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from fastapi import FastAPI

from consumers.analytics.feed.page.assets import mount_page
from observability.port import take_port


@contextmanager
def serve_page_alone() -> Iterator[str]:
    """Its address, for the length of the block."""
    app = FastAPI()
    mount_page(app)
    with take_port("127.0.0.1", 0) as sock:
        server = uvicorn.Server(uvicorn.Config(app, log_config=None, log_level="error", ws="none", lifespan="off"))
        thread = threading.Thread(target=lambda: asyncio.run(server.serve([sock])), name="page")
        thread.start()
        try:
            yield f"http://localhost:{sock.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()
