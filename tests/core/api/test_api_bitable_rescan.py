"""Scans that must begin again: a later page is too large, and Lark binds the page_token to the page size."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from airflow_provider_lark.core.api import LarkClient
from airflow_provider_lark.core.errors import BadRequest, TooLarge
from airflow_provider_lark.emulator import DEFAULT_APP_ID, DEFAULT_APP_SECRET, Emulator

SEARCH = "POST .*/records/search"
FIELDS = [{"field_name": "Name", "type": 1}, {"field_name": "Qty", "type": 2}]


@pytest.fixture
def lark(emu: Emulator, make_client: Callable[..., LarkClient]) -> LarkClient:
    return make_client(DEFAULT_APP_ID, DEFAULT_APP_SECRET, host=emu.url, rate_share=None)


@pytest.fixture
def at(emu: Emulator) -> dict[str, Any]:
    base = emu.state.create_base("Shop")
    at = {"app_token": base.app_token, "table_id": emu.state.create_table(base.app_token, "t", FIELDS).table_id}
    emu.person.add_records(**at, rows=[{"Name": f"r{n}", "Qty": n} for n in range(600)])
    return at


def _ids(pages: Any) -> list[str]:
    return [record["record_id"] for page in pages for record in page.items]


@pytest.mark.parametrize("code", [1254030, 1254002], ids=["as too large", "as fail"])
def test_scan_whose_page_token_is_bound_begins_again_and_doubles_nothing(
    emu: Emulator, lark: LarkClient, at: dict[str, Any], code: int
) -> None:
    emu.switches.page_token_binds_page_size = True
    emu.switches.bad_page_token_code = code
    everything = _ids(lark.bitable.search_pages(**at))
    pages = lark.bitable.search_pages(**at, page_size=200)
    met = _ids([next(pages)])
    emu.faults.add(match=SEARCH, action="error", code=1254030, times=1)
    rest = list(pages)
    met += _ids(rest)
    assert sorted(met) == sorted(everything)
    assert len(set(met)) == 600
    # begun again with pages of 100, of which the first two were known
    assert [len(page.items) for page in rest] == [0, 0, 100, 100, 100, 100]
    assert {page.total for page in rest} == {600}


def test_scan_whose_page_token_is_free_goes_on_from_there(emu: Emulator, lark: LarkClient, at: dict[str, Any]) -> None:
    emu.switches.page_token_binds_page_size = False
    pages = lark.bitable.search_pages(**at, page_size=200)
    next(pages)
    emu.faults.add(match=SEARCH, action="error", code=1254030, times=1)
    assert [len(page.items) for page in pages] == [100, 100, 100, 100]


def test_sorted_scan_that_began_again_yields_what_was_edited_meanwhile(
    emu: Emulator, lark: LarkClient, at: dict[str, Any]
) -> None:
    order = [{"field_name": "Qty", "desc": True}]
    pages = lark.bitable.search_pages(**at, page_size=200, sort=order)
    first = next(pages).items
    edited, kept = first[0]["record_id"], first[1]["record_id"]
    emu.person.edit_record(**at, record_id=edited, fields={"Qty": 9999})
    emu.faults.add(match=SEARCH, action="error", code=1254030, times=1)
    met = _ids(pages)
    assert met[0] == edited
    assert kept not in met
    assert len(met) == 401


def test_scan_begins_again_only_with_pages_of_a_useful_size(client: LarkClient, server: Any) -> None:
    server.say({"items": [], "has_more": True, "page_token": "p1"})
    server.refuse(1254030, times=50)
    with pytest.raises(TooLarge):
        list(client.bitable.search_pages(app_token="basA", table_id="tblA", page_size=90))
    # 90, then 90 45 22 11 5 2 1 under the token
    assert len(server.calls) == 8


def test_scan_under_a_token_that_was_used_before_it_began_again_goes_on(client: LarkClient, server: Any) -> None:
    page = {"items": [{"record_id": "r1", "fields": {}}], "has_more": True, "page_token": "p1"}
    server.say(page)
    server.refuse(1254030, times=8)
    server.say(page)
    server.say({"items": [{"record_id": "r2", "fields": {}}], "has_more": False})
    pages = list(client.bitable.search_pages(app_token="basA", table_id="tblA", page_size=128))
    assert [_ids([page]) for page in pages] == [["r1"], [], ["r2"]]


def test_scan_refused_for_another_reason_ends(client: LarkClient, server: Any) -> None:
    server.say({"items": [], "has_more": True, "page_token": "p1"})
    server.refuse(1254018)
    with pytest.raises(BadRequest, match="filter is invalid"):
        list(client.bitable.search_pages(app_token="basA", table_id="tblA"))
    assert len(server.calls) == 2


def test_scan_with_large_records_at_its_end_is_read_whole(emu: Emulator, lark: LarkClient, at: dict[str, Any]) -> None:
    emu.switches.max_response_bytes = 150_000
    emu.person.add_records(**at, rows=[{"Name": "x" * 1000} for _ in range(200)])
    met = _ids(lark.bitable.search_pages(**at))
    assert (len(met), len(set(met))) == (800, 800)
