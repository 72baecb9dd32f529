"""The page of figures and the dashboard, held against what is sent."""

from __future__ import annotations

import json
import re
from typing import Any

from airflow_provider_lark.hooks.figures.names import FIGURES
from tests.docs.pages import ROOT, page

PAGE = page("docs/figures.md")
DASHBOARD = json.loads((ROOT / "docs/grafana/lark-sync.json").read_text(encoding="utf-8"))
TAGS = {figure.name.replace(".", "_"): set(figure.tags) for figure in FIGURES}
_METRIC = re.compile(r"airflow_(lark_[a-z_]+[a-z])")


def queries() -> list[str]:
    return [target["expr"] for panel in DASHBOARD["panels"] for target in panel["targets"]]


def test_page_lists_every_figure_with_its_tags_and_no_other() -> None:
    rows = re.findall(r"^\| `(lark\.\w+\.\w+)` \| ([^|]*)\|", PAGE.text, re.MULTILINE)
    told = {name: set(re.findall(r"`(\w+)`", tags)) for name, tags in rows}
    assert told == {figure.name: set(figure.tags) - {"mapping"} for figure in FIGURES}


def test_queries_ask_only_for_what_is_sent_by_the_tags_that_it_has() -> None:
    for query in [*queries(), *re.findall(r"`([^`]*airflow_lark_[^`]*)`", PAGE.text)]:
        names = [name.removesuffix("_total") for name in _METRIC.findall(query)]
        assert names
        assert set(names) <= TAGS.keys(), query
        allowed = set.intersection(*(TAGS[name] for name in names))
        grouped = {tag for by in re.findall(r"by \(([^)]*)\)", query) for tag in by.split(", ")}
        matched = set(re.findall(r"(\w+)(?:=~|!=|=)\"", query)) - {"__name__"}
        assert grouped | matched <= allowed, query


def test_dashboard_shows_every_figure() -> None:
    asked = {name for query in queries() for name in _METRIC.findall(query)}
    assert asked == TAGS.keys()


def test_counters_are_counted_from_their_first_value_and_bar_by_bar() -> None:
    # increase() misses the value with which a series begins: the first load, the first failure of its kind
    counters = {figure.name.replace(".", "_") for figure in FIGURES if figure.kind == "counter"}
    seen = set()
    for panel in DASHBOARD["panels"]:
        for query in (target["expr"] for target in panel["targets"]):
            for one, name in re.findall(r'({__name__=~"airflow_(\w+)\(_total\)\?"[^}]*})', query):
                grown = f"({one} - {one} offset $__interval >= 0 or {one} and on() up offset $__interval)"
                assert grown in query
                assert panel["interval"]
                seen.add(name)
    assert seen == counters


def test_panels_have_a_place_and_a_name_of_their_own() -> None:
    panels: list[dict[str, Any]] = DASHBOARD["panels"]
    for key in ("id", "title"):
        assert len({panel[key] for panel in panels}) == len(panels)
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not cells & taken
        assert at["x"] + at["w"] <= 24
        taken |= cells
    for panel in panels:
        shown = {tag for target in panel["targets"] for tag in re.findall(r"{{(\w+)}}", target["legendFormat"])}
        assert shown <= {tag for tags in TAGS.values() for tag in tags}
