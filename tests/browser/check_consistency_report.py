"""The page of a consistency check in Chromium: whole, literal, silent, in two languages, light and dark."""

from __future__ import annotations

import pytest

from airflow_provider_lark.core.api import LarkClient
from airflow_provider_lark.core.sync.consistency.files import write_reports
from airflow_provider_lark.core.sync.report import RepairReport, Writes
from airflow_provider_lark.emulator import Emulator
from tests.browser.conftest import SHOTS
from tests.databases import open_sqlite
from tests.sync.hostile import KEY, NAME, VALUES, hostile_report

NOW = 1_800_000_000.0


@pytest.fixture
def watched(plain_page):
    """A page, the dialogs and complaints that it shows, and the addresses that it asks for."""
    seen = []
    plain_page.on("dialog", lambda dialog: (seen.append(dialog.message), dialog.dismiss()))
    plain_page.on("console", lambda said: seen.append(said.text))
    plain_page.on("pageerror", lambda error: seen.append(str(error)))
    plain_page.on("request", lambda request: seen.append(request.url))
    return plain_page, seen


def test_hostile_values_are_literal_and_nothing_leaves_the_page(watched, tmp_path):
    """O25."""
    page, seen = watched
    sql = open_sqlite(tmp_path / "shop.db")
    with Emulator() as emu, LarkClient(emu.app_id, emu.app_secret, emu.url) as client:
        report = hostile_report(emu, client, sql)
    sql.dispose()
    path = tmp_path / "check.html"
    write_reports([str(path)], [report], now=NOW)
    page.goto(path.as_uri())
    assert page.locator("tbody tr").count() == 2 * len(VALUES) + 3
    assert page.locator("h2 bdi").inner_text() == NAME
    assert page.locator("td.id bdi").first.text_content() in (KEY, *(f"key {n}" for n in range(9)))
    cells = page.locator("td.value bdi").all_text_contents()
    assert {*VALUES[:-1], "\\u0007bell"} <= set(cells)
    # the policy lets our style through, and nothing else
    assert page.evaluate("getComputedStyle(document.querySelector('.badge')).borderRadius") == "10px"
    assert [each for each in seen if not each.startswith("file:")] == []


def rows(*, repaired):
    columns = [
        ("name", "林晓 Lin Xiao", "林晓"),
        ("phone", "138 0013 8000", "13800138000"),
    ]
    told = [{"column": name, "lark": lark, "sql": sql, "hidden": False} for name, lark, sql in columns]
    hidden = {"column": "id_card", "lark": None, "sql": None, "hidden": True}
    common = {"action": "", "more": 0}
    state = "repaired" if repaired else "drift"
    return [
        {"kind": "different", "key": "10042", "record_id": "recuWdDxY1a2b3", "state": state, "reason": "", **common,
         "columns": [*told, hidden]},
        {"kind": "different", "key": "10057", "record_id": "recuWdDxQ7z8k4", "state": "changed", "reason": "", **common,
         "columns": told[1:]},
        {"kind": "only_sql", "key": "20001", "record_id": "", "state": state, "reason": "failed", **common,
         "columns": [{"column": "name", "lark": None, "sql": "王芳 Wang Fang", "hidden": False}]},
        {"kind": "only_lark", "key": "30007", "record_id": "recuWdDxM5n6p7", "state": "waits", "reason": "queued",
         **common, "columns": [{"column": "name", "lark": "李雷 Li Lei", "sql": None, "hidden": False}]},
    ]  # fmt: skip


def test_page_is_shown_in_both_languages_light_and_dark(watched, tmp_path):
    page, seen = watched
    report = RepairReport(
        "customers", "check", rows_lark=29_784, rows_sql=29_791, equal=29_730, different=41, only_sql=9, only_lark=4,
        pending=6, waiting={"queued": 6}, repair="policy", repaired=45, changed=6, left=1, held=2,
        to_sql=Writes(updated=30), to_lark=Writes(updated=15), seconds=14.2, api_calls={"total": 63},
        rows=rows(repaired=True), in_step=False,
        warnings=["54 rows differ, more than the threshold of 10"],
    )  # fmt: skip
    path = tmp_path / "check.html"
    write_reports([str(path)], [report], now=NOW)
    SHOTS.mkdir(parents=True, exist_ok=True)
    page.set_viewport_size({"width": 1180, "height": 900})
    page.goto(path.as_uri())
    assert page.get_by_text("Only in Lark").first.is_visible()
    assert not page.get_by_text("仅飞书有").first.is_visible()
    page.screenshot(path=str(SHOTS / "check-report.png"), full_page=True)
    page.get_by_label("中文").check()
    assert page.get_by_text("仅飞书有").first.is_visible()
    assert not page.get_by_text("Only in Lark").first.is_visible()
    page.screenshot(path=str(SHOTS / "check-report-zh.png"), full_page=True)
    light = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.emulate_media(color_scheme="dark")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") != light
    page.screenshot(path=str(SHOTS / "check-report-dark.png"), full_page=True)
    # on a telephone the table scrolls, not the page
    page.set_viewport_size({"width": 390, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert [each for each in seen if not each.startswith("file:")] == []
