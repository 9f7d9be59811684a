"""What Grafana is told. Grafana itself is not run here: its documented JSON model is held to, field by field."""

from __future__ import annotations

import itertools
import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.grafana.build_dashboards import DASHBOARDS, FOLDER, find_stale
from deploy.grafana.dashboard import COLUMNS
from deploy.grafana.panels import UNITS

FILES = sorted(FOLDER.glob("*.json"))
PROVISIONING = FOLDER.parent / "provisioning"
KINDS = {"row", "timeseries", "stat", "table", "heatmap", "state-timeline"}


def read(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def asking(dashboard: dict[str, Any]) -> list[dict[str, Any]]:
    return [panel for panel in dashboard["panels"] if panel["type"] != "row"]


def test_the_dashboards_in_the_repository_are_those_their_pages_make() -> None:
    assert find_stale() == []
    assert (
        len(FILES) == len(DASHBOARDS) == len({one.uid for one in DASHBOARDS}) == len({one.title for one in DASHBOARDS})
    )


def test_a_dashboard_changed_by_hand_is_noticed(tmp_path: Path) -> None:
    for path in FILES:
        (tmp_path / path.name).write_text(path.read_text(encoding="utf-8"), encoding="utf-8")
    assert find_stale(tmp_path) == []
    (tmp_path / FILES[0].name).write_text("{}", encoding="utf-8")
    (tmp_path / FILES[1].name).unlink()
    (tmp_path / "another.json").write_text("{}", encoding="utf-8")
    assert find_stale(tmp_path) == sorted(["another.json", FILES[0].name, FILES[1].name])


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_dashboard_has_what_grafana_needs_of_one(path: Path) -> None:
    dashboard = read(path)
    assert dashboard["uid"] == path.stem
    assert re.fullmatch(r"[a-zA-Z0-9_-]{1,40}", dashboard["uid"])
    assert dashboard["title"].startswith("Holistic Stream: ")
    assert dashboard["schemaVersion"] >= 39
    assert "id" not in dashboard, "Grafana gives it its own"
    assert (dashboard["time"], dashboard["refresh"]) == ({"from": "now-1h", "to": "now"}, "10s")
    (variable,) = dashboard["templating"]["list"]
    assert (variable["name"], variable["type"], variable["query"]) == ("datasource", "datasource", "prometheus")
    numbers = [panel["id"] for panel in dashboard["panels"]]
    assert len(set(numbers)) == len(numbers)
    assert all(number > 0 for number in numbers)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_no_panel_lies_over_another_or_beyond_the_page(path: Path) -> None:
    taken: dict[tuple[int, int], str] = {}
    for panel in read(path)["panels"]:
        place = panel["gridPos"]
        assert place["x"] >= 0
        assert place["x"] + place["w"] <= COLUMNS
        assert place["h"] >= (1 if panel["type"] == "row" else 3)
        for cell in itertools.product(
            range(place["x"], place["x"] + place["w"]), range(place["y"], place["y"] + place["h"])
        ):
            assert cell not in taken, f"{panel['title']} lies over {taken[cell]}"
            taken[cell] = panel["title"]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_panel_asks_the_chosen_source_in_a_unit_that_grafana_has(path: Path) -> None:
    for panel in asking(read(path)):
        title = panel["title"]
        assert panel["type"] in KINDS, title
        assert title
        assert panel["fieldConfig"]["defaults"]["unit"] in UNITS, title
        assert panel["targets"], title
        letters = [target["refId"] for target in panel["targets"]]
        assert len(set(letters)) == len(letters), title
        for asked in (panel, *panel["targets"]):
            assert asked["datasource"] == {"type": "prometheus", "uid": "${datasource}"}, title
        for target in panel["targets"]:
            assert target["expr"].strip() == target["expr"] != "", title
            assert target["instant"] is not target["range"], title
            # A rate over less than two scrapes is empty, so the source says how long it is.
            assert "rate(" not in target["expr"] or re.search(r"\[(\$__rate_interval|\d+[mh])\]", target["expr"]), title


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_panels_of_one_page_have_titles_of_their_own_within_their_section(path: Path) -> None:
    section, seen = "", set()
    for panel in read(path)["panels"]:
        section = panel["title"] if panel["type"] == "row" else section
        assert (section, panel["title"], panel["type"]) not in seen
        seen.add((section, panel["title"], panel["type"]))


def test_grafana_finds_prometheus_and_the_dashboards_where_compose_puts_them() -> None:
    (source,) = yaml.safe_load((PROVISIONING / "datasources" / "prometheus.yml").read_text())["datasources"]
    assert (source["type"], source["url"], source["access"]) == ("prometheus", "http://prometheus:9090", "proxy")
    (provider,) = yaml.safe_load((PROVISIONING / "dashboards" / "holistic.yml").read_text())["providers"]
    services = yaml.safe_load((FOLDER.parents[2] / "docker-compose.yml").read_text(encoding="utf-8"))["services"]
    mounts = dict(volume.split(":")[:2] for volume in services["grafana"]["volumes"])
    assert mounts["./deploy/grafana/dashboards"] == provider["options"]["path"]
    assert mounts["./deploy/grafana/provisioning"] == "/etc/grafana/provisioning"
    assert "./deploy/prometheus" in dict(volume.split(":")[:2] for volume in services["prometheus"]["volumes"])
