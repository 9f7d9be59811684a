"""Dashboards as Grafana reads them: panels in sections, each with its number and its place.

Written after Grafana's documentation of its dashboard JSON model, schema version 39.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from deploy.grafana.panels import Panel, Query

COLUMNS: Final = 24
_ROW_HEIGHT: Final = 1
_SOURCE: Final = {"type": "prometheus", "uid": "${datasource}"}


@dataclass(frozen=True, slots=True)
class Section:
    """Panels under a heading, from left to right, a new line where they do not fit."""

    title: str
    panels: tuple[Panel, ...]


@dataclass(frozen=True, slots=True)
class Dashboard:
    """A page. `uid` is its file's name and the last part of its address."""

    uid: str
    title: str
    about: str
    sections: tuple[Section, ...]


def write_dashboard(dashboard: Dashboard) -> dict[str, Any]:
    """The dashboard as Grafana reads it."""
    return {
        "uid": dashboard.uid,
        "title": dashboard.title,
        "description": dashboard.about,
        "tags": ["holistic-stream"],
        "schemaVersion": 39,
        "version": 1,
        "editable": True,
        "graphTooltip": 1,
        "timezone": "browser",
        "refresh": "10s",
        "time": {"from": "now-1h", "to": "now"},
        "annotations": {"list": []},
        "links": [_other_dashboards()],
        "templating": {"list": [_choose_source()]},
        "panels": list(_lay_out(dashboard.sections)),
    }


def _lay_out(sections: Sequence[Section]) -> Iterable[dict[str, Any]]:
    """Panels with their places and numbers, each section below the one before."""
    number_, y = 0, 0
    for section in sections:
        number_ += 1
        place = {"h": _ROW_HEIGHT, "w": COLUMNS, "x": 0, "y": y}
        yield {"id": number_, "type": "row", "title": section.title, "collapsed": False, "gridPos": place, "panels": []}
        x, y, tallest = 0, y + _ROW_HEIGHT, 0
        for panel in section.panels:
            if x + panel.width > COLUMNS:
                x, y, tallest = 0, y + tallest, 0
            number_ += 1
            yield _write_panel(panel, number_, {"h": panel.height, "w": panel.width, "x": x, "y": y})
            x, tallest = x + panel.width, max(tallest, panel.height)
        y += tallest


def _write_panel(panel: Panel, number_: int, place: dict[str, int]) -> dict[str, Any]:
    return {
        "id": number_,
        "type": panel.kind,
        "title": panel.title,
        "description": panel.about,
        "datasource": _SOURCE,
        "gridPos": place,
        "targets": [
            _write_query(query, letter, panel) for letter, query in zip("ABCDEFGHIJ", panel.queries, strict=False)
        ],
        "fieldConfig": {"defaults": {"unit": panel.unit, **panel.defaults}, "overrides": []},
        "options": panel.options,
        **panel.extra,
    }


def _write_query(query: Query, letter: str, panel: Panel) -> dict[str, Any]:
    shape = panel.kind if panel.kind in {"table", "heatmap"} else "time_series"
    return {
        "refId": letter,
        "datasource": _SOURCE,
        "expr": query.expr,
        "legendFormat": query.legend or "__auto",
        "format": shape,
        "instant": panel.instant,
        "range": not panel.instant,
    }


def _choose_source() -> dict[str, Any]:
    return {
        "name": "datasource",
        "label": "Prometheus",
        "type": "datasource",
        "query": "prometheus",
        "current": {},
        "hide": 0,
        "includeAll": False,
        "multi": False,
        "options": [],
        "refresh": 1,
        "regex": "",
    }


def _other_dashboards() -> dict[str, Any]:
    return {
        "type": "dashboards",
        "title": "Holistic Stream",
        "tags": ["holistic-stream"],
        "asDropdown": True,
        "includeVars": True,
        "keepTime": True,
        "icon": "external link",
        "targetBlank": False,
        "tooltip": "",
        "url": "",
    }
