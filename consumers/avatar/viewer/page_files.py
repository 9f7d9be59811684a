"""The viewer's page as web/avatar was built, and what its browser may load, run and ask for: what comes from here."""

from pathlib import Path
from typing import Final

from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from connect_runtime.control.errors import NotFound
from observability.page_headers import make_page_headers

PAGE_DIRECTORY: Final = Path(__file__).parent / "page"
_INDEX: Final = "index.html"

# Models that a person drops, and the pictures inside of models, are read through addresses of blob: and data:.
PAGE_HEADERS: Final = make_page_headers("img-src 'self' blob: data:", "connect-src 'self' blob: data:")


class PageFiles:
    """Files of the page by their path under it; "" is the page itself."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._files = StaticFiles(directory=directory, check_dir=False)

    def has(self, path: str) -> bool:
        """Whether there is such a file; a path that no file can have is none."""
        try:
            found, _ = self._files.lookup_path(path or _INDEX)
        except (OSError, ValueError):
            return False
        return bool(found) and Path(found).is_file()

    async def answer(self, path: str, scope: Scope) -> Response:
        """The file, or 304. Raises NotFound."""
        if not self.has(path):
            if path in {"", _INDEX}:
                raise NotFound(
                    "the viewer's page is not built: run `npm ci && npm run build` in web/avatar",
                    hint="its WebSocket is at /avatar/stream all the same",
                )
            raise NotFound(f"the page has no file {path}")
        response = await self._files.get_response(path or _INDEX, scope)
        response.headers.update(PAGE_HEADERS)
        return response
