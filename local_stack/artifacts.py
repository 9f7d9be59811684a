"""Fetches the pinned files of Kafka and the registry from Maven repositories into a cache that every stack shares.

Which files, how large and with which SHA-256 stands in artifacts.txt beside this module, so that nothing has to be
resolved at run time and nothing but the pinned bytes is ever run.
"""

from __future__ import annotations

import hashlib
import shutil
import tarfile
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from local_stack.errors import DamagedDownload, DataDirUnusable, DownloadFailed

if TYPE_CHECKING:
    from local_stack.progress import Advance, Progress

_DOWNLOADS_AT_ONCE = 4
_TIMEOUT_S = 30


@dataclass(frozen=True)
class PinnedArtifact:
    """One file in a Maven repository, and the proof that it is the right one."""

    group: str
    name: str
    version: str
    packaging: str
    classifier: str
    size_bytes: int
    sha256: str

    @property
    def filename(self) -> str:
        suffix = f"-{self.classifier}" if self.classifier else ""
        return f"{self.name}-{self.version}{suffix}.{self.packaging}"


def pinned_artifacts(part: str) -> list[PinnedArtifact]:
    """The files of "kafka", "registry" or "iceberg-spark", in the order of the class path."""
    pinned = []
    for line in files("local_stack").joinpath("artifacts.txt").read_text(encoding="utf-8").splitlines():
        of_part, coordinates, size_bytes, sha256 = line.split()
        if of_part == part:
            group, name, version, packaging, *classifier = coordinates.split(":")
            pinned.append(PinnedArtifact(group, name, version, packaging, "".join(classifier), int(size_bytes), sha256))
    return pinned


def fetch_artifacts(part: str, cache_dir: Path, progress: Progress) -> list[Path]:
    """The part's files in the cache, each checked; what is missing or damaged is downloaded.

    Raises DownloadFailed without a network, DamagedDownload when a repository serves other bytes, DataDirUnusable
    when the cache cannot be written.
    """
    directory = cache_dir / part
    pinned = pinned_artifacts(part)
    try:
        directory.mkdir(parents=True, exist_ok=True)
        missing = [artifact for artifact in pinned if not _is_intact(directory / artifact.filename, artifact)]
        if missing:
            total_bytes = sum(artifact.size_bytes for artifact in missing)
            with (
                progress.download(f"{part} from Maven Central", total_bytes) as advance,
                ThreadPoolExecutor(_DOWNLOADS_AT_ONCE, thread_name_prefix="download") as pool,
            ):
                for _ in pool.map(lambda artifact: _download(artifact, directory, advance), missing):
                    pass
    except OSError as error:
        raise DataDirUnusable(
            f"cannot keep downloads in {directory}: {error.strerror or error}",
            hint="free some room, or set HOLISTIC_CACHE to a directory you can write",
            path=str(directory),
        ) from error
    return cached_paths(part, cache_dir)


def cached_paths(part: str, cache_dir: Path) -> list[Path]:
    """Where the part's files are kept once they are fetched, in the order of the class path."""
    return [cache_dir / part / artifact.filename for artifact in pinned_artifacts(part)]


def stay_inside(tar: tarfile.TarFile, archive: Path) -> Iterator[tarfile.TarInfo]:
    """The archive's files and directories, one by one.

    Raises DamagedDownload for whatever else is in it, and for a path that leads out of where it is unpacked.
    """
    for member in tar:
        path = PurePosixPath(member.name)
        if path.is_absolute() or ".." in path.parts or not (member.isfile() or member.isdir()):
            raise DamagedDownload(
                f"{archive.name} has {member.name} in it, which is no file or directory of its own",
                hint="remove it from the cache, to have it fetched again",
                artifact=archive.name,
                found=member.name,
            )
        yield member


def unpack_archive(archive: Path) -> Path:
    """The directory a .tar.gz of the cache is unpacked in, beside it; done once, and only visible when complete.

    Raises DataDirUnusable; DamagedDownload as `stay_inside` does.
    """
    target = archive.with_name(archive.name.removesuffix(".tar.gz"))
    if target.is_dir():
        return target
    half_done = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=archive.parent))
    try:
        with tarfile.open(archive) as tar:
            if hasattr(tarfile, "data_filter"):
                tar.extractall(half_done, filter="data")
            else:  # as Debian 12's Python
                tar.extractall(half_done, members=stay_inside(tar, archive))  # noqa: S202
        half_done.chmod(0o755)
        half_done.rename(target)
    except OSError as error:
        if not target.is_dir():  # else another process has unpacked it meanwhile
            raise DataDirUnusable(
                f"cannot unpack {archive.name} in {archive.parent}: {error.strerror or error}",
                hint="free some room, or set HOLISTIC_CACHE to a directory you can write",
                path=str(archive.parent),
            ) from error
    finally:
        shutil.rmtree(half_done, ignore_errors=True)
    return target


def _is_intact(path: Path, artifact: PinnedArtifact) -> bool:
    if not path.is_file() or path.stat().st_size != artifact.size_bytes:
        return False
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest() == artifact.sha256


def _download(artifact: PinnedArtifact, directory: Path, advance: Advance) -> None:
    from jgo.config import GlobalSettings
    from jgo.constants import MAVEN_CENTRAL_URL
    from jgo.maven import MavenContext, PythonResolver

    @contextmanager
    def report(_filename: str, _total_bytes: int) -> Iterator[Advance]:
        yield advance

    # A directory of its own, since a download that is cut short leaves a file that looks complete.
    with tempfile.TemporaryDirectory(prefix=".download-", dir=directory) as scratch:
        context = MavenContext(
            resolver=PythonResolver(progress_callback=report),
            repo_cache=Path(scratch),
            local_repos=[],
            remote_repos={**GlobalSettings.load().repositories, "central": MAVEN_CENTRAL_URL},
            timeout=_TIMEOUT_S,
        )
        component = context.project(artifact.group, artifact.name).at_version(artifact.version)
        try:
            path = component.artifact(classifier=artifact.classifier, packaging=artifact.packaging).resolve()
        except (OSError, RuntimeError) as error:  # what `requests` raises is an OSError without a number
            if isinstance(error, OSError) and error.errno is not None:
                raise
            raise DownloadFailed(
                f"cannot fetch {artifact.filename} from Maven Central: {type(error).__name__}",
                hint="is there a network? A proxy goes into HTTPS_PROXY, a mirror under [repositories] in"
                " ~/.config/jgo.conf",
                artifact=artifact.filename,
            ) from error
        if not _is_intact(path, artifact):
            raise DamagedDownload(
                f"{artifact.filename} is not the file that was pinned ({path.stat().st_size} bytes instead of"
                f" {artifact.size_bytes}, or other content)",
                hint="try again; if it stays so, a proxy or mirror serves something else",
                artifact=artifact.filename,
                expected=artifact.sha256,
            )
        path.replace(directory / artifact.filename)
