"""The site: the pages of docs/ as they are, and what they link to outside it, put where zensical builds from.

Links between pages are written for a plain git host, so they may leave docs/: to ARCHITECTURE.md, to a module, to a
folder. Here each such target becomes a page beside the others, and the link is made to point at it.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from handbook.links import find_links, read_anchors, replace_links, split_anchor
from handbook.sources import REPOSITORY
from keypoints.errors import Terminal

DOCS: Final = REPOSITORY / "docs"
CONFIG: Final = REPOSITORY / "zensical.toml"
STAGED: Final = REPOSITORY / "build" / "docs"
SITE: Final = REPOSITORY / "build" / "site"

_COLOUR: Final = re.compile(r"\x1b\[[0-9;]*m")
_TITLE: Final = re.compile(r"^# (.+)$", re.M)
_LANGUAGES: Final = {
    ".py": "python",
    ".proto": "protobuf",
    ".toml": "toml",
    ".yml": "yaml",
    ".yaml": "yaml",
    ".json": "json",
}
_MOVED: Final = {"README.md": "readme.md", "ARCHITECTURE.md": "architecture.md", "CHANGELOG.md": "changelog.md"}


class SiteNotBuilt(Terminal):
    """Zensical refused the pages. Fields: output."""


@dataclass(slots=True)
class Stage:
    """Pages on their way to the site."""

    directory: Path
    _waiting: list[Path] = field(default_factory=list)
    _done: set[Path] = field(default_factory=set)

    def put_all(self) -> None:
        """Everything of docs/, the decisions' index, and whatever they link to."""
        shutil.rmtree(self.directory, ignore_errors=True)
        for path in sorted(DOCS.rglob("*")):
            if path.suffix == ".md":
                self._waiting.append(path)
            elif path.is_file():
                target = self.directory / path.relative_to(DOCS)
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, target)
        while self._waiting:
            self._put(self._waiting.pop())
        _write(self.directory / "decisions" / "index.md", write_decisions())

    def _put(self, path: Path) -> None:
        if path in self._done:
            return
        self._done.add(path)
        place = place_of(path)
        text = path.read_text(encoding="utf-8") if path.suffix == ".md" else _show_source(path)
        if path.suffix == ".md":
            text = replace_links(text, lambda link: self._point(link, path, place))
        _write(self.directory / place, text)

    def _point(self, link: str, page: Path, place: Path) -> str:
        target, anchor = split_anchor(link)
        if not target or ":" in target:
            return link
        found = (page.parent / target).resolve()
        if found.is_relative_to(DOCS) and found.is_file():
            pass
        elif found.is_file():
            self._waiting.append(found)
        elif found != DOCS / "decisions":
            return link
        return Path(os.path.relpath(place_of(found), place.parent)).as_posix() + anchor


def place_of(path: Path) -> Path:
    """Where a file of the repository is on the site's stage, relative to it."""
    if path == DOCS / "decisions":
        return Path("decisions/index.md")
    if path.is_relative_to(DOCS):
        return path.relative_to(DOCS)
    name = path.relative_to(REPOSITORY).as_posix()
    if name in _MOVED:
        return Path(_MOVED[name])
    return Path("source") / (name if path.suffix == ".md" else f"{name}.md")


def write_decisions() -> str:
    """An index of the decisions, by number."""
    lines = [f"- [{number} {title}]({name})" for number, title, name in find_decisions()]
    about = "Why things are as they are, a page each: what was decided, what else there was, and what it costs."
    return "\n".join(["# Decisions", "", about, "", *lines, ""])


def find_decisions() -> Iterator[tuple[str, str, str]]:
    """Number, title and file of each."""
    for path in sorted((DOCS / "decisions").glob("[0-9]*.md")):
        found = _TITLE.search(path.read_text(encoding="utf-8"))
        title = found[1] if found else path.stem[5:].replace("-", " ")
        yield path.stem[:4], re.sub(r"^\d{4}[:.]?\s*[—-]?\s*", "", title), path.name


def build() -> None:
    """The whole site, in build/site. Raises SiteNotBuilt, also when a link or an anchor leads nowhere."""
    Stage(STAGED).put_all()
    program = Path(sys.executable).parent / "zensical"
    ran = subprocess.run(
        [program, "build", "--clean", "--strict", "--config-file", CONFIG],
        env=os.environ | {"NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    if ran.returncode != 0:
        said = _COLOUR.sub("", ran.stdout + ran.stderr).partition("Traceback")[0].strip()
        raise SiteNotBuilt(f"the site was not built:\n{said}", hint="mend the page that is named", output=said)


def find_dead_links(page: Path) -> list[str]:
    """Relative links of a page that lead to no file, and anchors that are no heading of theirs."""
    dead = []
    for link in find_links(page.read_text(encoding="utf-8")):
        target, anchor = split_anchor(link)
        if ":" in target or target.startswith("/"):
            continue
        found = (page.parent / target).resolve() if target else page
        if not found.exists() or (
            anchor and found.suffix == ".md" and anchor.removeprefix("#") not in read_anchors(found)
        ):
            dead.append(link)
    return dead


def _show_source(path: Path) -> str:
    name = path.relative_to(REPOSITORY).as_posix()
    language = _LANGUAGES.get(path.suffix, "")
    return f"# {name}\n\n````{language}\n{path.read_text(encoding='utf-8').rstrip()}\n````\n"


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
