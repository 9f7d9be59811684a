"""Every command of the documentation does what it says, as far as its exit code tells: what is shown here works."""

import shlex
from collections.abc import Callable

import pytest
from typer.core import TyperArgument, TyperOption

from handbook.commands import walk_commands
from tests.conftest import REPOSITORY
from tests.docs.fenced import Block, find_blocks, find_inline, find_pages
from tests.docs.stand_ins import SHOWS_FAILURES, TESTED_ELSEWHERE, find_reason, find_tools
from tests.docs.workshop import Workshop

pytestmark = [pytest.mark.servers, pytest.mark.mediapipe, pytest.mark.timeout(400)]


def find_commands(block: Block) -> list[str]:
    """Those that run here."""
    page = block.name.partition(":")[0]
    return [
        command
        for command in block.commands
        if find_reason(command) is None and not (page in TESTED_ELSEWHERE and "holistic" not in command)
    ]


BLOCKS = [block for block in find_blocks() if find_commands(block) and block.page.parent.name != "tutorial"]


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.name)
def test_the_commands_of_a_page_do_what_they_say(
    block: Block, request: pytest.FixtureRequest, require_tool: Callable[[str], str]
) -> None:
    commands = find_commands(block)
    for tool in find_tools(commands):
        require_tool(tool)
    workshop: Workshop = request.getfixturevalue("workshop")
    folder = workshop.open_folder(block.name)
    try:
        for command in commands:
            folder.run(command)
    finally:
        folder.put_back(commands)


COMMANDS = dict(walk_commands())


def is_whole(command: str) -> bool:
    """Whether nothing is missing that the command needs, so that a reader could run it as it stands."""
    words = shlex.split(command)[1:]
    verb = next((tuple(words[:count]) for count in (2, 1) if tuple(words[:count]) in COMMANDS), None)
    if verb is None or "…" in command:
        return False
    params = COMMANDS[verb].params
    takes = {name for one in params if isinstance(one, TyperOption) and not one.is_flag for name in one.opts}
    given = words[len(verb) :]
    arguments = [
        word for before, word in zip(["", *given], given, strict=False) if word[0] != "-" and before not in takes
    ]
    needed = [one for one in params if isinstance(one, TyperArgument) and one.required]
    options = [one for one in params if isinstance(one, TyperOption) and one.required]
    return (
        len(arguments) >= len(needed)
        and not any(word.isupper() for word in given)
        and not (given and given[-1] in takes)
        and all(set(one.opts) & set(given) for one in options)
        and bool(given)
    )


@pytest.mark.parametrize(
    ("command", "whole"),
    [
        ("holistic forget", False),
        ("holistic forget ada", True),
        ("holistic export ada", False),
        ("holistic export ada -o ada.csv", True),
        ("holistic avatar monitor --play", False),
        ("holistic restore --from", False),
        ("holistic dlq list NAME", False),
        ("holistic archive", False),
    ],
)
def test_what_is_only_named_is_no_whole_command(command: str, whole: bool) -> None:
    assert is_whole(command) == whole


TABLED = [
    pytest.param(command, id=f"{page.relative_to(REPOSITORY)}:{line}")
    for page in find_pages()
    if page.relative_to(REPOSITORY).as_posix() not in SHOWS_FAILURES and page.parent.name != "reference"
    for line, command, tabled in find_inline(page)
    if tabled and is_whole(command) and find_reason(command) is None
]


@pytest.mark.parametrize("command", TABLED)
def test_commands_in_tables_do_what_they_say(command: str, workshop: Workshop) -> None:
    workshop.open_folder(f"table-{command}").run(command)
