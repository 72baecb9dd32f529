"""The coverage page is what the routes make it, and refused endpoints are refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from airflow_provider_lark.emulator import coverage
from airflow_provider_lark.emulator.serving.dispatch import ROUTES

REFUSED = [
    each
    for section in coverage.SECTIONS.values()
    for each in section
    if coverage._key(each) not in {coverage._key(route.target) for route in ROUTES}
]


def test_page_is_what_the_generator_gives() -> None:
    assert coverage.main(["--check"]) == 0, "run python -m airflow_provider_lark.emulator.coverage"


def test_generator_writes_the_page_and_notices_a_stale_one(tmp_path: Path, capsys: Any) -> None:
    copy = tmp_path / "page.md"
    assert coverage.main(["--check", "--output", str(copy)]) == 1
    assert coverage.main(["--output", str(copy)]) == 0
    assert copy.read_text(encoding="utf-8") == coverage.page()
    copy.write_text("stale")
    assert coverage.main(["--check", "--output", str(copy)]) == 1
    assert "is stale" in capsys.readouterr().err


def test_page_names_every_route_once(monkeypatch: Any) -> None:
    monkeypatch.setattr(coverage, "SECTIONS", {"All": ("POST bitable/v1/apps",) * 2})
    with pytest.raises(ValueError, match="tenant_access_token"):
        coverage.page()


def test_partly_emulated_route_says_what_is_left_out() -> None:
    assert [each.target for each in ROUTES if each.coverage == "partly" and not each.note] == []


@pytest.mark.parametrize("endpoint", REFUSED)
def test_refused_endpoint_is_unknown_or_another_method(caller: Any, endpoint: str) -> None:
    method, _, path = endpoint.partition(" ")
    answer = caller.raw(method, path if path.startswith("/") else f"/open-apis/{path}")

    assert answer.json()["code"] in {99991201, 99991301}
    assert answer.status_code in {404, 405}
