"""The snippets of the page on cards run as they stand, in their order; every name that its tables promise exists."""

from __future__ import annotations

import importlib
import pkgutil
import re
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_lark.core import cards
from airflow_provider_lark.core.cards.check import check_card
from tests.docs.pages import page

PAGE = page("docs/cards.md")


def test_snippets_run_and_make_cards_that_pass(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "failed.json").write_text(next(PAGE.blocks("json")).text, encoding="utf-8")
    names: dict[str, Any] = {}
    for block in PAGE.blocks("python"):
        exec(compile(block.text, block.id, "exec"), names)
    for made in ("card", "report", "english", "each_reader_their_own", "failed", "made"):
        check_card(names[made])
    assert "<at id=all" not in names["shown"]
    assert names["made"]["body"]["elements"][0]["content"] == '```python\nKeyError: "a\\b"\n```'
    assert names["failed"]["header"]["title"]["content"] == "orders.load 失败"


def test_tables_name_what_exists() -> None:
    for module, parts in re.findall(r"^\| `(\w+)` \| (.+) \|$", PAGE.section("## A first card"), re.MULTILINE):
        found = importlib.import_module(f"{cards.__name__}.{module}")
        assert [name for name in re.findall(r"`(\w+)`", parts) if not hasattr(found, name)] == []


def test_every_ready_card_is_told() -> None:
    from airflow_provider_lark.core.cards import ready

    told = PAGE.section("## Ready cards")
    for module in pkgutil.iter_modules(ready.__path__):
        found = importlib.import_module(f"{ready.__name__}.{module.name}")
        own = [name for name in vars(found) if name.endswith("_card") and name != "frame_card"]
        assert [name for name in own if f"`{name}`" not in told and not name.startswith("_")] == []
