"""Of all variables of the suite none is taken for a misspelt other one."""

import importlib
import pkgutil

import pytest
from pydantic_settings import BaseSettings

import consumers
import producer_service
from kafka_io.environment import find_misspelt, list_kinds, name_variable


def find_kinds() -> list[type[BaseSettings]]:
    """Those of every service."""
    for package in (consumers, producer_service):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if module.name.endswith("settings"):
                importlib.import_module(module.name)
    return [kind for kind in list_kinds() if not kind.__module__.startswith("tests")]


@pytest.mark.parametrize("kind", find_kinds(), ids=lambda kind: kind.__name__)
def test_a_variable_of_another_service_is_no_slip(kind: type[BaseSettings], monkeypatch: pytest.MonkeyPatch) -> None:
    others = {name_variable(other, name) for other in find_kinds() for name in other.model_fields}
    own = {name_variable(kind, name) for name in kind.model_fields}
    # As in a process that knows of no other settings.
    monkeypatch.setattr("kafka_io.environment.list_kinds", lambda: [kind])
    assert find_misspelt(kind, dict.fromkeys(others - own, "1")) == []
    assert len(others) > 2 * len(own) > 0
