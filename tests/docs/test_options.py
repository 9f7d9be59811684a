"""Every command the pages show exists, with all its options: those too that are not run."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from handbook.commands import walk_commands
from tests.conftest import REPOSITORY
from tests.docs.fenced import find_inline, find_pages, read_blocks
from tests.docs.stand_ins import NOT_RUN, TESTED_ELSEWHERE, find_reason, strip_comment

COMMANDS = dict(walk_commands())
VERBS = {words[:count] for words in COMMANDS for count in range(1, len(words) + 1)}
OPTIONS = {
    words: {name for param in command.params for name in (*param.opts, *param.secondary_opts)}
    for words, command in COMMANDS.items()
}
ALWAYS = {"--help", "-h", "--version"}
GENERATED = REPOSITORY / "docs" / "reference"


def read_words(command: str) -> list[str]:
    """The words after `holistic`, of the first of several commands."""
    part = re.split(r"\s[|;&]|\s#|\$\(|\)", command)[0].replace("\\\n", " ")
    try:
        words = shlex.split(part.replace("[", "").replace("]", ""))
    except ValueError:
        words = part.split()
    return words[words.index("holistic") + 1 :]


def find_mistakes(command: str) -> list[str]:
    """What a command has that there is not."""
    mistakes = []
    for call in re.findall(r"(?:^|[\s(;|&])(holistic(?: .*?)?)(?=$|[;)\n])", command):
        words = read_words(call.strip())
        if not words or words[0] in {"…", "--help", "--version", "VERB"}:
            continue
        verb = tuple(words[:2]) if tuple(words[:2]) in VERBS else tuple(words[:1])
        if verb not in VERBS:
            mistakes.append(f"there is no holistic {words[0]}")
            continue
        known = OPTIONS.get(verb, set()) | ALWAYS
        given = [word.partition("=")[0] for word in words if re.fullmatch(r"--?[a-zA-Z][\w-]*(=.*)?", word)]
        mistakes += [
            f"holistic {' '.join(verb)} has no {name}" for name in given if name not in known and verb in COMMANDS
        ]
    return mistakes


def list_commands(page: Path) -> Iterator[tuple[int, str]]:
    for block in read_blocks(page):
        for command in block.commands:
            yield block.line, command
    for line, command, _ in find_inline(page):
        yield line, command


@pytest.mark.parametrize(
    "page", [page for page in find_pages() if GENERATED not in page.parents], ids=lambda page: page.name
)
def test_every_command_of_a_page_has_the_options_that_are_shown(page: Path) -> None:
    wrong = [(line, problem) for line, command in list_commands(page) for problem in find_mistakes(command)]
    assert not wrong


@pytest.mark.parametrize(
    ("command", "mistake"),
    [
        ("holistic archiv", "there is no holistic archiv"),
        ("holistic sql --colour", "holistic sql has no --colour"),
        ("echo 1; holistic dlq list x --every 1h", "holistic dlq list has no --every"),
        ('eval "$(holistic up --exports)"', "holistic up has no --exports"),
        ("holistic sql 'SELECT 1' --on parquet | head", None),
        ("holistic report ada [--json] # --colour", None),
    ],
)
def test_what_is_not_there_is_found(command: str, mistake: str | None) -> None:
    assert find_mistakes(command) == ([mistake] if mistake else [])


def test_make_is_asked_for_what_it_makes() -> None:
    targets = set(re.findall(r"^([\w-]+):", (REPOSITORY / "Makefile").read_text(encoding="utf-8"), re.M))
    asked = {
        target
        for page in find_pages()
        for _, command in list_commands(page)
        for target in re.findall(r"^make ([a-z-]+)(?= |$)", command)
    }
    assert asked
    assert asked <= targets


def test_scripts_and_modules_that_are_not_run_are_there() -> None:
    missing = []
    for page in find_pages():
        for line, command in list_commands(page):
            if find_reason(command) is None:
                continue
            named = re.findall(r"(?:^|\s)((?:deploy|tests|requirements|benchmarks|proving)/[\w./-]+)", command)
            paths = [name for name in named if "node_modules" not in name]
            missing += [(page.name, line, name) for name in paths if not (REPOSITORY / name).exists()]
    assert not missing


def test_no_reason_is_left_over() -> None:
    commands = [command for page in find_pages() for _, command in list_commands(page)]
    unused = [
        one.pattern
        for one in NOT_RUN
        if not any(re.search(one.pattern, strip_comment(command)) for command in commands)
    ]
    assert not unused


@pytest.mark.parametrize(("page", "test"), TESTED_ELSEWHERE.items())
def test_the_test_of_a_page_names_it(page: str, test: str) -> None:
    assert Path(page).name in (REPOSITORY / test).read_text(encoding="utf-8")
