"""Python that is shown compiles and finds what it imports; JSON and YAML can be read; SQL finds what it asks for."""

import ast
import importlib
import json
import re

import pytest
import yaml

from tests.docs.fenced import Block, find_blocks
from tests.docs.stand_ins import OTHER_ENGINES, TESTED_ELSEWHERE
from tests.docs.workshop import Workshop

BLOCKS = find_blocks()
# What stands for more of the same, and for what is everybody's own.
LEFT_OUT = re.compile(r",?\s*…(?=\s*[\]}])|(?<=[\[{])\s*…\s*,?")
STANDING_FOR = re.compile(r"(?<=[:\[,])\s*…")
ANOTHER_PROJECT = ("holistic.v1", "holistic_v1", "example", "wrists")
"""What pages have their reader make, or generate."""


def choose(*languages: str) -> list[Block]:
    return [block for block in BLOCKS if block.language in languages]


@pytest.mark.parametrize("block", choose("python"), ids=lambda block: block.name)
def test_python_compiles_and_finds_what_it_imports(block: Block) -> None:
    tree = ast.parse(block.text)
    compile(tree, block.name, "exec")
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [(alias.name, "") for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [(str(node.module), alias.name) for alias in node.names]
        else:
            continue
        for module, name in names:
            if module.startswith(ANOTHER_PROJECT):
                continue
            try:
                found = importlib.import_module(module)
            except ModuleNotFoundError as error:
                # Spark's and others' programs are their users' own.
                if (error.name or "").split(".")[0] in {"pyspark", "pandas", "requests", "aiohttp"}:
                    continue
                raise
            assert not name or hasattr(found, name) or importlib.import_module(f"{module}.{name}")


@pytest.mark.parametrize("block", choose("json", "jsonc", "json5"), ids=lambda block: block.name)
def test_json_can_be_read(block: Block) -> None:
    text = STANDING_FOR.sub(" null", LEFT_OUT.sub("", re.sub(r"\s+//.*$", "", block.text, flags=re.M)))
    decoder = json.JSONDecoder()
    while text.strip():
        _, end = decoder.raw_decode(text.lstrip())
        text = text.lstrip()[end:]


@pytest.mark.parametrize("block", choose("yaml", "yml"), ids=lambda block: block.name)
def test_yaml_can_be_read(block: Block) -> None:
    assert list(yaml.safe_load_all(block.text)) != [None]


SQL = [block for block in choose("sql") if block.name.partition(":")[0] not in (*TESTED_ELSEWHERE, *OTHER_ENGINES)]


@pytest.mark.servers
@pytest.mark.mediapipe
@pytest.mark.timeout(400)
@pytest.mark.parametrize("block", SQL, ids=lambda block: block.name)
def test_sql_runs_in_postgres(block: Block, workshop: Workshop) -> None:
    folder = workshop.open_folder(block.name)
    (folder.path / "shown.sql").write_text(block.text, encoding="utf-8")
    folder.run("holistic sql --file shown.sql --json")
