"""Where an archive is: a folder, or a place in an object store."""

import re
from pathlib import Path
from typing import Final

from consumers.archive.parquet.local_storage import LocalStorage
from consumers.archive.parquet.storage import ArchiveStorage
from keypoints.errors import Terminal

ArchiveLocation = str | Path
"""A folder, or `s3://bucket/prefix`."""

_SCHEME: Final = re.compile(r"^([A-Za-z][A-Za-z0-9+.-]*)://")
_BUCKET: Final = re.compile(r"^s3://[^/@?#]+(/[^?#]*)?$")


class LocationUnknown(Terminal):
    """Neither a folder nor a bucket. Fields: location."""


def open_storage(location: ArchiveLocation) -> ArchiveStorage:
    """The storage of an archive, which need not be there yet. Raises LocationUnknown."""
    check_location(location)
    folder = find_folder(location)
    if folder is not None:
        return LocalStorage(folder)
    # Here, for it takes a while, and most archives are folders.
    from consumers.archive.parquet.object_storage import open_bucket

    return open_bucket(str(location))


def find_folder(location: ArchiveLocation) -> Path | None:
    """The folder an archive is in; None for a place in an object store."""
    return None if isinstance(location, str) and _SCHEME.match(location) else Path(location)


def check_location(location: ArchiveLocation) -> None:
    """Raises LocationUnknown for what cannot be opened."""
    scheme = _SCHEME.match(location) if isinstance(location, str) else None
    if scheme is None:
        return
    if scheme.group(1) != "s3":
        raise LocationUnknown(
            f"there is no storage for {scheme.group(0)}… locations",
            hint="name a folder, or s3://bucket/prefix (AWS_ENDPOINT_URL says where, if it is not Amazon's)",
            location=scheme.group(0),
        )
    if not _BUCKET.match(str(location)):
        raise LocationUnknown(
            "the location in S3 is not s3://bucket/prefix",
            hint="credentials belong in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
            location=scheme.group(0),
        )
