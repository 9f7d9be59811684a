"""What may be named as a source over the API, by people who are not this machine's own."""

from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from threading import Event

from producer_service.capture.address_policy import AddressPolicy, check_address
from producer_service.capture.captured import Clock, Source
from producer_service.capture.live_source import Patience
from producer_service.capture.open_source import SourceOptions, open_source
from producer_service.capture.source_address import is_address
from producer_service.capture.still_image import ImageLimits
from producer_service.capture.webcam import is_webcam, parse_webcam
from producer_service.gateway.errors import RequestRefused

PUSH = "push"
"""No source: whoever opened the stream sends its pictures."""


@dataclass(frozen=True, slots=True)
class SourceRules:
    """Which kinds are allowed: addresses by their policy, webcams or not, and files inside of one folder or none."""

    addresses: AddressPolicy
    webcams: bool
    folder: Path | None
    limits: ImageLimits
    patience: Patience
    now_us: Clock

    def open(self, named: str, stream_id: str, stop: Event) -> Source:
        """The source of that name, not read yet. May wait for a name server.

        Raises RequestRefused, InvalidAddress, AddressRefused, HostUnknown or InvalidWebcam.
        """
        name: str | Path
        if is_webcam(named):
            if not self.webcams:
                raise _refuse("webcams are", "HOLISTIC_WEBCAM_SOURCES allows them")
            parse_webcam(named)
            name = named
        elif is_address(named):
            check_address(named, self.addresses)
            name = named
        else:
            name = self._find_file(named)
        options = SourceOptions(stream_id, limits=self.limits, addresses=self.addresses, patience=self.patience)
        return open_source(name, options, self.now_us, stop)

    def _find_file(self, named: str) -> Path:
        """A file inside of the folder, links followed. What is outside and what is not there get one answer."""
        if self.folder is None:
            raise _refuse("files of the server are", "HOLISTIC_SOURCES_DIR names a folder whose files are")
        path = PurePosixPath(named)
        folder = self.folder.resolve()
        try:
            if path.is_absolute() or ".." in path.parts:
                raise ValueError
            found = (folder / path).resolve(strict=True)
            if not found.is_relative_to(folder) or not found.is_file():
                raise ValueError
        except (OSError, ValueError) as error:
            message = f"there is no file {named[:200]!r} among the sources"
            raise RequestRefused(404, "no_such_source", message, "name it within the folder of sources") from error
        return found


def _refuse(what: str, hint: str) -> RequestRefused:
    return RequestRefused(403, "source_not_allowed", f"{what} not taken as sources here", hint)
