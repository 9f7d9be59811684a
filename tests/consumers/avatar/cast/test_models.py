"""Roles name models of one directory, and nothing else of this machine."""

from pathlib import Path

import pytest

from consumers.avatar.cast.models import NoSuchModel, find_model, find_model_of_target, list_models, models_router


@pytest.fixture
def models(tmp_path: Path) -> Path:
    directory = tmp_path / "models"
    directory.mkdir()
    (directory / "fox.vrm").write_bytes(b"a fox")
    (directory / "notes.txt").write_bytes(b"no model")
    (tmp_path / "secret.vrm").write_bytes(b"of somebody else")
    return directory


def test_the_models_there_are_can_be_named(models: Path) -> None:
    assert list_models(models) == ["fox.vrm"]
    assert find_model(models, "fox.vrm").read_bytes() == b"a fox"


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", "notes.txt", "hen.vrm", "../secret.vrm", "./fox.vrm", "fox.vrm/", "\0.vrm", "a" * 300 + ".vrm"],
)
def test_what_is_no_name_of_a_model_there_is_none(models: Path, name: str) -> None:
    with pytest.raises(NoSuchModel) as missing:
        find_model(models, name)
    assert "fox.vrm" in (missing.value.hint or "")


def test_no_path_is_a_models_name_but_to_those_who_start_the_service(models: Path) -> None:
    secret = models.parent / "secret.vrm"
    with pytest.raises(NoSuchModel):
        find_model(models, str(secret))
    with pytest.raises(NoSuchModel):
        find_model_of_target(models, {None}, secret)
    assert find_model_of_target(models, {None, secret}, secret) == secret


def test_a_service_without_models_says_how_to_have_some() -> None:
    assert list_models(None) == []
    with pytest.raises(NoSuchModel) as missing:
        find_model(None, "fox.vrm")
    assert missing.value.hint == "set HOLISTIC_AVATAR_MODELS"


def test_a_directory_of_models_that_is_not_there_is_said(models: Path, caplog: pytest.LogCaptureFixture) -> None:
    models_router(models)
    models_router(None)
    assert not caplog.records
    models_router(models / "elsewhere")
    assert f"there is no directory of models {models / 'elsewhere'}" in caplog.text
