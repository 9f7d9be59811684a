"""Links of the pages lead somewhere: on a git host, and on the site."""

from pathlib import Path

import pytest

from handbook.links import find_links, read_anchors, replace_links
from handbook.site import find_dead_links
from tests.conftest import REPOSITORY

PAGES = [
    *(REPOSITORY / name for name in ("README.md", "ARCHITECTURE.md", "CHANGELOG.md")),
    *sorted((REPOSITORY / "docs").rglob("*.md")),
]


def test_every_relative_link_leads_to_a_file_and_every_anchor_to_a_heading() -> None:
    assert {str(page): dead for page in PAGES if (dead := find_dead_links(page))} == {}


@pytest.mark.parametrize(
    ("text", "dead"),
    [
        ("[a](there.md)", []),
        ("[a](missing.md)", ["missing.md"]),
        ("[a](there.md#the-heading)", []),
        ("[a](there.md#another)", ["there.md#another"]),
        ("[a](#my-own-heading)", []),
        ("[a](#yours)", ["#yours"]),
        ("![a](missing.png)", ["missing.png"]),
        ("[a](https://example.org/missing.md)", []),
        ("`[a](missing.md)`", []),
        ("```\n[a](missing.md)\n```", []),
        ("[a\nb](missing.md)", ["missing.md"]),
    ],
)
def test_a_link_that_leads_nowhere_is_found(text: str, dead: list[str], tmp_path: Path) -> None:
    (tmp_path / "there.md").write_text("# There\n\n## The heading\n", encoding="utf-8")
    page = tmp_path / "page.md"
    page.write_text(f"# My own heading\n\n{text}\n", encoding="utf-8")
    assert find_dead_links(page) == dead


def test_anchors_are_those_of_a_git_host(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "# `holistic load`, and more\n## [Linked](x.md) one\n## Twice\n## Twice\n```\n# no heading\n```\n",
        encoding="utf-8",
    )
    assert read_anchors(page) == {"holistic-load-and-more", "linked-one", "twice", "twice-1"}


def test_other_links_are_put_in_their_place_and_code_stays() -> None:
    text = '[a](one.md) `[b](one.md)` ![c](two.png "d")'
    assert replace_links(text, str.upper) == '[a](ONE.MD) `[b](one.md)` ![c](TWO.PNG "d")'
    assert list(find_links(text)) == ["one.md", "two.png"]
